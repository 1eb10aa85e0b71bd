/** Translates SGR sequences (ECMA-48 § 8.3.117) into CSS properties. */

/** One of the theme's 16 colors by number, a CSS color, or null for the default. */
export type Color = number | string | null;

export interface Style {
  readonly color?: string;
  readonly backgroundColor?: string;
  readonly fontWeight?: number;
  readonly fontStyle?: "italic";
  readonly textDecorationLine?: string;
  readonly opacity?: number;
}

interface Attributes {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly strike: boolean;
  readonly inverse: boolean;
  readonly foreground: Color;
  readonly background: Color;
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

/** Codes that set attributes regardless of the previous ones. */
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

/** Returns the color at an index of the 256-color palette, whose first 16 belong to the theme. */
export function paletteColor(index: number): Color {
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

/** Parses `5;n` or `2;r;g;b` after a 38 or 48; returns the color and the number of codes read. */
function extendedColor(codes: readonly number[], at: number): [Color, number] {
  if (codes[at] === 5) return [paletteColor(codes[at + 1] ?? -1), 2];
  if (codes[at] !== 2) return [null, 1];
  const channels = codes.slice(at + 1, at + 4);
  const valid = channels.length === 3 && channels.every((value) => value >= 0 && value <= 255);
  return [valid ? rgb(channels[0] ?? 0, channels[1] ?? 0, channels[2] ?? 0) : null, 4];
}

/** Returns the theme color of a code (30–37, 40–47, 90–97, 100–107), or null. */
function themeColor(code: number): Partial<Attributes> | null {
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
      const [color, taken] = extendedColor(codes, at + 1);
      attributes = { ...attributes, [code === 38 ? "foreground" : "background"]: color };
      at += taken;
    } else {
      attributes = { ...attributes, ...(SWITCHES.get(code) ?? themeColor(code)) };
    }
  }
  return attributes;
}

/** The theme for light and dark pages; `--longwire-ansi-0` … `15` override it. */
const THEME = [
  "#14171d, #5b6270",
  "#b4212d, #ff8a8e",
  "#0a6b41, #6fce9f",
  "#7c5200, #e3b65f",
  "#2a45e0, #8fa3ff",
  "#8f2a9c, #d79be6",
  "#006a78, #62c4d3",
  "#5d6470, #c6cad2",
  "#6b7280, #8b93a1",
  "#c92a36, #ffa3a6",
  "#0b7a4b, #8bdcb3",
  "#8a5b00, #f0ca80",
  "#3a55f0, #a9b8ff",
  "#a335b1, #e3b5ee",
  "#007988, #85d6e2",
  "#14171d, #ffffff",
];

const INK = "var(--longwire-ink, CanvasText)";
const PAPER = "var(--longwire-paper, Canvas)";

function css(color: number | string): string {
  if (typeof color === "string") return color;
  return `var(--longwire-ansi-${color}, light-dark(${THEME[color] ?? ""}))`;
}

/** Text without a color takes that of the paper on a theme color, and when it is inverted. */
function frontColor({ inverse, foreground, background }: Attributes): string | null {
  const [front, back] = inverse ? [background, foreground] : [foreground, background];
  if (front !== null) return css(front);
  return inverse || typeof back === "number" ? PAPER : null;
}

function backColor({ inverse, foreground, background }: Attributes): string | null {
  const back = inverse ? foreground : background;
  if (back !== null) return css(back);
  return inverse ? INK : null;
}

function decoration({ underline, strike }: Attributes): string {
  return [underline && "underline", strike && "line-through"].filter(Boolean).join(" ");
}

function render(attributes: Attributes): Style | null {
  const color = frontColor(attributes);
  const backgroundColor = backColor(attributes);
  const textDecorationLine = decoration(attributes);
  const style: Style = {
    ...(color !== null && { color }),
    ...(backgroundColor !== null && { backgroundColor }),
    ...(attributes.bold && { fontWeight: 700 }),
    ...(attributes.dim && { opacity: 0.72 }),
    ...(attributes.italic && { fontStyle: "italic" }),
    ...(textDecorationLine && { textDecorationLine }),
  };
  return Object.keys(style).length === 0 ? null : style;
}

/** Attributes with their CSS style. */
interface Look {
  readonly attributes: Attributes;
  readonly style: Style | null;
}

const PLAIN_LOOK: Look = { attributes: PLAIN, style: null };

/** How many looks to cache: more than most programs use. */
const CACHE_SIZE = 256;

/** The current text style of a terminal, which SGR sequences change. */
export class Pen {
  #look = PLAIN_LOOK;
  /** A cache of looks by parameters, from the plain one: programs repeat the same few. */
  readonly #known = new Map<string, Look>();

  /** The style of the text written next; null for plain text. */
  get style(): Style | null {
    return this.#look.style;
  }

  /** Applies the parameters of an SGR sequence: `1;31`, `38:5:208`. Ignores unknown codes. */
  select(parameters: string): void {
    if (parameters === "" || parameters === "0") this.#look = PLAIN_LOOK;
    else if (this.#look === PLAIN_LOOK) this.#look = this.#fromPlain(parameters);
    else this.#look = look(this.#look.attributes, parameters);
  }

  #fromPlain(parameters: string): Look {
    let known = this.#known.get(parameters);
    if (!known) {
      if (this.#known.size >= CACHE_SIZE) this.#known.clear();
      known = look(PLAIN, parameters);
      this.#known.set(parameters, known);
    }
    return known;
  }
}

function look(before: Attributes, parameters: string): Look {
  const codes = parameters.split(/[;:]/).map((code) => Number(code || "0"));
  const attributes = apply(codes, before);
  const style = render(attributes);
  return style === null ? PLAIN_LOOK : { attributes, style };
}
