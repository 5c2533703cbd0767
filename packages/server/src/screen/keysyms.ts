/** X11 keysyms, by which RFB clients name keys: those of characters, and the ones of keys that a terminal knows. */

export const keysym = {
  backspace: 0xff08,
  tab: 0xff09,
  return: 0xff0d,
  escape: 0xff1b,
  backTab: 0xfe20,
  pageUp: 0xff55,
  pageDown: 0xff56,
  insert: 0xff63,
  shiftLeft: 0xffe1,
  shiftRight: 0xffe2,
  controlLeft: 0xffe3,
  controlRight: 0xffe4,
  metaLeft: 0xffe7,
  metaRight: 0xffe8,
  altLeft: 0xffe9,
  altRight: 0xffea,
} as const;

/** Sets of keysyms whose lower byte is a character of an older code: the upper byte, and the code's name. */
const codes: Readonly<Record<number, string>> = {
  1: 'iso-8859-2',
  2: 'iso-8859-3',
  3: 'iso-8859-4',
  5: 'iso-8859-6',
  6: 'koi8-u',
  7: 'iso-8859-7',
  12: 'iso-8859-8',
  13: 'windows-874',
  19: 'iso-8859-15',
};

/**
 * Where those sets differ from the codes that they come from, and sets that come from none: first keysym, and the
 * characters from there on; a blank stands for none.
 */
const runs: ReadonlyArray<readonly [number, string]> = [
  [0x47e, '‾'],
  [
    0x4a1,
    '。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン゛゜',
  ],
  [0x6a1, 'ђѓ  ѕ  јљњћќ ўџ№ЂЃ  Ѕ  ЈЉЊЋЌ ЎЏ'],
  [0x7a1, 'ΆΈΉΊΪ ΌΎΫ Ώ  ΅  άέήίϊΐόύϋΰώ'],
  [0x7d2, 'Σ'],
  [0x7f2, 'σς'],
  [0x8a1, '⎷┌─⌠⌡│⎡⎣⎤⎦⎛⎝⎞⎠⎨⎬'],
  [0x8bc, '≤≠≥∫∴∝∞  ∇  ∼≃'],
  [0x8cd, '⇔⇒≡'],
  [0x8d6, '√'],
  [0x8da, '⊂⊃∩∪∧∨'],
  [0x8ef, '∂'],
  [0x8f6, 'ƒ'],
  [0x8fb, '←↑→↓'],
  [0x9e0, '◆▒␉␌␍␊  ␤␋┘┐ └┼⎺⎻ ⎼⎽├┤┴┬'],
  [0xaa1, '\u2003\u2002\u2004\u2005\u2007\u2008\u2009\u200a—– ␣ …‥⅓⅔⅕⅖⅗⅘⅙⅚℅  ‒⟨ ⟩'],
  [0xac3, '⅛⅜⅝⅞  ™☓ ◁▷○▯‘’“”℞‰′″ ✝ ▬◀▶●▮◦▫▭△▽☆•▪▲▼☜☞♣♦♥ ✠†‡✓✗♯♭♂♀☎⌕℗‸‚„'],
  [0xbc2, '⊤ ⌊'],
  [0xbca, '∘ ⎕ ⊥'],
  [0xbd3, '⌈'],
  [0xbdc, '⊣'],
  [0xbfc, '⊢'],
  [0xeff, '₩'],
  [0x20ac, '€'],
];

const exceptions = new Map(
  runs.flatMap(([first, text]) =>
    [...text].flatMap((char, index) =>
      char === ' ' ? [] : [[first + index, char.codePointAt(0) ?? 0] as const],
    ),
  ),
);

/** The character that a keysym stands for; undefined for keys that write none. */
export function codePointOf(key: number): number | undefined {
  if ((key >= 0x20 && key <= 0x7e) || (key >= 0xa0 && key <= 0xff)) return key;
  if (key >= 0x01000100 && key <= 0x0110ffff) return key - 0x01000000;
  // The keypad's digits and signs are ASCII with another upper byte.
  if ((key >= 0xffaa && key <= 0xffb9) || key === 0xffbd) return key - 0xff80;
  const exception = exceptions.get(key);
  if (exception !== undefined) return exception;
  const code = codes[key >> 8];
  if (code === undefined) return undefined;
  return new TextDecoder(code).decode(Uint8Array.of(key & 0xff)).codePointAt(0);
}
