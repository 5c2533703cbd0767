/** Keys of a VNC client as the bytes that a terminal (xterm's way) sends for them. */
import { codePointOf, keysym } from './keysyms.ts';

/** Modifiers as xterm numbers them in its sequences, less one. */
const modifierBits: Readonly<Record<number, number>> = {
  [keysym.shiftLeft]: 1,
  [keysym.shiftRight]: 1,
  [keysym.altLeft]: 2,
  [keysym.altRight]: 2,
  [keysym.metaLeft]: 2,
  [keysym.metaRight]: 2,
  [keysym.controlLeft]: 4,
  [keysym.controlRight]: 4,
};
const shift = 1;
const alt = 2;
const control = 4;

/** Keys whose sequence ends with a letter. */
const letterKeys: Readonly<Record<number, string>> = {
  ...{ 65362: 'A', 65364: 'B', 65363: 'C', 65361: 'D', 65360: 'H', 65367: 'F' },
  // The keypad without Num Lock, its middle key included.
  ...{ 65431: 'A', 65433: 'B', 65432: 'C', 65430: 'D', 65429: 'H', 65436: 'F', 65437: 'E' },
};
/** F1 to F4; as letter keys, but never sent as cursor keys are. */
const firstFunctionKeys: Readonly<Record<number, string>> = {
  ...{ 65470: 'P', 65471: 'Q', 65472: 'R', 65473: 'S' },
  ...{ 65425: 'P', 65426: 'Q', 65427: 'R', 65428: 'S' },
};
/** Keys whose sequence has a number and ends with a tilde. */
const numberKeys: Readonly<Record<number, number>> = {
  ...{ [keysym.insert]: 2, 65535: 3, [keysym.pageUp]: 5, [keysym.pageDown]: 6 },
  ...{ 65438: 2, 65439: 3, 65434: 5, 65435: 6 },
  // F5 to F20.
  ...{ 65474: 15, 65475: 17, 65476: 18, 65477: 19, 65478: 20, 65479: 21, 65480: 23, 65481: 24 },
  ...{ 65482: 25, 65483: 26, 65484: 28, 65485: 29, 65486: 31, 65487: 32, 65488: 33, 65489: 34 },
};
const keypadEnter = 0xff8d;

/** Sent with Control held, besides letters and what stands with them in ASCII (`@` to `_`). */
const controlCharacters: Readonly<Record<string, number>> = {
  ...{
    ' ': 0,
    '2': 0,
    '3': 0x1b,
    '4': 0x1c,
    '5': 0x1d,
    '6': 0x1e,
    '7': 0x1f,
    '8': 0x7f,
    '/': 0x1f,
    '?': 0x7f,
  },
};

export class Keyboard {
  readonly #held = new Set<number>();

  get shiftHeld(): boolean {
    return (this.#modifiers & shift) !== 0;
  }

  /** What a key sends; undefined for nothing. `applicationCursor`: the terminal's mode DECCKM. */
  press(key: number, down: boolean, applicationCursor: boolean): string | undefined {
    if (modifierBits[key] !== undefined) {
      if (down) this.#held.add(key);
      else this.#held.delete(key);
      return undefined;
    }
    return down ? (this.#namedKey(key, applicationCursor) ?? this.#character(key)) : undefined;
  }

  get #modifiers(): number {
    let modifiers = 0;
    for (const key of this.#held) modifiers |= modifierBits[key] ?? 0;
    return modifiers;
  }

  #namedKey(key: number, applicationCursor: boolean): string | undefined {
    const modifiers = this.#modifiers;
    const escaped = (text: string) => (modifiers & alt ? `\x1b${text}` : text);
    if (key === keysym.return || key === keypadEnter) return escaped('\r');
    if (key === keysym.escape) return escaped('\x1b');
    if (key === keysym.backspace) return escaped(modifiers & control ? '\b' : '\x7f');
    if (key === keysym.backTab || (key === keysym.tab && modifiers & shift)) return '\x1b[Z';
    if (key === keysym.tab) return escaped('\t');
    const letter = letterKeys[key] ?? firstFunctionKeys[key];
    if (letter !== undefined) {
      if (modifiers) return `\x1b[1;${modifiers + 1}${letter}`;
      return applicationCursor || firstFunctionKeys[key] !== undefined ? `\x1bO${letter}` : `\x1b[${letter}`;
    }
    const number = numberKeys[key];
    if (number === undefined) return undefined;
    return modifiers ? `\x1b[${number};${modifiers + 1}~` : `\x1b[${number}~`;
  }

  #character(key: number): string | undefined {
    const code = codePointOf(key);
    if (code === undefined) return undefined;
    const modifiers = this.#modifiers;
    const char = String.fromCodePoint(code);
    const sent = modifiers & control ? (controlled(char) ?? char) : char;
    return modifiers & alt ? `\x1b${sent}` : sent;
  }
}

function controlled(char: string): string | undefined {
  const special = controlCharacters[char];
  if (special !== undefined) return String.fromCharCode(special);
  return /^[@-_a-z]$/.test(char) ? String.fromCharCode(char.charCodeAt(0) & 0x1f) : undefined;
}
