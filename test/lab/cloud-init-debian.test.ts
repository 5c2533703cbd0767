/**
 * Cloud-init for real: a Debian whose cloud-init takes user, key, host name, network and name service from the image
 * that the node makes, read back through the guest agent of that Debian. Three boots of some 60 s, therefore in the lab.
 * The first boot serves all tests of the agent too.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type AgentGuest,
  agentChangeTests,
  agentPowerTests,
  agentTests,
  shell,
  untilAgentAnswers,
} from '../lib/agent-checks.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { buildDebianImage } from '../lib/debian-image.ts';
import { jsonOf } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;
/** The bridge's network, `10.77.0`. */
let network: string;

const cores = 2;
const keys = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl gast@旅館'];
const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const guest = (vmid: number): AgentGuest => ({ session: admin, path: qemu(vmid), cores });
const inGuest = (vmid: number, script: string) => shell(guest(vmid), script);

beforeAll(async () => {
  const image = await buildDebianImage(testCacheDir(), { cloudInit: true });
  node = await startNode({ name: 'cloud1', natBridge: true });
  admin = await node.admin();
  const { cidr } = await admin.get<{ cidr: string }>(`${node.path}/network/nat-bridge`);
  network = cidr.replace(/\.\d+\/\d+$/, '');
  const answer = await admin.uploadFile(`${node.path}/storage/local/upload`, image.path, {
    content: 'import',
  });
  expect((await admin.taskEnd(jsonOf<string>(answer).data, 300)).exitstatus).toBe('OK');
  await admin.run('POST', `${node.path}/qemu`, {
    ...{
      vmid: 500,
      name: 'web',
      memory: 512,
      cores,
      agent: 1,
      serial0: 'socket',
      ostype: 'l26',
      machine: 'pc,enable-s3=1',
    },
    ...{ scsihw: 'virtio-scsi-pci', scsi0: 'local:0,import-from=local:import/debian.qcow2,discard=on' },
    ...{ net0: 'virtio,bridge=vmbr0', net1: 'virtio,bridge=vmbr0', ide2: 'local:cloudinit' },
    ...{ ciuser: 'gast', cipassword: 'Geheimnis: #1', sshkeys: encodeURIComponent(keys.join('\n')) },
    ipconfig0: `ip=${network}.9/24,gw=${network}.1,ip6=fd00:77::9/64,gw6=fd00:77::1`,
    ...{ ipconfig1: 'ip=dhcp', nameserver: '192.0.2.53 2001:db8::53', searchdomain: 'lab.example' },
    ...{ ciupgrade: 0, boot: 'order=scsi0' },
  });
}, 1_200_000);
afterAll(() => node?.stop());

/** Starts a guest and waits until its cloud-init has done what it does. Emulated, and beside others, that takes minutes. */
async function boot(vmid: number): Promise<void> {
  await admin.run('POST', qemu(vmid, '/status/start'));
  await untilAgentAnswers(guest(vmid), 900);
  const status = await waitFor(
    async () => {
      // Emulated, a booting guest may well be too busy for its agent to answer in time.
      const text = await inGuest(vmid, 'cloud-init status --long || true').catch((error: Error) => {
        if (/it may be busy/.test(error.message)) return '';
        throw error;
      });
      return /status: (?:done|error)/.test(text) ? text : undefined;
    },
    { timeout: 600, every: 3000, what: `the end of cloud-init in VM ${vmid}` },
  );
  expect(status).toMatch(/status: done/);
}

const instanceId = (vmid: number) =>
  inGuest(vmid, 'cat /run/cloud-init/.instance-id 2>/dev/null || cat /var/lib/cloud/data/instance-id');

async function addresses(vmid: number): Promise<Record<string, string[]>> {
  interface Card {
    readonly name: string;
    readonly 'ip-addresses'?: { readonly 'ip-address': string; readonly prefix: number }[];
  }
  const { result } = await admin.get<{ result: Card[] }>(qemu(vmid, '/agent/network-get-interfaces'));
  return Object.fromEntries(
    result.map((card) => [
      card.name,
      (card['ip-addresses'] ?? []).map((one) => `${one['ip-address']}/${one.prefix}`),
    ]),
  );
}

describe('nocloud', () => {
  beforeAll(() => boot(500), 1_600_000);

  test('user, password and keys', async () => {
    const user = await admin.get<string>(qemu(500, '/cloudinit/dump'), { type: 'user' });
    const hash = /^password: (\$5\$\S+)$/m.exec(user)?.[1];
    expect(await inGuest(500, "grep '^gast:' /etc/shadow | cut -d: -f2")).toBe(`${hash}\n`);
    expect(await inGuest(500, 'grep -v "^#" /home/gast/.ssh/authorized_keys')).toBe(`${keys.join('\n')}\n`);
    expect(JSON.stringify(await admin.get(qemu(500, '/config')))).not.toContain(hash);
  });

  test('host name, addresses, routes and name service', async () => {
    expect(await inGuest(500, 'hostname; hostname -f')).toBe('web\nweb.lab.example\n');
    const found = await addresses(500);
    expect(found.eth0).toEqual(expect.arrayContaining([`${network}.9/24`, 'fd00:77::9/64']));
    expect(found.eth1?.some((one) => one.startsWith(`${network}.`))).toBe(true);
    expect(await inGuest(500, 'ip route show default dev eth0; ip -6 route show default dev eth0')).toMatch(
      new RegExp(`via ${network}.1 [\\s\\S]*via fd00:77::1 `),
    );
    const resolved = await inGuest(500, 'resolvectl dns eth0; resolvectl domain eth0');
    for (const text of ['192.0.2.53', '2001:db8::53', 'lab.example']) expect(resolved).toContain(text);
    expect(await node.namespace.pings(`${network}.9`)).toBe(true);
  });
});

describe('the guest agent of that guest', () => {
  agentTests(() => guest(500));
  agentChangeTests(() => guest(500));
  agentPowerTests(() => guest(500));
});

describe('a clone', () => {
  beforeAll(async () => {
    await admin.run('POST', qemu(500, '/clone'), { newid: 501, name: 'copy', full: 1 }, 300);
    await admin.call('PUT', qemu(501, '/config'), {
      ...{ citype: 'configdrive2', ipconfig0: `ip=${network}.10/24,gw=${network}.1`, ipconfig1: 'ip=dhcp' },
    });
    await boot(501);
  }, 1_600_000);

  test('is another machine: name, address, MAC, instance; read from a config drive', async () => {
    expect(await inGuest(501, 'cat /run/cloud-init/cloud-id')).toMatch(/configdrive|openstack|config-disk/);
    expect(await inGuest(501, 'hostname -f')).toBe('copy.lab.example\n');
    const found = await addresses(501);
    expect(found.eth0).toContain(`${network}.10/24`);
    expect(found.eth1?.some((one) => one.startsWith(`${network}.`))).toBe(true);
    const { net0 } = await admin.get<{ net0: string }>(qemu(501, '/config'));
    const mac = /virtio=([0-9A-F:]+)/.exec(net0)?.[1]?.toLowerCase();
    expect(await inGuest(501, 'cat /sys/class/net/eth0/address')).toBe(`${mac}\n`);
    expect((await inGuest(501, 'ls /var/lib/cloud/instances')).trim().split('\n')).toHaveLength(2);
    await admin.run('POST', qemu(501, '/status/shutdown'), { timeout: 120 }, 150);
  });
});

describe('values that change', () => {
  beforeAll(async () => {
    await admin.call('PUT', `${node.path}/storage/local/snippets/user.yaml`, {
      content:
        '#cloud-config\nhostname: eigen\nfqdn: eigen.lab.example\nwrite_files:\n  - path: /etc/gruss\n    content: 旅館\n',
    });
    await admin.call('PUT', qemu(500, '/config'), {
      ...{ cicustom: 'user=local:snippets/user.yaml', ipconfig0: `ip=${network}.11/24`, delete: 'ipconfig1' },
    });
    await boot(500);
  }, 1_600_000);

  test('make another instance, and own user data is taken', async () => {
    expect(await inGuest(500, 'hostname')).toBe('eigen\n');
    expect(await inGuest(500, 'cat /etc/gruss')).toBe('旅館');
    const found = await addresses(500);
    expect(found.eth0).toContain(`${network}.11/24`);
    expect(found.eth0).not.toContain(`${network}.9/24`);
    expect(await instanceId(500)).toMatch(/^[0-9a-f]{40}\n?$/);
    expect((await inGuest(500, 'ls /var/lib/cloud/instances')).trim().split('\n')).toHaveLength(2);
    await admin.run('POST', qemu(500, '/status/shutdown'), { timeout: 120 }, 150);
  });
});
