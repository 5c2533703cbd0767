/** Builds dist/: the server's processes and the client with esbuild, the Web UI with vite. Skips what is up to date. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { ExecError, run } from '@ryokan/server/host/exec.ts';
import { readTextIfPresent } from '@ryokan/server/host/files.ts';
import type { BuildOptions } from 'esbuild';
import { buildCli } from '../../packages/cli/build.ts';
import { inProject, note, Problem, projectRoot } from './terminal.ts';

/** Programs of dist/ and where they start. */
const programs = {
  daemon: 'packages/server/src/daemon.ts',
  gateway: 'packages/server/src/gateway.ts',
  worker: 'packages/server/src/worker.ts',
  'import-parser': 'packages/server/src/import-parser.ts',
  'vnc-console': 'packages/server/src/vnc-console.ts',
} as const;

/** What these import only when it is needed stands in files of its own, so that no memory holds it until then. */
const partedPrograms = ['daemon', 'worker'] as const;
/** These run where nothing else of dist/ can be read. */
const wholePrograms = ['gateway', 'import-parser', 'vnc-console'] as const;
/** For so long (ms) parts of older builds are kept. */
const partsHold = 86_400_000;

/** What decides the content of each part of dist/. */
const serverSources = ['packages/api/src', 'packages/server/src', 'package-lock.json'];
const cliSources = ['packages/api/src', 'packages/cli/src', 'packages/cli/build.ts', 'package-lock.json'];
const webSources = [
  'packages/api/src',
  'packages/web/src',
  'packages/web/public',
  'packages/web/index.html',
  'packages/web/vite.config.ts',
  'package-lock.json',
];

/** Native modules, and esbuild itself, are loaded from node_modules at run time; all else is bundled. */
const external = ['@photostructure/sqlite', '@lydell/node-pty', 'esbuild'];

/** Packages in CommonJS call `require` and `__dirname`, which ES modules do not have. */
const commonJsBanner = [
  "import { createRequire as ryokanCreateRequire } from 'node:module';",
  "import { dirname as ryokanDirname } from 'node:path';",
  "import { fileURLToPath as ryokanFileUrlToPath } from 'node:url';",
  'const require = ryokanCreateRequire(import.meta.url);',
  'const __filename = ryokanFileUrlToPath(import.meta.url);',
  'const __dirname = ryokanDirname(__filename);',
].join('\n');

export interface BuildRequest {
  /** Builds even when nothing changed. */
  readonly force?: boolean;
}

/** Brings dist/ up to date. Returns the parts that it built. */
export async function build(request: BuildRequest = {}): Promise<string[]> {
  const parts = [
    { name: 'server', sources: serverSources, make: buildPrograms },
    { name: 'cli', sources: cliSources, make: buildClient },
    { name: 'web', sources: webSources, make: buildWeb },
  ];
  const built = await Promise.all(
    parts.map(async ({ name, sources, make }) => {
      const stamp = inProject('dist', `.${name}-stamp`);
      const wanted = fingerprint(sources);
      if (!request.force && readTextIfPresent(stamp) === wanted) return [];
      note(`building ${name}`);
      await make();
      mkdirSync(dirname(stamp), { recursive: true });
      writeFileSync(stamp, wanted);
      return [name];
    }),
  );
  return built.flat();
}

/** A hash over names and contents: times of files say nothing after a checkout. */
export function fingerprint(paths: readonly string[], root = projectRoot): string {
  const hash = createHash('sha256');
  for (const path of paths.flatMap((one) => filesBelow(join(root, one))).sort()) {
    hash
      .update(`${relative(root, path)}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return hash.digest('hex');
}

/** All files at or below a path; none when it is missing. Tests are left out unless asked for. */
export function filesBelow(path: string, options: { tests?: boolean } = {}): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && (options.tests || !/\.test\.tsx?$/.test(entry.name)))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

async function buildPrograms(): Promise<void> {
  const dist = inProject('dist');
  const entry = (name: keyof typeof programs) => ({ in: inProject(programs[name]), out: name });
  await bundle(wholePrograms.map(entry), dist);
  const parts = await bundle(partedPrograms.map(entry), dist, { splitting: true, chunkNames: 'part-[hash]' });
  removeOldParts(dist, new Set(parts));
}

/** A running node may still load parts of the build that it started from: they go a day later. */
function removeOldParts(dist: string, present: ReadonlySet<string>): void {
  for (const path of readdirSync(dist).map((name) => join(dist, name))) {
    if (!/^part-\w+\.js$/.test(basename(path)) || present.has(path)) continue;
    if (Date.now() - statSync(path).mtimeMs > partsHold) rmSync(path, { force: true });
  }
}

/** Bundles programs for Node.js; gives the paths. Files appear complete: a running node may start a worker from the old ones. */
export async function bundle(
  entries: Array<{ in: string; out: string }>,
  outdir: string,
  more: Pick<BuildOptions, 'plugins' | 'splitting' | 'chunkNames'> = {},
): Promise<string[]> {
  const options: BuildOptions = {
    entryPoints: entries,
    outdir,
    ...more,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external,
    banner: { js: commonJsBanner },
    legalComments: 'none',
    // V8 keeps the text of a program in memory; short lines keep the positions in stack traces useful.
    minifyWhitespace: true,
    lineLimit: 160,
    absWorkingDir: projectRoot,
    logLevel: 'silent',
    write: false,
  };
  const { build: esbuild } = await import('esbuild');
  const result = await esbuild(options).catch(describeFailure);
  mkdirSync(outdir, { recursive: true });
  for (const file of result.outputFiles ?? []) {
    const temporary = join(dirname(file.path), `.${basename(file.path)}.${process.pid}`);
    writeFileSync(temporary, file.contents);
    renameSync(temporary, file.path);
  }
  return (result.outputFiles ?? []).map((file) => file.path);
}

/** Throws esbuild's messages as a person reads them. */
async function describeFailure(error: unknown): Promise<never> {
  const { formatMessages } = await import('esbuild');
  const messages = error instanceof Error && 'errors' in error ? error.errors : [];
  const texts = await formatMessages(messages as Parameters<typeof formatMessages>[0], { kind: 'error' });
  throw new Problem(`the sources do not build:\n${texts.join('')}${texts.length ? '' : String(error)}`);
}

async function buildClient(): Promise<void> {
  const { version } = JSON.parse(readFileSync(inProject('package.json'), 'utf8')) as { version: string };
  await buildCli({ folder: inProject('packages', 'cli'), outdir: inProject('dist'), version }).catch(
    describeFailure,
  );
}

async function buildWeb(): Promise<void> {
  if (!existsSync(inProject('packages/web/index.html'))) return;
  const target = inProject('dist', 'web');
  const fresh = `${target}.${process.pid}`;
  const old = `${target}.${process.pid}.old`;
  const vite = inProject('node_modules', '.bin', 'vite');
  // Relative to packages/web, as vite takes it.
  const outDir = relative(inProject('packages/web'), fresh);
  try {
    await run(vite, ['build', '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn'], {
      cwd: inProject('packages/web'),
      // Whoever calls may run tests or develop; another mode would build React's slow development version.
      env: { ...process.env, NODE_ENV: 'production', NO_COLOR: '1' },
    });
    if (existsSync(target)) renameSync(target, old);
    renameSync(fresh, target);
  } catch (error) {
    const text = error instanceof ExecError ? error.stderr.trim() : String(error);
    throw new Problem(`the Web UI does not build:\n${text}`);
  } finally {
    for (const path of [fresh, old]) rmSync(path, { recursive: true, force: true });
  }
}
