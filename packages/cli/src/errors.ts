/** Errors of the command line and the exit codes they map to. */

/**
 * - 0: done, also with warnings
 * - 255: the API refused the call, or the task failed: what scripts written for Proxmox VE see
 * - 2: wrong usage, nothing was sent
 * - 1: the node could not be reached, or the command failed on this side
 * - 130: left with Ctrl-C while a task went on
 */
export const exitCode = { ok: 0, local: 1, usage: 2, refused: 255, interrupted: 130 } as const;

/** The command line does not make sense; `command` are its words, so that its synopsis can be shown. */
export class UsageError extends Error {
  readonly command: string | undefined;
  constructor(message: string, command?: string) {
    super(message);
    this.name = 'UsageError';
    this.command = command;
  }
}

/** The API answered with an error. */
export class ApiError extends Error {
  readonly status: number;
  /** One text per parameter. */
  readonly errors: Readonly<Record<string, string>>;
  constructor(status: number, message: string, errors: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.errors = errors;
  }
}

/** Nothing answers, or this side cannot go on. */
export class LocalError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'LocalError';
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return exitCode.usage;
  return error instanceof ApiError ? exitCode.refused : exitCode.local;
}

/** What a person sees on stderr: the message, then one line per parameter. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return `${String(error)}\n`;
  const lines = [error.message.trimEnd()];
  if (error instanceof ApiError) {
    for (const [name, text] of Object.entries(error.errors)) {
      lines.push(`${name}: ${text.trimEnd().replaceAll('\n', '\n  ')}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** The candidates that a mistyped word probably meant, nearest first. */
export function nearest(word: string, candidates: readonly string[], limit = 3): string[] {
  const allowed = Math.max(1, Math.floor(word.length / 3));
  return candidates
    .map((candidate) => ({
      candidate,
      distance: candidate.startsWith(word) && word.length >= 2 ? 0 : editDistance(word, candidate),
    }))
    .filter((one) => one.distance <= allowed)
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, limit)
    .map((one) => one.candidate);
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
