/**
 * The program behind qm, pvesm, pvesh and the others. It is told which by the name of the link it was called by, or by
 * its first argument.
 */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runCli } from './cli.ts';
import type { CliHelp, CliManifest } from './manifest.ts';
import { askSecret } from './secret-input.ts';
import type { System } from './system.ts';
import { UnixTransport } from './transport.ts';

/** The folder of this program and of the files that the build puts beside it (build.ts). */
declare const __dirname: string;

const readJson = <T>(name: string): T => JSON.parse(readFileSync(join(__dirname, name), 'utf8')) as T;

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function onInterrupt(handler: () => void): () => void {
  process.on('SIGINT', handler);
  return () => process.off('SIGINT', handler);
}

function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done);
  });
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

const system: System = {
  env: process.env,
  manifest: once(() => readJson<CliManifest>('cli-manifest.json')),
  help: once(() => readJson<CliHelp>('cli-help.json')),
  loadYaml: async () => (await import('./yaml-output.ts')).toYaml,
  connect: (dataDir) => new UnixTransport(join(dataDir, 'run', 'daemon.sock')),
  readText,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  stdoutIsTerminal: process.stdout.isTTY === true,
  stderrIsTerminal: process.stderr.isTTY === true,
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  askSecret,
  onInterrupt,
  sleep,
};

// `qm list | head -1`: the reader has what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

/** `bin/qm start 100` and `cli.cjs qm start 100` are the same. */
function commandLine(): string[] {
  const [, program = '', ...args] = process.argv;
  const name = basename(program);
  return name === 'cli.cjs' ? args : [name, ...args];
}

runCli(commandLine(), system).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  },
);
