/** What commands say and how they fail: one clear line. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { RyokanError } from '@ryokan/api/errors.ts';
import { ExecError } from '@ryokan/server/host/exec.ts';

/** A reason to stop that a person can do something about; the whole message is one line. */
export class Problem extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'Problem';
    this.exitCode = exitCode;
  }
}

/** The checkout: this code runs as dist/scripts/<name>.js. */
export const projectRoot = fileURLToPath(new URL('../..', import.meta.url));
export const inProject = (...parts: string[]) => join(projectRoot, ...parts);

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Progress and hints: on stderr, so that a command's result on stdout can be piped. */
export function note(line: string): void {
  process.stderr.write(`ryokan: ${line}\n`);
}

/** Prints an error the way a person wants it and returns the exit code. Only the unexpected shows a stack. */
export function report(error: unknown): number {
  if (error instanceof Problem || error instanceof RyokanError || error instanceof ExecError) {
    note(error.message);
    return error instanceof Problem ? error.exitCode : 1;
  }
  note(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}

type OptionSpecs = NonNullable<ParseArgsConfig['options']>;

/** Parses `--name value` options strictly; a wrong one is a Problem with exit code 2. */
export function parseOptions<const T extends OptionSpecs>(
  args: readonly string[],
  options: T,
  allowPositionals = false,
) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals });
  } catch (error) {
    const text = error instanceof Error ? error.message.split('. ')[0] : String(error);
    throw new Problem(`${text}; './ryokan help' lists the options`, 2);
  }
}
