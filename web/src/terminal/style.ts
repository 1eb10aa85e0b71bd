/** How a run of terminal text looks: SGR (ECMA-48 § 8.3.117) as classes and colours. */

/** One of the 16 colours of the theme, a colour of its own, or the pane's default. */
export type Colour = number | string | null;

export interface Style {
  readonly className: string;
  /** Colours that no class can name: the 256-colour cube and 24-bit colours. */
  readonly color?: string;
  readonly backgroundColor?: string;
}

interface Attributes {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly strike: boolean;
  readonly inverse: boolean;
  readonly foreground: Colour;
  readonly background: Colour;
}

const PLAIN: Attributes = {
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
  foreground: null,
  background: null,
};

/** Codes that switch one thing on or off, whatever came before. */
const SWITCHES: ReadonlyMap<number, Partial<Attributes>> = new Map<number, Partial<Attributes>>([
  [0, PLAIN],
  [1, { bold: true }],
  [2, { dim: true }],
  [3, { italic: true }],
  [4, { underline: true }],
  [7, { inverse: true }],
  [9, { strike: true }],
  [21, { underline: true }],
  [22, { bold: false, dim: false }],
  [23, { italic: false }],
  [24, { underline: false }],
  [27, { inverse: false }],
  [29, { strike: false }],
  [39, { foreground: null }],
  [49, { background: null }],
]);

const CUBE = [0, 95, 135, 175, 215, 255] as const;

function rgb(red: number, green: number, blue: number): string {
  return `rgb(${red} ${green} ${blue})`;
}

/** The colour behind an index of the 256-colour palette; its first 16 belong to the theme. */
export function paletteColour(index: number): Colour {
  if (!(index >= 0 && index <= 255)) return null;
  if (index < 16) return index;
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return rgb(grey, grey, grey);
  }
  const cell = index - 16;
  const level = (step: number): number => CUBE[step % 6] ?? 0;
  return rgb(level(Math.floor(cell / 36)), level(Math.floor(cell / 6)), level(cell));
}

/** Reads `5;n` or `2;r;g;b` behind a 38 or 48: the colour, and how many codes it took. */
function extendedColour(codes: readonly number[], at: number): [Colour, number] {
  if (codes[at] === 5) return [paletteColour(codes[at + 1] ?? -1), 2];
  if (codes[at] !== 2) return [null, 1];
  const channels = codes.slice(at + 1, at + 4);
  const valid = channels.length === 3 && channels.every((value) => value >= 0 && value <= 255);
  return [valid ? rgb(channels[0] ?? 0, channels[1] ?? 0, channels[2] ?? 0) : null, 4];
}

/** The theme colour that a code names (30–37, 40–47, 90–97, 100–107), or null. */
function themeColour(code: number): Partial<Attributes> | null {
  if (code >= 30 && code <= 37) return { foreground: code - 30 };
  if (code >= 40 && code <= 47) return { background: code - 40 };
  if (code >= 90 && code <= 97) return { foreground: code - 90 + 8 };
  if (code >= 100 && code <= 107) return { background: code - 100 + 8 };
  return null;
}

function apply(codes: readonly number[], before: Attributes): Attributes {
  let attributes = before;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, taken] = extendedColour(codes, at + 1);
      attributes = { ...attributes, [code === 38 ? "foreground" : "background"]: colour };
      at += taken;
    } else {
      attributes = { ...attributes, ...(SWITCHES.get(code) ?? themeColour(code)) };
    }
  }
  return attributes;
}

const FLAGS = ["bold", "dim", "italic", "underline", "strike"] as const;

function classes(attributes: Attributes, front: Colour, back: Colour): string {
  const names = FLAGS.filter((flag) => attributes[flag]).map((flag) => `t-${flag}`);
  if (typeof front === "number") names.push(`t-fg-${front}`);
  if (typeof back === "number") names.push(`t-bg-${back}`);
  if (attributes.inverse) names.push("t-inverse");
  return names.join(" ");
}

function render(attributes: Attributes): Style | null {
  const [front, back] = attributes.inverse
    ? [attributes.background, attributes.foreground]
    : [attributes.foreground, attributes.background];
  const className = classes(attributes, front, back);
  const color = typeof front === "string" ? { color: front } : {};
  const backgroundColor = typeof back === "string" ? { backgroundColor: back } : {};
  const plain = className === "" && front === null && back === null;
  return plain ? null : { className, ...color, ...backgroundColor };
}

/** The pen of a terminal: SGR codes change it, text written meanwhile takes its style. */
export class Pen {
  #attributes = PLAIN;
  #style: Style | null = null;

  /** The style of what is written now; null is plain text. The same object until it changes. */
  get style(): Style | null {
    return this.#style;
  }

  /** Takes the parameters of an SGR sequence, `1;31` or `38:5:208`. Unknown codes are ignored. */
  select(parameters: string): void {
    const codes = parameters.split(/[;:]/).map((code) => Number(code || "0"));
    this.#attributes = apply(codes, this.#attributes);
    this.#style = render(this.#attributes);
  }
}
