import { formatLabel } from "../format/number";

/** Names that are not made of ordinary words. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["cmo", "CMO"],
  ["seo_writer", "SEO writer"],
]);

/** What an agent type is called. */
export function agentName(agentType: string): string {
  return NAMES.get(agentType) ?? formatLabel(agentType);
}
