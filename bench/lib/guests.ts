/** Many defined guests at once: their documents go straight into the config store of a node that does not run. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { openSqliteStore } from '@ryokan/server/cluster/sqlite-store.ts';
import { startNode, type TestNode } from '../../test/lib/node.ts';

export const firstVmid = 1000;

const roles = ['web', 'db', 'mail', 'build', 'cache', 'desk'];

/** What the wizard of the Web UI writes for an ordinary Linux server, about 450 bytes. */
function configOf(vmid: number): string {
  const role = roles[vmid % roles.length];
  const mac = `BC:24:11:${[16, 8, 0].map((shift) => ((vmid >> shift) & 255).toString(16).padStart(2, '0').toUpperCase()).join(':')}`;
  const lines: Record<string, string | number> = {
    agent: 1,
    boot: 'order=scsi0;ide2;net0',
    cores: 1 + (vmid % 4),
    cpu: 'x86-64-v2-AES',
    ide2: 'none,media=cdrom',
    memory: 1024 * (1 + (vmid % 8)),
    meta: 'creation-qemu=9.2.0,ctime=1763712000',
    name: `${role}-${vmid}`,
    net0: `virtio=${mac},bridge=vmbr0`,
    numa: 0,
    ostype: 'l26',
    scsi0: `local:${vmid}/vm-${vmid}-disk-0.qcow2,discard=on,iothread=1,size=${8 * (1 + (vmid % 4))}G`,
    scsihw: 'virtio-scsi-single',
    serial0: 'socket',
    smbios1: `uuid=${randomUUID()}`,
    sockets: 1,
    tags: `${role};prod`,
    vmgenid: randomUUID(),
  };
  return Object.entries(lines)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}

/** Defines guests with VMIDs from `firstVmid` on. The node must be down. */
export async function defineGuests(
  dataDir: string,
  node: string,
  count: number,
  text: (vmid: number) => string = configOf,
): Promise<void> {
  const store = openSqliteStore(join(dataDir, 'config.db'));
  try {
    const vmids = Array.from({ length: count }, (_, i) => firstVmid + i);
    const writes = vmids.flatMap((vmid) => [
      { path: `nodes/${node}/qemu-server/${vmid}.conf`, text: text(vmid) },
      { path: `vmlist/${vmid}`, text: `qemu ${node}\n` },
    ]);
    await store.commit([], writes, { author: 'bench' });
  } finally {
    await store.close();
  }
}

/** A running node with defined guests. The caller stops it. */
export async function nodeWithGuests(count: number, text?: (vmid: number) => string): Promise<TestNode> {
  const node = await startNode({ name: 'bench' });
  if (count === 0) return node;
  try {
    await node.down();
    await defineGuests(node.dataDir, node.name, count, text);
    await node.up();
    return node;
  } catch (error) {
    await node.stop();
    throw error;
  }
}
