/** A terminal as a picture with keyboard, mouse and clipboard. Clients of the protocol RFB are shown it. */
import { Terminal } from '@xterm/headless';
import { cellHeight, cellWidth, type Font } from './font.ts';
import { Framebuffer } from './framebuffer.ts';
import { Keyboard } from './keyboard.ts';
import { keysym } from './keysyms.ts';
import { type CellPlace, Painter } from './painter.ts';
import type { Screen } from './rfb/rfb-session.ts';
import { Selection } from './selection.ts';

/** Sizes (pixels) that a picture can have. */
const smallestSize = { width: 16, height: 16 };
const largestSize = { width: 4096, height: 2160 };

/** Lines that can be scrolled back to, and how many a turn of the wheel moves. */
const scrollback = 1000;
const wheelLines = 3;

/** Bits of a pointer event. */
const button = { left: 1, middle: 2, wheelUp: 8, wheelDown: 16 } as const;

interface TerminalScreenOptions {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly font: Font;
  /** Input for the program behind the terminal. */
  readonly onInput: (text: string) => void;
  readonly onResize: (columns: number, rows: number) => void;
}

export class TerminalScreen implements Screen {
  readonly name: string;
  picture: Framebuffer;
  onChange: () => void = () => {};
  onCopy: (text: string) => void = () => {};
  onBell: () => void = () => {};
  readonly #terminal: Terminal;
  readonly #keyboard = new Keyboard();
  readonly #selection: Selection;
  readonly #options: TerminalScreenOptions;
  #painter: Painter;
  #cursorShown = true;
  #buttons = 0;
  #clipboard = '';

  constructor(options: TerminalScreenOptions) {
    const { name, width, height, font, onInput } = options;
    this.#options = options;
    this.name = name;
    this.picture = new Framebuffer(width, height);
    this.#painter = new Painter(font, this.picture);
    this.#terminal = new Terminal({ ...cellsOf(width, height), scrollback, allowProposedApi: true });
    this.#selection = new Selection(this.#terminal);
    this.#terminal.onData(onInput);
    this.#terminal.onBell(() => this.onBell());
    this.#terminal.onWriteParsed(() => this.onChange());
    this.#followCursorMode();
    options.onResize(this.#terminal.cols, this.#terminal.rows);
  }

  /** Output of the program. Resolves when it has been taken in. */
  write(data: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#terminal.write(data, resolve));
  }

  draw(): void {
    const { active } = this.#terminal.buffer;
    const scrolledBack = active.viewportY < active.baseY;
    this.#painter.paint(this.#terminal, {
      cursor:
        this.#cursorShown && !scrolledBack ? { column: active.cursorX, row: active.cursorY } : undefined,
      isMarked: (column, row) => this.#selection.has({ column, row: row + active.viewportY }),
    });
  }

  resize(width: number, height: number): boolean {
    if (width < smallestSize.width || height < smallestSize.height) return false;
    if (width > largestSize.width || height > largestSize.height) return false;
    this.picture = new Framebuffer(width, height);
    this.#painter = new Painter(this.#options.font, this.picture);
    this.#selection.clear();
    const { cols, rows } = cellsOf(width, height);
    this.#terminal.resize(cols, rows);
    this.#options.onResize(cols, rows);
    return true;
  }

  key(key: number, down: boolean): void {
    const { shiftHeld } = this.#keyboard;
    if (shiftHeld && this.#isOwnKey(key)) {
      if (down) this.#ownKey(key);
      return;
    }
    const text = this.#keyboard.press(key, down, this.#terminal.modes.applicationCursorKeysMode);
    if (text !== undefined) this.#type(text);
  }

  /** The left button marks text, which is copied; the middle one pastes; the wheel scrolls back. */
  pointer(x: number, y: number, buttons: number): void {
    const pressed = buttons & ~this.#buttons;
    const released = this.#buttons & ~buttons;
    this.#buttons = buttons;
    if (pressed & button.wheelUp) this.#scroll(-wheelLines);
    if (pressed & button.wheelDown) this.#scroll(wheelLines);
    if (pressed & button.middle) this.#paste();
    const place = this.#placeOf(x, y);
    if (pressed & button.left) this.#selection.begin(place);
    else if (buttons & button.left) this.#selection.extend(place);
    else if (released & button.left) {
      const text = this.#selection.text();
      if (text !== '') {
        this.#clipboard = text;
        this.onCopy(text);
      }
    }
    this.onChange();
  }

  /** Kept until it is pasted: viewers tell of everything that is copied anywhere. */
  clipboard(text: string): void {
    this.#clipboard = text;
  }

  #isOwnKey(key: number): boolean {
    return key === keysym.insert || key === keysym.pageUp || key === keysym.pageDown;
  }

  #ownKey(key: number): void {
    if (key === keysym.insert) return this.#paste();
    this.#scroll((key === keysym.pageUp ? -1 : 1) * (this.#terminal.rows - 1));
  }

  #type(text: string): void {
    this.#selection.clear();
    this.#terminal.scrollToBottom();
    this.#options.onInput(text);
    this.onChange();
  }

  /** Where nothing can be scrolled back to, as in editors, the wheel presses cursor keys. */
  #scroll(lines: number): void {
    const { buffer, modes } = this.#terminal;
    if (buffer.active.type === 'alternate') {
      const key = `\x1b${modes.applicationCursorKeysMode ? 'O' : '['}${lines < 0 ? 'A' : 'B'}`;
      return this.#type(key.repeat(Math.abs(lines)));
    }
    this.#terminal.scrollLines(lines);
    this.onChange();
  }

  /** Without escape characters, which could end the brackets around it. */
  #paste(): void {
    const text = this.#clipboard.replace(/\r?\n/g, '\r').replaceAll('\x1b', '');
    if (text === '') return;
    this.#type(this.#terminal.modes.bracketedPasteMode ? `\x1b[200~${text}\x1b[201~` : text);
  }

  #placeOf(x: number, y: number): CellPlace {
    const { cols, rows, buffer } = this.#terminal;
    const column = Math.min(Math.floor(x / cellWidth), cols - 1);
    const row = Math.min(Math.floor(y / cellHeight), rows - 1);
    return { column, row: row + buffer.active.viewportY };
  }

  /** Mode 25 (DECTCEM) and a reset, which the terminal itself takes note of too. */
  #followCursorMode(): void {
    const { parser } = this.#terminal;
    for (const [final, shown] of [
      ['h', true],
      ['l', false],
    ] as const) {
      parser.registerCsiHandler({ prefix: '?', final }, (params) => {
        if (params.includes(25)) this.#cursorShown = shown;
        return false;
      });
    }
    parser.registerEscHandler({ final: 'c' }, () => {
      this.#cursorShown = true;
      return false;
    });
  }
}

function cellsOf(width: number, height: number): { cols: number; rows: number } {
  return { cols: Math.floor(width / cellWidth), rows: Math.floor(height / cellHeight) };
}
