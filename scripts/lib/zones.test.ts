import { expect, test } from 'vitest';
import { checkZones, importsOf } from './zones.ts';

const declared = {
  'packages/api': ['@sinclair/typebox'],
  'packages/server': ['ws', '@lydell/node-pty'],
  'packages/cli': ['yaml'],
  'packages/web': ['react'],
};

/** The rule that one import in one file breaks; undefined when it is fine. */
const broken = (path: string, imported: string): string | undefined =>
  checkZones([{ path, text: `import { x } from '${imported}';\n` }], declared)[0]?.rule;

const server = (inner: string) => `packages/server/src/${inner}`;

test.each([
  // packages
  ['packages/cli/src/main.ts', '@ryokan/server/host/exec.ts', 'packages/cli may not import packages/server'],
  ['packages/web/src/app.tsx', '@ryokan/server/host/exec.ts', 'packages/web may not import packages/server'],
  ['packages/web/src/app.tsx', '@ryokan/cli/main.ts', 'packages/web may not import packages/cli'],
  [
    'packages/api/src/method.ts',
    '@ryokan/server/host/exec.ts',
    'packages/api may not import packages/server',
  ],
  [
    'packages/api/src/a.test.ts',
    '../../server/src/host/exec.ts',
    'packages/api may not import packages/server',
  ],
  [
    server('host/exec.ts'),
    '../../../api/src/errors.ts',
    'other packages are imported by name (@ryokan/api/…)',
  ],
  [
    server('host/exec.ts'),
    '../../../../scripts/lib/zones.ts',
    'packages import nothing from outside of packages/',
  ],
  ['packages/api/src/method.ts', 'node:fs', 'packages/api runs in browsers: no Node.js modules'],
  ['packages/web/src/app.tsx', 'node:path', 'packages/web runs in browsers: no Node.js modules'],
  [server('host/exec.ts'), 'yaml', "'yaml' is not among the dependencies of packages/server"],
  [
    server('host/exec.ts'),
    '@lydell/other/x.js',
    "'@lydell/other' is not among the dependencies of packages/server",
  ],
  [server('host/exec.ts'), './files', 'relative imports carry their file ending'],
  // layers
  [server('node.ts'), './daemon.ts', 'nothing imports daemon.ts'],
  [server('tasks/a.test.ts'), '../worker.ts', 'nothing imports worker.ts'],
  [server('host/exec.ts'), '../cluster/store.ts', 'host may not import cluster'],
  [server('cluster/store.ts'), '../tasks/task.ts', 'cluster may not import tasks'],
  [server('tasks/task.ts'), '../access/users.ts', 'tasks may not import access'],
  [server('access/users.ts'), '../tasks/task.ts', 'access may not import tasks'],
  [server('storage/manager.ts'), '../network/tap.ts', 'storage may not import network'],
  [server('network/tap.ts'), '../storage/manager.ts', 'network may not import storage'],
  [server('storage/manager.ts'), '../guests/guest.ts', 'storage may not import guests'],
  [server('guests/guest.ts'), '../access/users.ts', 'guests may not import access'],
  [server('guests/guest.ts'), '../api/router.ts', 'guests may not import api'],
  [server('backup/job.ts'), '../ha/env.ts', 'backup may not import ha'],
  [server('ha/env.ts'), '../backup/job.ts', 'ha may not import backup'],
  [server('network/tap.ts'), '../services.ts', 'network may not import services.ts'],
  [server('guests/guest.ts'), '../daemon-services.ts', 'guests may not import daemon-services.ts'],
  [server('gateway/http.ts'), '../cluster/store.ts', 'gateway may not import cluster'],
  [server('gateway.ts'), './tasks/task.ts', 'the gateway has no rights and imports gateway and host only'],
  [server('storage/manager.ts'), './driver-conformance.ts', 'only tests import test code'],
  [server('cluster/store.ts'), './store.test.ts', 'only tests import test code'],
  [server('misc/x.ts'), '../host/exec.ts', "'misc' is no layer of the server"],
  [server('host/exec.ts'), '../misc/x.ts', "'misc' is no layer of the server"],
  [
    server('storage/manager.ts'),
    './drivers/dir.ts',
    'only storage/registry.ts and tests import storage drivers',
  ],
  [
    server('guests/guest.ts'),
    '../storage/drivers/dir.ts',
    'only storage/registry.ts and tests import storage drivers',
  ],
  [server('guests/qemu/start.ts'), '../lxc/config.ts', 'qemu and lxc meet only in guests/guest.ts'],
  [server('guests/lxc/config.ts'), '../qemu/start.ts', 'qemu and lxc meet only in guests/guest.ts'],
])('%s may not import %s', (path, imported, rule) => {
  expect(broken(path, imported)).toBe(rule);
});

test.each([
  ['packages/cli/src/main.ts', '@ryokan/api/errors.ts'],
  ['packages/cli/src/main.ts', 'node:fs'],
  ['packages/cli/src/main.ts', 'yaml'],
  ['packages/web/src/app.tsx', './style.css'],
  ['packages/web/vite.config.ts', '@vitejs/plugin-react'],
  ['packages/web/vite.config.ts', 'node:fs'],
  ['packages/api/src/a.test.ts', 'node:fs'],
  ['packages/api/src/schema/types.ts', '@sinclair/typebox'],
  [server('daemon.ts'), './node.ts'],
  [server('worker.ts'), './composition.ts'],
  [server('api/handlers/qemu.ts'), '../../guests/guest.ts'],
  [server('api/handlers/qemu.ts'), '../../services.ts'],
  [server('guests/guest.ts'), './lxc/config.ts'],
  [server('guests/guest.ts'), '../storage/manager.ts'],
  [server('storage/registry.ts'), './drivers/dir.ts'],
  [server('storage/drivers/btrfs.ts'), './dir-files.ts'],
  [server('storage/a.test.ts'), './drivers/dir.ts'],
  [server('storage/a.test.ts'), './driver-conformance.ts'],
  [server('storage/conformance-files.ts'), 'vitest'],
  [server('guests/qemu/a.test.ts'), '../../../../../test/qemu-command-line/cases.ts'],
  [server('gateway/http.ts'), '../api/request.ts'],
  [server('host/a.test.ts'), '../cluster/store.ts'],
  [server('host/exec.ts'), '@lydell/node-pty/lib/x.js'],
  ['test/integration/a.test.ts', '../../packages/server/src/worker.ts'],
  ['scripts/generate.ts', 'anything'],
])('%s may import %s', (path, imported) => {
  expect(broken(path, imported)).toBeUndefined();
});

test('finds every way to import', () => {
  const text = [
    "import './side-effect.ts';",
    "import type { A } from './type.ts';",
    'import {',
    '  b,',
    '  type C,',
    "} from './several-lines.ts';",
    "import d, * as e from './star.ts';",
    "export * from './all.ts';",
    "export { f } from './named.ts';",
    "const g = await import('./dynamic.ts');",
    'const text = "import x from \'./no-import.ts\'";',
    "// import h from './comment.ts';",
    'export const i = 1;',
    "const j = 'from';",
  ].join('\n');
  expect(importsOf(text)).toEqual([
    './side-effect.ts',
    './type.ts',
    './several-lines.ts',
    './star.ts',
    './all.ts',
    './named.ts',
    './dynamic.ts',
  ]);
});
