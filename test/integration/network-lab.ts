/** Private network namespaces for tests: nothing of the machine's own network is touched. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

const execute = promisify(execFile);

export interface Lab {
  /** Data folder of the node in the namespace `node`. */
  readonly dataDir: string;
  /** Makes a namespace and returns its full name. */
  addNamespace(name: string): Promise<string>;
  /** Runs a program inside a namespace; resolves with its stdout. */
  inside(name: string, program: string, ...args: string[]): Promise<string>;
  /** Like `inside`, but resolves with the exit code. */
  exitCode(name: string, program: string, ...args: string[]): Promise<number>;
  /** Connects two namespaces by a veth pair. */
  connect(first: string, firstDevice: string, second: string, secondDevice: string): Promise<void>;
  /** Calls a function of network-driver.ts in a namespace; rejects with an Error that has its `code`. */
  call<T>(name: string, fn: string, ...args: unknown[]): Promise<T>;
  close(): Promise<void>;
}

export async function openLab(): Promise<Lab> {
  const folder = mkdtempSync(join(tmpdir(), 'ryokan-net-'));
  const dataDir = join(folder, 'data');
  for (const name of ['run', 'log']) mkdirSync(join(dataDir, name), { recursive: true });
  // Below node_modules, where the packages with native parts are found that no bundle takes.
  const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
  const driver = join(mkdtempSync(join(modules, '.ryokan-net-')), 'driver.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('./network-driver.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['@photostructure/sqlite'],
    outfile: driver,
    logLevel: 'error',
  });
  const namespaces: string[] = [];
  const full = (name: string) => `ryokan-${process.pid}-${name}`;
  const inside = async (name: string, ...command: string[]) =>
    (await execute('ip', ['netns', 'exec', full(name), ...command])).stdout;
  return {
    dataDir,
    addNamespace: async (name) => {
      await execute('ip', ['netns', 'add', full(name)]);
      namespaces.push(full(name));
      await inside(name, 'ip', 'link', 'set', 'lo', 'up');
      return full(name);
    },
    inside,
    exitCode: (name, ...command) =>
      inside(name, ...command).then(
        () => 0,
        (error: { code?: unknown }) => (typeof error.code === 'number' ? error.code : -1),
      ),
    connect: async (first, firstDevice, second, secondDevice) => {
      const peer = ['peer', 'name', secondDevice, 'netns', full(second)];
      await execute('ip', ['link', 'add', firstDevice, 'netns', full(first), 'type', 'veth', ...peer]);
      await inside(first, 'ip', 'link', 'set', firstDevice, 'up');
      await inside(second, 'ip', 'link', 'set', secondDevice, 'up');
    },
    call: async (name, fn, ...args) => {
      const text = await inside(name, process.execPath, driver, fn, dataDir, JSON.stringify(args));
      const { ok, error } = JSON.parse(text) as { ok?: unknown; error?: { code: string; message: string } };
      if (error) throw Object.assign(new Error(error.message), { code: error.code });
      return ok as never;
    },
    close: async () => {
      for (const name of namespaces) await execute('ip', ['netns', 'delete', name]);
      for (const one of [folder, dirname(driver)]) rmSync(one, { recursive: true, force: true });
    },
  };
}
