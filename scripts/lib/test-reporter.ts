/**
 * A vitest reporter that writes what `./ryokan test` sums up. The JSON reporter that comes with vitest leaves out the
 * reasons of skipped tests.
 */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

export interface FileResult {
  /** Path from the checkout; undefined for errors that belong to no file. */
  readonly file?: string;
  readonly passed: number;
  /** Test names, or `<file>: <message>` for a file that could not be loaded. */
  readonly failed: readonly string[];
  readonly skipped: ReadonlyArray<{ readonly name: string; readonly reason: string }>;
}

/** Where the result goes; set by run-tests.ts. */
export const resultFileVariable = 'RYOKAN_TEST_RESULT';

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly { message: string }[]): void {
    const file = process.env[resultFileVariable];
    if (file) writeFileSync(file, JSON.stringify(summarize(modules, unhandledErrors)));
  }
}

export function summarize(
  modules: readonly TestModule[],
  unhandledErrors: readonly { message: string }[],
): FileResult[] {
  const stray = unhandledErrors.map((error) => `error outside of a test: ${firstLine(error.message)}`);
  return [
    ...modules.map(fileResult),
    ...(stray.length > 0 ? [{ passed: 0, failed: stray, skipped: [] }] : []),
  ];
}

function fileResult(module: TestModule): FileResult {
  const failed: string[] = [];
  const skipped: Array<{ name: string; reason: string }> = [];
  let passed = 0;
  for (const test of module.children.allTests()) {
    const name = `${module.relativeModuleId} > ${test.fullName}`;
    const result = test.result();
    if (result.state === 'passed') passed++;
    else if (result.state === 'failed') failed.push(name);
    else skipped.push({ name, reason: (result.state === 'skipped' && result.note) || 'no reason given' });
  }
  // A hook or an import that failed is an error of the file or of a suite, not of a test.
  if (!module.ok() && failed.length === 0) failed.push(...moduleFailures(module));
  return { file: module.relativeModuleId, passed, failed, skipped };
}

function moduleFailures(module: TestModule): string[] {
  const errors = [
    ...module.errors(),
    ...[...module.children.allSuites()].flatMap((suite) => [...suite.errors()]),
  ];
  return [`${module.relativeModuleId}: ${firstLine(errors[0]?.message ?? 'failed')}`];
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
