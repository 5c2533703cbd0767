/** Waiting for a condition in tests: with a limit, a pause between looks and an error that says what did not come. */

export interface WaitOptions {
  /** Seconds. */
  readonly timeout: number;
  /** Milliseconds between looks; default 100. */
  readonly every?: number;
  /** What is waited for, as the end of "did not come in N s: …"; called late so that it can tell the last state. */
  readonly what: string | (() => string);
}

/** Calls `look` until it gives something other than undefined, null or false. Errors of `look` end the wait. */
export async function waitFor<T>(
  look: () => Promise<T | undefined | null | false> | T | undefined | null | false,
  options: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + options.timeout * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > deadline) {
      const what = typeof options.what === 'string' ? options.what : options.what();
      throw new Error(`did not come in ${options.timeout} s: ${what}`);
    }
    await sleep(options.every ?? 100);
  }
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
