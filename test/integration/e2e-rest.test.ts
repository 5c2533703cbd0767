/**
 * The main job by REST: an installer ISO to its menu, a Debian disk to a machine in the network. All that the API offers
 * of the guest agent is tested on that machine too.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentTests, untilAgentAnswers } from '../lib/agent-checks.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { rfbGreeting } from '../lib/console-client.ts';
import { buildDebianImage } from '../lib/debian-image.ts';
import { expectReachable, installerMenu, serialLogin } from '../lib/guest-checks.ts';
import { jsonOf } from '../lib/http-client.ts';
import { buildInstallerIso } from '../lib/installer-iso.ts';
import { startNode, type TestNode } from '../lib/node.ts';

let node: TestNode;
let admin: ApiSession;
let qemu: string;

beforeAll(async () => {
  node = await startNode({ name: 'rest1', natBridge: true });
  admin = await node.admin();
  qemu = `${node.path}/qemu`;
}, 600_000);

afterAll(async () => {
  await node?.stop();
});

/** Uploads a file to `local` and waits for its task. */
async function upload(file: string, fields: Readonly<Record<string, string>>, name?: string): Promise<void> {
  const answer = await admin.uploadFile(`${node.path}/storage/local/upload`, file, fields, name);
  expect(answer.status, answer.body.toString()).toBe(200);
  expect((await admin.taskEnd(jsonOf<string>(answer).data)).exitstatus).toBe('OK');
}

describe('an installer ISO', () => {
  test('is uploaded with its checksum, boots, and shows its menu', async () => {
    const iso = await buildInstallerIso(testCacheDir());
    await upload(
      iso.path,
      { content: 'iso', checksum: iso.sha256, 'checksum-algorithm': 'sha256' },
      'installer.iso',
    );
    const volumes = await admin.get<Array<{ volid: string }>>(`${node.path}/storage/local/content`, {
      content: 'iso',
    });
    expect(volumes.map((volume) => volume.volid)).toEqual(['local:iso/installer.iso']);
    const vmid = Number(await admin.get('/cluster/nextid'));
    await admin.run('POST', qemu, {
      vmid,
      name: 'installer',
      memory: 512,
      scsi0: 'local:4',
      ide2: 'local:iso/installer.iso,media=cdrom',
      net0: 'virtio,bridge=vmbr0',
      boot: 'order=ide2',
    });
    await admin.run('POST', `${qemu}/${vmid}/status/start`);
    expect(await admin.get(`${qemu}/${vmid}/status/current`)).toMatchObject({ status: 'running' });
    const menu = await installerMenu(node, vmid, 'rest-installer-menu');
    expect([menu.width, menu.height]).toEqual([640, 480]);
    expect(await rfbGreeting(admin, `${qemu}/${vmid}`)).toBe('RFB 003.008\n');
    await admin.run('POST', `${qemu}/${vmid}/status/stop`);
    await admin.run('DELETE', `${qemu}/${vmid}`, { purge: true });
    expect(await admin.get(qemu)).toEqual([]);
  });
});

describe('a Debian disk image', () => {
  test('is imported, boots to login on the serial console, and is in the network', async () => {
    const image = await buildDebianImage(testCacheDir());
    await upload(image.path, { content: 'import' });
    await admin.run('POST', qemu, {
      vmid: 210,
      name: 'debian',
      memory: 512,
      cores: 2,
      scsihw: 'virtio-scsi-pci',
      scsi0: 'local:0,import-from=local:import/debian.qcow2,discard=on',
      net0: 'virtio,bridge=vmbr0',
      serial0: 'socket',
      agent: 'enabled=1',
      boot: 'order=scsi0',
    });
    await admin.run('POST', `${qemu}/210/status/start`);
    const address = await serialLogin(admin, node, 210, image.login);
    await expectReachable(node, address);
    await untilAgentAnswers({ session: admin, path: `${qemu}/210` }, 60);
    interface Card {
      readonly 'ip-addresses': ReadonlyArray<{ readonly 'ip-address': string }>;
    }
    const { result } = await admin.get<{ result: Card[] }>(`${qemu}/210/agent/network-get-interfaces`);
    const addresses = result.flatMap((card) => card['ip-addresses'].map((one) => one['ip-address']));
    expect(addresses).toContain(address);
  });

  agentTests(() => ({ session: admin, path: `${qemu}/210`, cores: 2 }));

  test('shuts down and is removed', async () => {
    await admin.run('POST', `${qemu}/210/status/shutdown`, { timeout: 90 }, 120);
    expect(await admin.get(`${qemu}/210/status/current`)).toMatchObject({ status: 'stopped' });
    await admin.run('DELETE', `${qemu}/210`);
  });
});
