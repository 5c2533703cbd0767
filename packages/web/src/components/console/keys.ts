/** Key combinations and texts as X11 keysyms (RFC 6143, section 7.5.4; X11 keysymdef). */

export interface Key {
  readonly keysym: number;
  /** Physical key (UI Events `code`); lets QEMU take the key whatever the keyboard layout is. */
  readonly code: string;
}

const key = (keysym: number, code: string): Key => ({ keysym, code });
const control = key(0xffe3, 'ControlLeft');
const alt = key(0xffe9, 'AltLeft');
export const shift = key(0xffe1, 'ShiftLeft');
const functionKey = (n: number) => key(0xffbd + n, `F${n}`);

export interface Combination {
  readonly name: string;
  readonly keys: readonly Key[];
}

/** What a browser or desktop would keep for itself. */
export const combinations: readonly Combination[] = [
  ...[1, 2, 3, 4, 5, 6, 7].map((n) => ({ name: `Ctrl+Alt+F${n}`, keys: [control, alt, functionKey(n)] })),
  { name: 'Ctrl+Alt+Backspace', keys: [control, alt, key(0xff08, 'Backspace')] },
  { name: 'Alt+Tab', keys: [alt, key(0xff09, 'Tab')] },
  { name: 'Alt+F4', keys: [alt, functionKey(4)] },
  { name: 'Super', keys: [key(0xffeb, 'MetaLeft')] },
  { name: 'Esc', keys: [key(0xff1b, 'Escape')] },
  { name: 'PrintScreen', keys: [key(0xff61, 'PrintScreen')] },
  { name: 'Alt+PrintScreen+B', keys: [alt, key(0xff61, 'PrintScreen'), key(0x62, 'KeyB')] },
];

const shifted = new Set('~!@#$%^&*()_+{}|:"<>?');

export interface Stroke {
  readonly keysym: number;
  readonly shift: boolean;
}

/** The key strokes that type a text on a US keyboard; characters beyond it go as Unicode keysyms. */
export function strokesOf(text: string): Stroke[] {
  const strokes: Stroke[] = [];
  for (const character of text.replace(/\r\n?/g, '\n')) {
    const point = character.codePointAt(0) as number;
    if (character === '\n') strokes.push({ keysym: 0xff0d, shift: false });
    else if (character === '\t') strokes.push({ keysym: 0xff09, shift: false });
    else if (point >= 0x20 && point !== 0x7f) {
      strokes.push({
        keysym: point < 0x100 ? point : 0x01000000 | point,
        shift: shifted.has(character) || (character >= 'A' && character <= 'Z'),
      });
    }
  }
  return strokes;
}
