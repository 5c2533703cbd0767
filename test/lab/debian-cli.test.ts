/** The main job by the command line, with a whole Debian: minutes. The installer's menu is in ../integration/e2e-cli.test.ts. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testCacheDir } from '../lib/asset-cache.ts';
import { buildDebianImage } from '../lib/debian-image.ts';
import { expectReachable } from '../lib/guest-checks.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;

beforeAll(async () => {
  node = await startNode({ name: 'cli1', natBridge: true });
}, 600_000);

afterAll(async () => {
  await node?.stop();
});

const output = async (...args: string[]): Promise<string> => (await node.cli(...args)).stdout;

test('a Debian disk image boots, takes its address from the NAT bridge, answers the host and the guest agent', async () => {
  const image = await buildDebianImage(testCacheDir());
  await node.cli('pvesm', 'upload', 'local', image.path, '--content', 'import', '--filename', 'debian.qcow2');
  await node.cli(
    ...['qm', 'create', '110', '--name', 'debian', '--memory', '512', '--cores', '2', '--agent', '1'],
    ...['--scsihw', 'virtio-scsi-pci', '--scsi0', 'local:0,import-from=local:import/debian.qcow2'],
    ...['--net0', 'virtio,bridge=vmbr0', '--serial0', 'socket', '--boot', 'order=scsi0'],
  );
  await node.cli('qm', 'start', '110');
  const answers = async (): Promise<boolean> =>
    node.cli('qm', 'agent', 'ping', '110').then(
      () => true,
      () => false,
    );
  await waitFor(answers, { timeout: 240, every: 2000, what: 'an answer of the guest agent' });
  const address = await waitFor(
    async () => {
      const text = await output('qm', 'agent', 'network-get-interfaces', '110', '--output-format', 'json');
      return text.match(/\d+\.\d+\.\d+\.\d+/g)?.find((one) => !one.startsWith('127.'));
    },
    { timeout: 60, every: 2000, what: 'an address of the guest' },
  );
  await expectReachable(node, address);
  await node.cli('qm', 'shutdown', '110', '--timeout', '90');
  expect(await output('qm', 'status', '110')).toContain('stopped');
  await node.cli('qm', 'destroy', '110');
});
