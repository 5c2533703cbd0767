/**
 * Runs store-writer.ts as processes of its own, bundled once for all tests of a file.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Inside the repository, so that the bundle finds node_modules. */
const outputs = fileURLToPath(new URL('../../test-output/', import.meta.url));

export interface Writer {
  readonly pid: number;
  /** The last number that was acknowledged; 0 before the first. */
  readonly acknowledged: () => number;
  /** Resolves when this number was acknowledged. */
  reached(number: number): Promise<void>;
  /** SIGKILL; resolves when the process has ended and all it printed has been read. */
  kill(): Promise<void>;
}

export interface WriterProgram {
  start(file: string, name: string): Writer;
  dispose(): void;
}

export async function bundleWriter(): Promise<WriterProgram> {
  mkdirSync(outputs, { recursive: true });
  const folder = mkdtempSync(`${outputs}store-writer-`);
  const program = `${folder}/writer.mjs`;
  await build({
    entryPoints: [fileURLToPath(new URL('store-writer.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['@photostructure/sqlite'],
    logLevel: 'error',
  });
  return {
    start: (file, name) => startWriter(program, file, name),
    dispose: () => rmSync(folder, { recursive: true }),
  };
}

function startWriter(program: string, file: string, name: string): Writer {
  const child: ChildProcess = spawn(process.execPath, [program, file, name], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let acknowledged = 0;
  let rest = '';
  let errors = '';
  const closed = once(child, 'close');
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    acknowledged = Number(lines.at(-1) ?? acknowledged);
    child.emit('acknowledged');
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  return {
    pid: child.pid ?? 0,
    acknowledged: () => acknowledged,
    reached: async (number) => {
      while (acknowledged < number) {
        await Promise.race([once(child, 'acknowledged'), closed]);
        if (child.exitCode !== null) throw new Error(`the writer ended: ${errors}`);
      }
    },
    kill: async () => {
      child.kill('SIGKILL');
      await closed;
      if (errors) throw new Error(`the writer reported: ${errors}`);
    },
  };
}
