/** How many columns a text takes on a terminal (Unicode TR11: East Asian wide and fullwidth characters take two). */

const wide =
  /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** Combining marks, joiners, variation selectors: drawn onto the character before. */
const zero = /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]/u;
const plainAscii = /^[\x20-\x7e]*$/;

/** Columns of one character. */
export function charWidth(char: string): number {
  if (zero.test(char)) return 0;
  return wide.test(char) ? 2 : 1;
}

export function textWidth(text: string): number {
  if (plainAscii.test(text)) return text.length;
  let width = 0;
  for (const char of text) width += charWidth(char);
  return width;
}

/** Fills with blanks up to `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'left' ? text + blanks : blanks + text;
}

/** Cuts into pieces of at most `width` columns (at least one character each). */
export function chunks(text: string, width: number): string[] {
  if (textWidth(text) <= width) return [text];
  const pieces: string[] = [];
  let piece = '';
  let used = 0;
  for (const char of text) {
    const more = charWidth(char);
    if (used + more > width && piece !== '') {
      pieces.push(piece);
      piece = '';
      used = 0;
    }
    piece += char;
    used += more;
  }
  pieces.push(piece);
  return pieces;
}

/** Wraps at blanks; words longer than a line are cut. Keeps line ends of the text. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((paragraph) => wrapParagraph(paragraph, Math.max(1, width)));
}

function wrapParagraph(paragraph: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of paragraph.split(/ +/)) {
    const joined = line === '' ? word : `${line} ${word}`;
    if (textWidth(joined) <= width) {
      line = joined;
      continue;
    }
    if (line !== '') lines.push(line);
    const pieces = chunks(word, width);
    lines.push(...pieces.slice(0, -1));
    line = pieces[pieces.length - 1] as string;
  }
  lines.push(line);
  return lines;
}

/** Makes control characters visible (`^[`), so that a name or a log line cannot steer the terminal. */
export function printable(text: string): string {
  if (plainAscii.test(text)) return text;
  return text.replace(/[^\P{Cc}\t\n]/gu, (char) => {
    const code = char.charCodeAt(0);
    return code < 128 ? `^${String.fromCharCode(code ^ 64)}` : '\ufffd';
  });
}
