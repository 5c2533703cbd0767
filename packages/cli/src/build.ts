/**
 * Builds the client: one minified CommonJS file (8 ms quicker to start than an ES module), the YAML writer beside it,
 * and the two manifests made from the method registry.
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Method } from '@ryokan/api/method.ts';
import type { Plugin } from 'esbuild';
import { buildCliManifest } from './manifest-build.ts';

export interface CliBuild {
  /** packages/cli/src. */
  readonly sources: string;
  readonly outdir: string;
  readonly methods: readonly Method[];
  readonly version: string;
}

/** Writes cli.cjs, cli-yaml.cjs, cli-manifest.json and cli-help.json; each appears complete. */
export async function buildCli(request: CliBuild): Promise<void> {
  const { sources, outdir } = request;
  const { build } = await import('esbuild');
  const result = await build({
    entryPoints: { cli: join(sources, 'main.ts'), 'cli-yaml': join(sources, 'yaml-output.ts') },
    outdir,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    minify: true,
    keepNames: false,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    legalComments: 'none',
    logLevel: 'silent',
    write: false,
    plugins: [separateYaml],
  });
  const { manifest, help } = buildCliManifest(request.methods, request.version);
  mkdirSync(outdir, { recursive: true });
  for (const file of result.outputFiles) writeWhole(file.path, file.contents);
  writeWhole(join(outdir, 'cli-manifest.json'), JSON.stringify(manifest));
  writeWhole(join(outdir, 'cli-help.json'), JSON.stringify(help));
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

/** A running shell may start the program at any moment: never half a file. */
function writeWhole(path: string, content: string | Uint8Array): void {
  const temporary = join(path, '..', `.${basename(path)}.${process.pid}`);
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}
