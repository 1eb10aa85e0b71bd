import { formatLabel } from "../format/number";

/** Names with unusual capitalization. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["cmo", "CMO"],
  ["seo_writer", "SEO writer"],
]);

/** Returns the name of an agent type. */
export function agentName(agentType: string): string {
  return NAMES.get(agentType) ?? formatLabel(agentType);
}
