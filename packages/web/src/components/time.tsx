import { useFormat } from '../util/use-format.ts';
import { useNow } from '../util/use-now.ts';

/** A moment in seconds since the epoch: how long ago, with date and time at hand. */
export function Time({ at }: { at: number }) {
  const format = useFormat();
  const now = useNow();
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={format.dateTime(at)}>
      {format.relative(at, Math.max(now, at))}
    </time>
  );
}
