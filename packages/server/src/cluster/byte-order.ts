/**
 * Order of paths by the bytes of their UTF-8 form, which is what SQLite and etcd sort by. JavaScript compares UTF-16
 * units instead, which differs where a surrogate pair (U+10000 and up) meets U+E000..U+FFFF.
 */

/** Negative, zero or positive, as for `Array.sort`. */
export function compareBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Puts surrogates (which stand for higher code points) behind all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/**
 * The first text, in byte order, behind all those that start with `prefix`; undefined when there is none. It is the
 * prefix with its last code point raised by one: code points and UTF-8 bytes have the same order.
 */
export function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // A lone surrogate is no text.
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}
