/** What became of a change of a running guest, the same for all kinds of guests. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';

/** Why a change does not hold yet. */
export interface Waiting {
  readonly reason: string;
  /** The value that holds now, where a part of the way was possible (memory, CPUs). */
  readonly reached?: string;
  /** It was tried and did not work, which the caller has to hear of. */
  readonly failed?: true;
}

/** The change holds now, or it waits for the next start. */
export type Outcome = 'done' | Waiting;

export const waits = (reason: string, reached?: string): Waiting =>
  reached === undefined ? { reason } : { reason, reached };

export const failed = (error: unknown, reached?: string): Waiting => ({
  ...waits(messageOf(error), reached),
  failed: true,
});

/** Does `step`; when it fails, does `back` and throws the step's error, with that of `back` where that failed too. */
export async function orBack<T>(step: () => Promise<T>, back: () => Promise<unknown>): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    try {
      await back();
    } catch (second) {
      throw new RyokanError(
        'failed',
        `${messageOf(cause)}; and what was there before could not be put back: ${messageOf(second)}. A restart of the guest does`,
        { cause },
      );
    }
    throw cause;
  }
}

/** Why keys wait although they were tried: a text for each. */
export type Problems = Readonly<Record<string, string>>;

/** A problem as the caller reads it. The beginning is what clients of Proxmox VE look for. */
export const hotplugProblem = (problem: string): string =>
  `hotplug problem - ${problem.replace(/[^.?!]$/, '$&.')} The change is stored and waits for the next start of the guest`;

/** Those that failed; what simply waits is no problem. */
export const problemsOf = (waiting: Readonly<Record<string, Waiting>>): Problems =>
  Object.fromEntries(
    Object.entries(waiting)
      .filter(([, { failed }]) => failed)
      .map(([key, { reason }]) => [key, reason]),
  );

/** In a task, which goes on all the same. */
export function warnOf(problems: Problems, task: { warn(line: string): void }): void {
  for (const [key, problem] of Object.entries(problems)) task.warn(`${key}: ${hotplugProblem(problem)}`);
}
