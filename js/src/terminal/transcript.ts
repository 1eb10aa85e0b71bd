import type { OutputType } from "../contract.js";
import type { Run } from "./line.js";
import { Screen } from "./screen.js";

/** Lines that are laid out together, and skipped together while out of view. */
export interface Block {
  readonly id: number;
  /** One row a line; the same array while none of them changes. */
  readonly rows: readonly (readonly Run[])[];
}

/** Consecutive output of one type. */
export interface Section {
  readonly id: number;
  readonly type: OutputType;
  readonly blocks: readonly Block[];
}

/** A transcript at one moment. */
export interface TranscriptSnapshot {
  readonly sections: readonly Section[];
  readonly lines: number;
  /** Lines removed from the top because of the limits. */
  readonly dropped: number;
}

const BLOCK_LINES = 200;
const MAX_LINES = 250_000;
/** Each section costs some DOM nodes, however short it is. */
const MAX_SECTIONS = 2_000;
const EMPTY: TranscriptSnapshot = { sections: [], lines: 0, dropped: 0 };

class LiveSection {
  readonly screen = new Screen();
  #blocks: Block[] = [];
  #firstBlock = 0;
  #snapshot: Section | null = null;

  constructor(
    readonly id: number,
    readonly type: OutputType,
  ) {}

  write(text: string): void {
    this.screen.write(text);
    this.#snapshot = null;
  }

  /** Removes whole blocks from the top, at least `lines` but never the last; returns the lines removed. */
  drop(lines: number): number {
    const possible = Math.floor((this.screen.height - 1) / BLOCK_LINES);
    const blocks = Math.max(0, Math.min(Math.ceil(lines / BLOCK_LINES), possible));
    if (blocks === 0) return 0;
    this.snapshot();
    this.screen.drop(blocks * BLOCK_LINES);
    this.screen.takeFirstTouched();
    this.#blocks.splice(0, blocks);
    this.#firstBlock += blocks;
    this.#snapshot = { id: this.id, type: this.type, blocks: [...this.#blocks] };
    return blocks * BLOCK_LINES;
  }

  snapshot(): Section {
    if (this.#snapshot !== null) return this.#snapshot;
    const from = Math.floor(this.screen.takeFirstTouched() / BLOCK_LINES);
    this.#blocks.length = Math.min(this.#blocks.length, from);
    const height = this.screen.height;
    for (let index = this.#blocks.length; index * BLOCK_LINES < height; index += 1) {
      this.#blocks.push(this.#block(index, height));
    }
    this.#snapshot = { id: this.id, type: this.type, blocks: [...this.#blocks] };
    return this.#snapshot;
  }

  #block(index: number, height: number): Block {
    const end = Math.min(height, (index + 1) * BLOCK_LINES);
    const rows = this.screen.lines.slice(index * BLOCK_LINES, end).map((line) => line.runs);
    return { id: this.#firstBlock + index, rows };
  }
}

/**
 * A job's output in sections of one type, ready for rendering.
 *
 * Writing is cheap. A snapshot processes the changes since the last one; unchanged blocks are the
 * same objects.
 */
export class Transcript {
  #sections: LiveSection[] = [];
  #nextId = 0;
  #dropped = 0;
  #snapshot = EMPTY;
  #stale = false;

  write(text: string, type: OutputType): void {
    if (text === "") return;
    this.#section(type).write(text);
    this.#stale = true;
  }

  clear(): void {
    this.#sections = [];
    this.#dropped = 0;
    this.#snapshot = EMPTY;
    this.#stale = false;
  }

  /** Returns the current sections; the same object until the next write. */
  snapshot(): TranscriptSnapshot {
    if (!this.#stale) return this.#snapshot;
    this.#stale = false;
    const lines = this.#trim();
    const sections = this.#sections.map((section) => section.snapshot());
    this.#snapshot = { sections, lines, dropped: this.#dropped };
    return this.#snapshot;
  }

  /** Returns the plain text. */
  text(): string {
    return this.#sections
      .flatMap(({ screen }) => screen.lines.slice(0, screen.height).map((line) => line.text + "\n"))
      .join("");
  }

  #section(type: OutputType): LiveSection {
    const last = this.#sections.at(-1);
    if (last?.type === type) return last;
    const section = new LiveSection(this.#nextId, type);
    this.#nextId += 1;
    this.#sections.push(section);
    return section;
  }

  /** Removes the oldest lines beyond the limits; returns the number that remain. */
  #trim(): number {
    let lines = this.#sections.reduce((sum, { screen }) => sum + screen.height, 0);
    while (this.#sections.length > MAX_SECTIONS) lines -= this.#dropSection();
    while (lines > MAX_LINES) {
      const gone = this.#sections[0]?.drop(lines - MAX_LINES) ?? 0;
      if (gone === 0 && this.#sections.length === 1) break;
      this.#dropped += gone;
      lines -= gone || this.#dropSection();
    }
    return lines;
  }

  #dropSection(): number {
    const height = this.#sections.shift()?.screen.height ?? 0;
    this.#dropped += height;
    return height;
  }
}
