/** Lets a few expensive actions run at a time, some wait, and refuses the rest. */
import { RyokanError } from '@ryokan/api/errors.ts';

export class Gate {
  private readonly width: number;
  private readonly maxWaiting: number;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  /** At most `width` at a time, at most `maxWaiting` in the queue. */
  constructor(width: number, maxWaiting: number) {
    this.width = width;
    this.maxWaiting = maxWaiting;
  }

  /** Throws RyokanError 'unavailable' when the queue is full. */
  async run<T>(action: () => Promise<T>): Promise<T> {
    if (this.running >= this.width) {
      if (this.waiting.length >= this.maxWaiting) {
        throw new RyokanError('unavailable', 'too many logins at the same time; try again in a moment');
      }
      // Whoever ends hands its place over, so `running` stays as it is.
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    } else this.running++;
    try {
      return await action();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.running--;
    }
  }
}
