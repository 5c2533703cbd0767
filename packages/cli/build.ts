/**
 * Builds the client: one minified CommonJS file (8 ms quicker to start than an ES module), the YAML writer beside it,
 * and the two manifests made from the method registry.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';
import type { BuiltManifest } from './src/manifest-build.ts';

export interface CliBuild {
  /** The folder packages/cli. */
  readonly folder: string;
  readonly outdir: string;
  /** The product's version. */
  readonly version: string;
}

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  logLevel: 'silent',
  write: false,
} as const satisfies BuildOptions;

/** Writes cli.cjs, cli-yaml.cjs, cli-manifest.json and cli-help.json, each complete at once. Throws esbuild's errors. */
export async function buildCli(request: CliBuild): Promise<void> {
  const { outdir } = request;
  const [programs, { manifest, help }] = await Promise.all([bundlePrograms(request), readRegistry(request)]);
  mkdirSync(outdir, { recursive: true });
  writeWhole(join(outdir, 'cli-manifest.json'), JSON.stringify(manifest));
  writeWhole(join(outdir, 'cli-help.json'), JSON.stringify(help));
  for (const file of programs) writeWhole(file.path, file.contents, 0o755);
}

async function bundlePrograms({ folder, outdir }: CliBuild) {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    ...common,
    entryPoints: { 'cli-yaml': join(folder, 'src/yaml-output.ts'), cli: join(folder, 'src/main.ts') },
    outdir,
    outExtension: { '.js': '.cjs' },
    minify: true,
    format: 'cjs',
    // import() becomes require(): Node.js need not set up its loader of ES modules.
    supported: { 'dynamic-import': false },
    // bin/ links to it under the names of the commands.
    banner: { js: '#!/usr/bin/env node' },
    plugins: [separateYaml],
  });
  return outputFiles;
}

/** Runs the registry as it is now, without leaving a file behind. */
async function readRegistry({ folder, version }: CliBuild): Promise<BuiltManifest> {
  const { build } = await import('esbuild');
  const { outputFiles } = await build({
    ...common,
    entryPoints: [join(folder, 'src/manifest-entry.ts')],
    outdir: folder,
    format: 'esm',
  });
  const code = Buffer.from(outputFiles[0]?.contents ?? []).toString('base64');
  const entry: unknown = await import(`data:text/javascript;base64,${code}`);
  const { registryManifest } = entry as { registryManifest: (version: string) => BuiltManifest };
  return registryManifest(version);
}

/** Leaves the YAML writer out of the program that starts. */
const separateYaml: Plugin = {
  name: 'separate-yaml',
  setup: (build) => {
    build.onResolve({ filter: /\/yaml-output\.ts$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './cli-yaml.cjs', external: true },
    );
  },
};

/** A shell may start the program at any moment: never half a file. */
function writeWhole(path: string, content: string | Uint8Array, mode = 0o644): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}`);
  writeFileSync(temporary, content, { mode });
  renameSync(temporary, path);
}
