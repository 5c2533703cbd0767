/** The picture that clients are shown, and which parts of it have changed. */

export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Height (pixels) of the bands by which changes are kept: a line of text. */
const bandHeight = 16;

export class Framebuffer {
  /** 0xRRGGBB, row by row. */
  readonly pixels: Uint32Array;
  /** Changed pixels of each band: from (inclusive), to (exclusive); nothing when from >= to. */
  readonly #from: Uint16Array;
  readonly #to: Uint16Array;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    this.pixels = new Uint32Array(width * height);
    const bands = Math.ceil(height / bandHeight);
    this.#from = new Uint16Array(bands);
    this.#to = new Uint16Array(bands);
    this.damage({ x: 0, y: 0, width, height });
  }

  /** Marks an area as changed. It may reach beyond the picture. */
  damage({ x, y, width, height }: Area): void {
    const from = Math.min(x, this.width);
    const to = Math.min(x + width, this.width);
    if (from >= to) return;
    for (const band of this.#bandsOf(y, height)) {
      const untouched = this.#to[band] === 0;
      this.#from[band] = untouched ? from : Math.min(from, this.#from[band] as number);
      this.#to[band] = Math.max(to, this.#to[band] as number);
    }
  }

  /** Changed areas in the bands that `area` touches; they count as unchanged from now on. */
  takeDamage({ y, height }: Area): Area[] {
    const areas: Area[] = [];
    for (const band of this.#bandsOf(y, height)) {
      const [from, to] = [this.#from[band] as number, this.#to[band] as number];
      if (to === 0) continue;
      this.#to[band] = 0;
      const top = band * bandHeight;
      const next = { x: from, y: top, width: to - from, height: Math.min(bandHeight, this.height - top) };
      const last = areas.at(-1);
      if (last && last.x === from && last.width === next.width && last.y + last.height === top) {
        areas[areas.length - 1] = { ...last, height: last.height + next.height };
      } else areas.push(next);
    }
    return areas;
  }

  #bandsOf(y: number, height: number): number[] {
    const first = Math.floor(y / bandHeight);
    const end = Math.min(Math.ceil((y + height) / bandHeight), this.#to.length);
    return Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
  }
}
