/**
 * Lets work on the same things wait for each other, in the order in which it was asked for.
 */
export class Turns {
  /** The end of what was asked for last, by key. */
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` at once, or when everything asked for before with one of these keys has ended, however it ended. */
  run<Result>(keys: readonly string[], work: () => Promise<Result>): Promise<Result> {
    const before = keys.flatMap((key) => this.#last.get(key) ?? []);
    const result = before.length === 0 ? work() : Promise.allSettled(before).then(work);
    for (const key of keys) this.#last.set(key, result);
    const forget = (): void => {
      for (const key of keys) if (this.#last.get(key) === result) this.#last.delete(key);
    };
    result.then(forget, forget);
    return result;
  }
}
