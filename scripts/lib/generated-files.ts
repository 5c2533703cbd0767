/** docs/generated/: made by scripts/generate.ts, committed, and compared by `./ryokan check`. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTextIfPresent } from '@ryokan/server/host/files.ts';
import type { Plugin } from 'esbuild';
import { bundle } from './build.ts';
import { inProject, say } from './terminal.ts';

type Generate = (options: { version: string; operationsFile: string }) => Record<string, string>;

const target = inProject('docs', 'generated');

/** `./ryokan generate` */
export async function writeGenerated(): Promise<number> {
  mkdirSync(target, { recursive: true });
  for (const [name, text] of Object.entries(await generated())) {
    if (readTextIfPresent(join(target, name)) === text) continue;
    writeFileSync(join(target, name), text);
    say(`wrote docs/generated/${name}`);
  }
  return 0;
}

/** Undefined when the committed files are those that would be generated now. */
export async function staleGenerated(): Promise<string | undefined> {
  const wanted = await generated();
  const stale = Object.keys(wanted).filter((name) => readTextIfPresent(join(target, name)) !== wanted[name]);
  if (stale.length === 0) return undefined;
  return `docs/generated/ is not up to date (${stale.join(', ')}): run './ryokan generate'`;
}

async function generated(): Promise<Record<string, string>> {
  const folder = inProject('dist', 'scripts');
  await bundle([{ in: inProject('scripts', 'generate.ts'), out: 'generate' }], folder, {
    plugins: [handlerModules],
  });
  const { generate } = (await import(join(folder, 'generate.js'))) as { generate: Generate };
  const { version } = JSON.parse(readFileSync(inProject('package.json'), 'utf8')) as { version: string };
  return generate({ version, operationsFile: inProject('scripts', 'data', 'public-operations.txt') });
}

/** Provides `ryokan:handlers`: whoever adds a file of handlers need not tell anybody. */
const handlerModules: Plugin = {
  name: 'handler-modules',
  setup(build) {
    const folder = inProject('packages', 'server', 'src', 'api', 'handlers');
    build.onResolve({ filter: /^ryokan:handlers$/ }, ({ path }) => ({ path, namespace: 'ryokan' }));
    build.onLoad({ filter: /.*/, namespace: 'ryokan' }, () => {
      const files = readdirSync(folder)
        .filter((name) => /(?<!\.test)\.ts$/.test(name))
        .sort();
      const lines = files.map((name, index) => `import * as module${index} from './${name}';`);
      const list = files.map((_name, index) => `module${index}`).join(', ');
      return { contents: `${lines.join('\n')}\nexport const modules = [${list}];`, resolveDir: folder };
    });
  },
};
