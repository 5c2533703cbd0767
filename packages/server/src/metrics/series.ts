/**
 * Measurements over time, in memory: a ring of points for each time frame, coarser the longer it is. Values of points
 * that fall into one step are averaged, their maximum is kept beside.
 */

export type Timeframe = 'hour' | 'day' | 'week' | 'month' | 'year' | 'decade';

export type Measurement = Readonly<Record<string, number>>;

/** Seconds a point stands for, and how many points are kept. */
export const frames: Readonly<Record<Timeframe, { step: number; points: number }>> = {
  hour: { step: 60, points: 70 },
  day: { step: 1800, points: 70 },
  week: { step: 3 * 3600, points: 70 },
  month: { step: 12 * 3600, points: 70 },
  year: { step: 7 * 86400, points: 70 },
  decade: { step: 30 * 86400, points: 122 },
};

interface Point {
  readonly time: number;
  count: number;
  readonly sum: Record<string, number>;
  readonly max: Record<string, number>;
}

export class Series {
  private readonly rings = new Map<Timeframe, Point[]>();

  add(time: number, values: Measurement): void {
    for (const [frame, { step, points }] of Object.entries(frames) as [
      Timeframe,
      { step: number; points: number },
    ][]) {
      const start = time - (time % step);
      const ring = this.rings.get(frame) ?? [];
      this.rings.set(frame, ring);
      let last = ring[ring.length - 1];
      if (last?.time !== start) {
        last = { time: start, count: 0, sum: {}, max: {} };
        ring.push(last);
        if (ring.length > points) ring.shift();
      }
      last.count++;
      for (const [key, value] of Object.entries(values)) {
        last.sum[key] = (last.sum[key] ?? 0) + value;
        last.max[key] = Math.max(last.max[key] ?? Number.NEGATIVE_INFINITY, value);
      }
    }
  }

  /** Points of a time frame, oldest first: `{time, cpu, …}`. */
  read(frame: Timeframe, maximum = false): Record<string, number>[] {
    return (this.rings.get(frame) ?? []).map((point) => {
      const row: Record<string, number> = { time: point.time };
      for (const [key, sum] of Object.entries(point.sum))
        row[key] = maximum ? (point.max[key] ?? 0) : sum / point.count;
      return row;
    });
  }
}
