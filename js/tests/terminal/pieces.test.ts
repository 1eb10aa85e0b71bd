import { describe, expect, it } from "vitest";

import { piecesOf } from "../../src/terminal/pieces.js";
import { Screen } from "../../src/terminal/screen.js";

function pieces(text: string): ReturnType<typeof piecesOf> {
  const screen = new Screen();
  screen.write(text);
  return piecesOf(screen.lines.slice(0, screen.height).map((line) => line.runs));
}

describe("the pieces of a block", () => {
  it("is one piece without colors", () => {
    expect(pieces("one\ntwo\n\nthree")).toEqual([{ text: "one\ntwo\n\nthree\n", style: null }]);
  });

  it("links URLs without the punctuation around them", () => {
    expect(pieces("see (https://x.org/a?b=1#c), then.")).toMatchObject([
      { text: "see (" },
      { text: "https://x.org/a?b=1#c", href: "https://x.org/a?b=1#c" },
      { text: "), then.\n" },
    ]);
  });

  it("links only http and https", () => {
    expect(pieces("javascript://x.org file:///etc ftp://x").every((piece) => !piece.href)).toBe(
      true,
    );
  });

  it("does not turn text into markup", () => {
    expect(pieces("<img src=x onerror=alert(1)>")).toEqual([
      { text: "<img src=x onerror=alert(1)>\n", style: null },
    ]);
  });
});
