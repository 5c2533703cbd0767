import { useFormat } from '../util/use-format.ts';
import { useNow } from '../util/use-now.ts';

/**
 * A moment in seconds since the epoch: how long ago or ahead, with date and time at hand. Up to a minute ahead counts as
 * now: clocks of node and browser differ a little.
 */
export function Time({ at }: { at: number }) {
  const format = useFormat();
  const now = useNow();
  return (
    <time dateTime={new Date(at * 1000).toISOString()} title={format.dateTime(at)}>
      {format.relative(at, at - now < 60 ? Math.max(now, at) : now)}
    </time>
  );
}
