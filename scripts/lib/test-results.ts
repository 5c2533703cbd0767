/** What a suite came to, from the results of its files. */
import type { FileResult } from './test-reporter.ts';

export interface SuiteResult {
  readonly passed: number;
  /** Test names, or `<file>: <message>` for a file that could not be loaded. */
  readonly failed: readonly string[];
  /** Failed at first and not when their file ran again. */
  readonly unsteady: readonly string[];
  readonly skipped: ReadonlyArray<{ readonly name: string; readonly reason: string }>;
}

/** The sum of a run, in which files that ran again count as they ended then. */
export function secondTry(first: readonly FileResult[], again: readonly FileResult[]): SuiteResult {
  const later = new Set(again.map(({ file }) => file));
  const last = [...first.filter(({ file }) => file === undefined || !later.has(file)), ...again];
  const failed = last.flatMap((result) => result.failed);
  return {
    passed: last.reduce((sum, result) => sum + result.passed, 0),
    failed,
    unsteady: first.flatMap((result) => result.failed).filter((name) => !failed.includes(name)),
    skipped: last.flatMap((result) => result.skipped),
  };
}
