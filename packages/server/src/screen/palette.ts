/** The 256 colours of a terminal, as xterm numbers them: 16 names, a cube of 6 x 6 x 6, 24 greys. 0xRRGGBB. */

export const defaultForeground = 0xd0d0d0;
export const defaultBackground = 0x000000;

/** Black, red, green, yellow, blue, magenta, cyan, white; then the bright ones. All readable on black. */
const named = [
  ...[0x000000, 0xd03030, 0x30b030, 0xc09020, 0x4878e0, 0xb050c0, 0x20a8b0, 0xd0d0d0],
  ...[0x707070, 0xff6060, 0x70e870, 0xf0d860, 0x80b0ff, 0xe890f0, 0x60e0e8, 0xffffff],
];

const cubeLevels = [0, 95, 135, 175, 215, 255];

export function paletteColour(index: number): number {
  const colour = named[index];
  if (colour !== undefined) return colour;
  if (index < 232) {
    const place = index - 16;
    const [red, green, blue] = [Math.floor(place / 36), Math.floor(place / 6) % 6, place % 6].map(
      (level) => cubeLevels[level] as number,
    ) as [number, number, number];
    return (red << 16) | (green << 8) | blue;
  }
  const grey = 8 + 10 * (Math.min(index, 255) - 232);
  return (grey << 16) | (grey << 8) | grey;
}

/** Half way between two colours. */
export function mixed(one: number, other: number): number {
  return ((one & 0xfefefe) >> 1) + ((other & 0xfefefe) >> 1);
}
