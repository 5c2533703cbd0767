/**
 * Snapshots of real guests through the API: disks are written by QEMU while they run, and read back. Once with snapshots
 * inside the images, once with snapshots as files of a chain.
 */
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';

let node: TestNode;
let admin: ApiSession;
/** Folder of the storage with chains. */
let chain: string;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  chain = await mkdtemp('/tmp/ryokan-chain-');
  await chmod(chain, 0o755);
  await admin.call('POST', '/storage', {
    ...{ storage: 'chain', type: 'dir', path: chain, content: 'images', 'snapshot-as-volume-chain': 1 },
  });
});
afterAll(async () => {
  await node?.stop();
  await rm(chain, { recursive: true, force: true });
});

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const snapshot = (vmid: number, snapname: string) => admin.run('POST', qemu(vmid, '/snapshot'), { snapname });
const remove = (vmid: number, name: string) => admin.run('DELETE', qemu(vmid, `/snapshot/${name}`));
const rollback = (vmid: number, name: string, params = {}) =>
  admin.run('POST', qemu(vmid, `/snapshot/${name}/rollback`), params);

interface Row {
  readonly name: string;
  readonly parent?: string;
  readonly running?: number;
}
const rows = async (vmid: number) =>
  Object.fromEntries((await admin.get<Row[]>(qemu(vmid, '/snapshot'))).map((row) => [row.name, row.parent]));

/** One way of keeping snapshots: where the images are, and which snapshots one has by the tools' own account. */
interface Kind {
  readonly storage: string;
  readonly vmid: number;
  readonly images: () => string;
  readonly snapshots: (image: string) => Promise<string[]>;
}

const kinds: Kind[] = [
  {
    ...{ storage: 'local', vmid: 300 },
    images: () => join(node.dataDir, 'storage/images/300'),
    async snapshots(image) {
      const { stdout } = await run('qemu-img', ['snapshot', '-U', '-l', image]);
      return [...stdout.matchAll(/^\d+\s+(\S+)/gm)].map((match) => match[1] as string);
    },
  },
  {
    ...{ storage: 'chain', vmid: 310 },
    images: () => join(chain, 'images/310'),
    async snapshots(image) {
      const { dir, base } = parse(image);
      const pattern = new RegExp(`^snap-(.+)-${base}$`);
      return (await readdir(dir)).map((file) => pattern.exec(file)?.[1]).filter((name) => name !== undefined);
    },
  },
];

describe.each(kinds)('disks on $storage', ({ storage, vmid, images, snapshots }) => {
  const image = (disk: number) => join(images(), `vm-${vmid}-disk-${disk}.qcow2`);
  const all = [0, 1, 2];
  const disk = `${storage}:1,format=qcow2`;

  /** Writes a byte into each disk, by QEMU itself where the guest runs. */
  async function write(byte: number, running: boolean, offset = 0): Promise<void> {
    for (const number of all) {
      const command = `write -q -P ${byte + number} ${offset} 4k`;
      if (!running) await run('qemu-io', ['-f', 'qcow2', '-c', command, image(number)]);
      else {
        const answer = await admin.call('POST', qemu(vmid, '/monitor'), {
          command: `qemu-io -d scsi${number} "${command}"`,
        });
        expect(answer).toBe('');
      }
    }
  }

  async function firstBytes(offset = 0): Promise<number[]> {
    const found: number[] = [];
    for (const number of all) {
      const args = ['-r', '-U', '-f', 'qcow2', '-c', `read -v ${offset} 512`, image(number)];
      const { stdout } = await run('qemu-io', args);
      found.push(Number.parseInt(/^[0-9a-f]+:\s+([0-9a-f]{2})/m.exec(stdout)?.[1] ?? '', 16));
    }
    return found;
  }

  const sound = async () => {
    for (const number of all) await run('qemu-img', ['check', '-q', image(number)]);
  };

  test('a tree over three disks, taken while the guest runs and while it does not', async () => {
    const params = { vmid, memory: 64, scsi0: disk, scsi1: disk, scsi2: disk };
    await admin.run('POST', `${node.path}/qemu`, { ...params, scsihw: 'virtio-scsi-single' });
    await write(10, false);
    await snapshot(vmid, 'root');
    await admin.run('POST', qemu(vmid, '/status/start'));
    await write(20, true);
    await snapshot(vmid, 'left');
    await write(30, true);
    await rollback(vmid, 'root', { start: 1 });
    await write(40, true);
    await snapshot(vmid, 'right');
    expect(await rows(vmid)).toEqual({ root: undefined, left: 'root', right: 'root', current: 'right' });
    await rollback(vmid, 'left');
    expect(await firstBytes()).toEqual([20, 21, 22]);
    await rollback(vmid, 'right');
    expect(await firstBytes()).toEqual([40, 41, 42]);
    await rollback(vmid, 'root');
    expect(await firstBytes()).toEqual([10, 11, 12]);
    await sound();
  });

  test('any one can be removed, also while the guest runs; the others stay', async () => {
    await rollback(vmid, 'left', { start: 1 });
    await write(50, true);
    await remove(vmid, 'root');
    expect(await rows(vmid)).toEqual({ left: undefined, right: undefined, current: 'left' });
    await admin.run('POST', qemu(vmid, '/status/stop'));
    expect(await firstBytes()).toEqual([50, 51, 52]);
    await rollback(vmid, 'right');
    expect(await firstBytes()).toEqual([40, 41, 42]);
    await remove(vmid, 'left');
    expect(await snapshots(image(1))).toEqual(['right']);
    await sound();
  });

  test('taken and removed in every order while it runs, none of what was written is lost', async () => {
    await admin.run('POST', qemu(vmid, '/status/start'));
    for (const [number, name] of ['aa', 'bb', 'cc', 'dd'].entries()) {
      await write(100 + number, true, (number + 1) * 65536);
      await snapshot(vmid, name);
    }
    await write(90, true);
    // The middle, the topmost, the middle of what is left, the lowest.
    for (const name of ['bb', 'dd', 'aa', 'right']) {
      await remove(vmid, name);
      await write(91, true, 8 * 65536);
    }
    expect(await rows(vmid)).toEqual({ cc: undefined, current: 'cc' });
    const offsets = [0, 1, 2, 3, 4, 8].map((one) => one * 65536);
    const expected = [90, 100, 101, 102, 103, 91];
    const content = async () => Promise.all(offsets.map(async (at) => (await firstBytes(at))[0]));
    await admin.run('POST', qemu(vmid, '/status/stop'));
    expect(await content()).toEqual(expected);
    for (const number of all) expect(await snapshots(image(number))).toEqual(['cc']);
    await sound();
    await rollback(vmid, 'cc');
    expect(await content()).toEqual([40, 100, 101, 102, 0, 0]);
    await remove(vmid, 'cc');
    await snapshot(vmid, 'right');
  });

  test('going back brings the configuration back, and keeps disks that came later', async () => {
    await admin.call('PUT', qemu(vmid, '/config'), { cores: 2, scsi3: disk });
    await rollback(vmid, 'right');
    const config = await admin.get<Record<string, string>>(qemu(vmid, '/config'));
    expect(config.cores).toBeUndefined();
    expect([config.scsi3, config.unused0]).toEqual([undefined, `${storage}:${vmid}/vm-${vmid}-disk-3.qcow2`]);
    expect(config.parent).toBe('right');
  });

  test('a worker killed at any moment: the guest runs, nothing is locked, configuration and disks agree', async () => {
    await admin.run('POST', qemu(vmid, '/status/start'));
    for (let round = 0; round < 12; round++) {
      const name = `kill-${round}`;
      const upid = await admin.call<string>('POST', qemu(vmid, '/snapshot'), { snapname: name });
      await new Promise((done) => setTimeout(done, round * 8));
      try {
        process.kill(Number.parseInt(upid.split(':')[2] ?? '', 16), 'SIGKILL');
      } catch {
        // It was through already.
      }
      await admin.taskEnd(upid, 30);
      const there = name in (await rows(vmid));
      for (const number of all) {
        expect([name, number, (await snapshots(image(number))).includes(name)]).toEqual([
          name,
          number,
          there,
        ]);
      }
      expect([name, (await readdir(images())).filter((file) => file.startsWith('.'))]).toEqual([name, []]);
      const config = await admin.get<Record<string, string>>(qemu(vmid, '/config'));
      expect([name, config.lock]).toEqual([name, undefined]);
      expect(await admin.get(qemu(vmid, '/status/current'))).toMatchObject({ qmpstatus: 'running' });
      await write(round, true);
      if (there) await remove(vmid, name);
    }
    await admin.run('POST', qemu(vmid, '/status/stop'));
    expect(await firstBytes()).toEqual([11, 12, 13]);
    await sound();
  }, 120_000);

  test('removing the guest removes all', async () => {
    await admin.run('DELETE', qemu(vmid));
    expect((await admin.answer('GET', qemu(vmid, '/snapshot'))).status).toBe(500);
    expect(await readdir(images()).catch(() => [])).toEqual([]);
  });
});

test('what cannot be is said: taken and reserved names, raw disks, unknown snapshots', async () => {
  const refused = async (vmid: number, snapname: string) =>
    (await admin.answer('POST', qemu(vmid, '/snapshot'), { snapname })).reason;
  await admin.run('POST', `${node.path}/qemu`, { vmid: 301, memory: 32 });
  await snapshot(301, 'right');
  expect(await refused(301, 'right')).toMatch(/already used/);
  expect(await refused(301, 'current')).toMatch(/reserved/);
  expect((await admin.answer('DELETE', qemu(301, '/snapshot/none'))).reason).toBe(
    "snapshot 'none' does not exist",
  );
});

test('the disk that prevents snapshots is named, by the question for the feature too', async () => {
  const disks: Record<string, string> = { scsi0: 'local:1,format=raw', tpmstate0: 'chain:4,version=v2.0' };
  for (const [number, key] of Object.keys(disks).entries()) {
    const vmid = 302 + number;
    await admin.run('POST', `${node.path}/qemu`, { vmid, memory: 32, [key]: disks[key] });
    const { reason } = await admin.answer('POST', qemu(vmid, '/snapshot'), { snapname: 'one' });
    expect(reason).toMatch(new RegExp(`snapshot feature is not available: '${key}' .*raw`));
    expect(await admin.get(qemu(vmid, '/feature'), { feature: 'snapshot' })).toMatchObject({ hasFeature: 0 });
  }
});

test('layers of a disk with a thread of its own: by a QEMU that can, else the disk is named', async () => {
  const disk = 'chain:1,format=qcow2,iothread=1';
  await admin.run('POST', `${node.path}/qemu`, { vmid: 304, memory: 32, virtio0: disk, start: 1 });
  const major = Number.parseInt(
    (await run('qemu-system-x86_64', ['--version'])).stdout.split(' ')[3] ?? '',
    10,
  );
  if (major >= 9) await snapshot(304, 'one');
  else {
    const { reason } = await admin.answer('POST', qemu(304, '/snapshot'), { snapname: 'one' });
    expect(reason).toMatch(/not available: 'virtio0' .* iothread=1/);
  }
  await admin.run('POST', qemu(304, '/status/stop'));
  await snapshot(304, 'two');
});
