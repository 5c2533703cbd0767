/** What a bench gives: figures of the product, beside those of the raw tool where there is one. */

/** Middle and ends of several measurements of the same thing, or of a single one (`count` 1). */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

export interface Target {
  /** The promise in words: `at most 40 ms on top`. */
  readonly text: string;
  readonly met: boolean;
}

export interface Figure {
  /** Name of the bench that measured it, as in `--only NAME`. */
  readonly bench: string;
  readonly name: string;
  /** `ms`, `MB`, `1/s`, … */
  readonly unit: string;
  readonly ours: Spread;
  /** The same done by the raw tool, in the same run. */
  readonly raw?: Spread;
  /** How the two compare: `×1.20`, `+31 ms`. */
  readonly comparison?: string;
  readonly target?: Target;
}

/** A figure before its bench is known. */
export type Measured = Omit<Figure, 'bench'>;

export interface BenchContext {
  /** Says on stderr what is going on. */
  readonly note: (line: string) => void;
}

/** A figure that this machine cannot give; the message is the reason. */
export class CannotMeasure extends Error {}

export type Bench = (context: BenchContext) => Promise<Measured[]>;

/** Throws for an empty list: a bench without a measurement has failed. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) throw new Error('nothing was measured');
  return { median: quantile(sorted, 0.5), min, max, count: sorted.length };
}

export const single = (value: number): Spread => spread([value]);

/** The value below which the share `q` (0..1) of the sorted values lies, by linear interpolation. */
export function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)];
  const high = sorted[Math.ceil(at)];
  if (low === undefined || high === undefined) throw new Error('quantile of nothing');
  return low + (high - low) * (at - Math.floor(at));
}

/**
 * Median of `combine(ours, raw)` over the rounds. Both of a round ran one after the other, so that a machine that is
 * slow for a while is slow for both.
 */
export function pairwise(
  ours: readonly number[],
  raw: readonly number[],
  combine: (ours: number, raw: number) => number,
): number {
  return spread(ours.map((value, i) => combine(value, raw[i] ?? Number.NaN))).median;
}

export const asRatio = (value: number): string => `×${value.toFixed(2)}`;
export const asDifference = (value: number, unit: string): string =>
  `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(0)} ${unit}`;
