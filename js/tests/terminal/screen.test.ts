import { describe, expect, it } from "vitest";

import { Screen } from "../../src/terminal/screen.js";
import type { Style } from "../../src/terminal/style.js";

function shown(...writes: string[]): string[] {
  const screen = new Screen();
  for (const text of writes) screen.write(text);
  return screen.lines.slice(0, screen.height).map((line) => line.text);
}

/** Runs with their styles, theme colors by number. */
function styled(text: string): [string, string?][] {
  const screen = new Screen();
  screen.write(text);
  return screen.lines.flatMap((line) =>
    line.runs.map((run): [string, string?] => [run.text, ...looks(run.style)]),
  );
}

function looks(style: Style | null): [string?] {
  if (style === null) return [];
  const names = Object.entries(style).map(([property, value]) => `${property} ${value}`);
  return [names.join(", ").replace(/var\(--longwire-([\w-]+), [\w-]+(\([^)]*\))?\)/g, "$1")];
}

describe("lines", () => {
  it("ends a line at a newline, with or without a carriage return", () => {
    expect(shown("one\ntwo\r\nthree")).toEqual(["one", "two", "three"]);
  });

  it("does not count the empty line behind a final newline", () => {
    expect(shown("one\n")).toEqual(["one"]);
    expect(shown("one\n\n")).toEqual(["one", ""]);
    expect(shown("")).toEqual([]);
  });

  it("breaks a line that is too long", () => {
    expect(shown("x".repeat(45_000)).map((line) => line.length)).toEqual([20_000, 20_000, 5_000]);
  });
});

describe("overwriting a line", () => {
  it("returns to the first column at a carriage return, and keeps text that is not overwritten", () => {
    expect(shown("loading\rdone")).toEqual(["doneing"]);
  });

  it("shows only the last state of a progress bar", () => {
    expect(shown(" 10%|#  |", "\r 50%|## |", "\r100%|###|\n", "ok")).toEqual(["100%|###|", "ok"]);
  });

  it("keeps the colors of text that is not overwritten", () => {
    expect(styled("\x1b[31mabcdef\rXY\x1b[0mZ")).toEqual([
      ["XY", "color ansi-1"],
      ["Z"],
      ["def", "color ansi-1"],
    ]);
  });

  it("moves back one column at a backspace", () => {
    expect(shown("ab\b\bX")).toEqual(["Xb"]);
    expect(shown("\bX")).toEqual(["X"]);
  });

  it("erases to the end, to the start, and the whole line", () => {
    expect(shown("abcdef\r\x1b[K")).toEqual([]);
    expect(shown("abcdef\x1b[3D\x1b[K")).toEqual(["abc"]);
    expect(shown("abcdef\x1b[4D\x1b[1K")).toEqual(["   def"]);
    expect(shown("abcdef\x1b[2Kx")).toEqual(["      x"]);
  });

  it("moves to a column", () => {
    expect(shown("abc\x1b[1GX\x1b[6GY")).toEqual(["Xbc  Y"]);
  });

  it("redraws several lines, as multi-line progress bars do", () => {
    expect(shown("a 1\nb 1\n\x1b[2Aa 2\x1b[K\nb 2\x1b[K\nend")).toEqual(["a 2", "b 2", "end"]);
  });

  it("does not move into output that is far above", () => {
    const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`);
    expect(shown(lines.join("\n"), "\x1b[9999A\rXX")[0]).toBe("line 0");
  });

  it("erases below the cursor, and keeps the lines of a cleared screen", () => {
    expect(shown("a\nb\nc\x1b[1A\r\x1b[J")).toEqual(["a"]);
    expect(shown("a\nb\n\x1b[2J\x1b[Hc")).toEqual(["a", "b", "c"]);
  });
});

describe("colors", () => {
  it("names the colors of the theme", () => {
    expect(styled("\x1b[1;31merror\x1b[0m: no")).toEqual([
      ["error", "color ansi-1, fontWeight 700"],
      [": no"],
    ]);
    expect(styled("\x1b[92;44mx\x1b[39;49my")).toEqual([
      ["x", "color ansi-10, backgroundColor ansi-4"],
      ["y"],
    ]);
  });

  it("computes the colors of the 256-color palette", () => {
    const screen = new Screen();
    screen.write("\x1b[38;5;208ma\x1b[48;2;1;2;3mb\x1b[0;38;5;250mc\x1b[38;5;9md");
    expect(screen.lines[0]?.runs.map(({ style }) => style)).toEqual([
      { color: "rgb(255 135 0)" },
      { color: "rgb(255 135 0)", backgroundColor: "rgb(1 2 3)" },
      { color: "rgb(188 188 188)" },
      { color: "var(--longwire-ansi-9, light-dark(#c92a36, #ffa3a6))" },
    ]);
  });

  it("inverts", () => {
    expect(styled("\x1b[7;31mx")).toEqual([["x", "color paper, backgroundColor ansi-1"]]);
  });

  it("uses paper behind inverse text without a color, and for text on a color", () => {
    expect(styled("\x1b[7mx")).toEqual([["x", "color paper, backgroundColor ink"]]);
    expect(styled("\x1b[44mx")).toEqual([["x", "color paper, backgroundColor ansi-4"]]);
    expect(styled("\x1b[48;2;1;2;3mx")).toEqual([["x", "backgroundColor rgb(1 2 3)"]]);
  });

  it("supports the other attributes", () => {
    expect(styled("\x1b[2;3;4;9mx\x1b[22;23;24;29my")).toEqual([
      ["x", "opacity 0.72, fontStyle italic, textDecorationLine underline line-through"],
      ["y"],
    ]);
  });

  it("joins adjacent text of the same style", () => {
    expect(styled("\x1b[32ma\x1b[0m\x1b[32mb")).toEqual([["ab", "color ansi-2"]]);
  });

  it("ignores colors that do not exist", () => {
    expect(styled("\x1b[38;5;999ma\x1b[38;2;300;0;0mb\x1b[58mc\x1b[38md")).toEqual([["abcd"]]);
  });
});

describe("control sequences", () => {
  it("hides titles, links and other strings, and keeps what they wrap", () => {
    expect(shown("\x1b]0;title\x07a\x1b]8;;https://x\x1b\\link\x1b]8;;\x1b\\b")).toEqual([
      "alinkb",
    ]);
  });

  it("hides other sequences and control characters", () => {
    expect(shown("a\x1b(Bb\x1b[?25lc\x00\x07d\x1b=e")).toEqual(["abcde"]);
  });

  it("joins a sequence that was split anywhere", () => {
    const text =
      "\x1b[1;31mred\x1b[0m \x1b]8;;https://x\x1b\\link\x1b]8;;\x07 10%\r20%\x1b[K\n\x1b(Bend";
    const whole = shown(text);
    for (let cut = 1; cut < text.length; cut += 1) {
      expect(shown(text.slice(0, cut), text.slice(cut))).toEqual(whole);
    }
    expect(shown(...Array.from(text))).toEqual(whole);
  });

  it("treats an unterminated sequence as text", () => {
    const endless = `\x1b]${"x".repeat(5_000)}`;
    expect(shown(endless, " after").join("")).toContain(" after");
  });
});
