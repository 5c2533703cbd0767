/** The main job by the command line, as root types it; test/lab/debian-cli.test.ts has the second one, a whole Debian. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testCacheDir } from '../lib/asset-cache.ts';
import { installerMenu } from '../lib/guest-checks.ts';
import { buildInstallerIso } from '../lib/installer-iso.ts';
import { startNode, type TestNode } from '../lib/node.ts';

let node: TestNode;

beforeAll(async () => {
  node = await startNode({ name: 'cli1' });
}, 600_000);

afterAll(async () => {
  await node?.stop();
});

const output = async (...args: string[]): Promise<string> => (await node.cli(...args)).stdout;

describe('an installer ISO', () => {
  test('is put into the storage, boots, and shows its menu', async () => {
    const iso = await buildInstallerIso(testCacheDir());
    await node.cli(
      ...['pvesm', 'upload', 'local', iso.path, '--filename', 'installer.iso'],
      ...['--checksum', iso.sha256, '--checksum-algorithm', 'sha256'],
    );
    expect(await output('pvesm', 'list', 'local', '--content', 'iso')).toContain('local:iso/installer.iso');
    await node.cli(
      ...['qm', 'create', '100', '--name', 'installer', '--memory', '512', '--scsi0', 'local:4'],
      ...['--ide2', 'local:iso/installer.iso,media=cdrom', '--boot', 'order=ide2'],
    );
    await node.cli('qm', 'start', '100');
    expect(await output('qm', 'status', '100')).toContain('running');
    await installerMenu(node, 100, 'cli-installer-menu');
    await node.cli('qm', 'stop', '100');
    await node.cli('qm', 'destroy', '100', '--purge');
    expect(await output('qm', 'list')).not.toContain('installer');
  });
});
