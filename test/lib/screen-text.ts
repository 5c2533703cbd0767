/** Reads the text back from the picture of a console, by the font that it was drawn with. */
import { cellHeight, cellWidth, Font } from '../../packages/server/src/screen/font.ts';
import type { Picture } from './png.ts';

const font = Font.read();

/** Shapes of characters by their rows; what looks alike is the first of them. */
function shapes(): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  for (let code = 0x20; code < 0x10000; code++) {
    const { width, rows } = font.glyph(code);
    const key = `${width}:${rows.join()}`;
    if (!known.has(key)) known.set(key, String.fromCharCode(code));
  }
  return known;
}

const known = shapes();

/** Lines of text without blanks at their ends; `?` for what is no character of the font. Whatever is not black is ink. */
export function screenText(picture: Picture): string {
  const lines: string[] = [];
  for (let y = 0; y + cellHeight <= picture.height; y += cellHeight) {
    let line = '';
    for (let x = 0; x + cellWidth <= picture.width; ) {
      const narrow = known.get(shapeAt(picture, x, y, 8));
      const wide = x + 16 <= picture.width ? known.get(shapeAt(picture, x, y, 16)) : undefined;
      // Half of a wide character may look like a narrow one.
      const isWide = wide !== undefined && wide !== '\u3000';
      line += isWide ? wide : (narrow ?? '?');
      x += isWide ? 16 : 8;
    }
    lines.push(line.trimEnd());
  }
  return lines.join('\n').trimEnd();
}

function shapeAt({ pixels, width }: Picture, left: number, top: number, size: 8 | 16): string {
  const rows = Array.from({ length: cellHeight }, (_, y) => {
    let bits = 0;
    for (let x = 0; x < size; x++) {
      const at = ((top + y) * width + left + x) * 3;
      const isInk = pixels[at] !== 0 || pixels[at + 1] !== 0 || pixels[at + 2] !== 0;
      bits = bits * 2 + (isInk ? 1 : 0);
    }
    return bits;
  });
  return `${size}:${rows.join()}`;
}
