/**
 * A running guest with memory and two disks, one with snapshots inside its image and one with snapshots as layers, and
 * all that must be true of it whatever went wrong before: configuration, images and QEMU agree, nothing is left over.
 */
import { chmod, copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import { isAlive } from '../../packages/server/src/host/procfs.ts';
import { openSqlite } from '../../packages/server/src/host/sqlite.ts';
import type { ApiSession, TaskEnd, Verb } from './api-session.ts';
import { testCacheDir } from './asset-cache.ts';
import type { Parameters } from './http-client.ts';
import { startNode, type TestNode } from './node.ts';
import { QmpConnection } from './qmp.ts';
import { booted, inGuest } from './serial-shell.ts';
import { buildTinyGuest } from './tiny-guest.ts';
import { waitFor } from './wait.ts';

const vmid = 700;
/** The layered disk is no disk of an I/O thread: QEMU 7.2 cannot change its layers then. */
const disks = { sda: 'scsi0', vda: 'virtio0' } as const;

/** Short to call: the echo of a long line is broken. */
const shellFunctions = [
  'put() { echo $W | dd of=/dev/$1 conv=fsync 2>/dev/null; }',
  'get() { dd if=/dev/$1 count=1 iflag=direct 2>/dev/null | head -n 1; }',
  `remember() { W=$1; ${Object.keys(disks)
    .map((disk) => `put ${disk}`)
    .join('; ')}; }`,
  `recall() { echo $W; ${Object.keys(disks)
    .map((disk) => `get ${disk}`)
    .join('; ')}; }`,
];

interface SnapshotRow {
  readonly name: string;
  readonly snapstate?: string;
}

export class SnapshotGuest {
  #word = '';

  private constructor(
    readonly node: TestNode,
    readonly admin: ApiSession,
    /** Folder of the storage with layers. */
    private readonly chain: string,
  ) {}

  static async start(env: Readonly<Record<string, string>>): Promise<SnapshotGuest> {
    const tiny = await buildTinyGuest(testCacheDir());
    const node = await startNode({ env });
    const admin = await node.admin();
    const chain = await mkdtemp('/tmp/ryokan-chain-');
    await chmod(chain, 0o755);
    await admin.call('POST', '/storage', {
      ...{ storage: 'chain', type: 'dir', path: chain, content: 'images', 'snapshot-as-volume-chain': 1 },
    });
    const folder = join(node.dataDir, 'storage/template/iso');
    await mkdir(folder, { recursive: true });
    await copyFile(tiny.iso, join(folder, 'tiny.iso'));
    const guest = new SnapshotGuest(node, admin, chain);
    await guest.#boot().catch(async (error: unknown) => {
      await guest.stop();
      throw error;
    });
    return guest;
  }

  async #boot(): Promise<void> {
    await this.admin.run('POST', `${this.node.path}/qemu`, {
      ...{ vmid, memory: 128, serial0: 'socket', boot: 'order=ide2', vmstatestorage: 'local' },
      ...{ ide2: 'local:iso/tiny.iso,media=cdrom', scsihw: 'virtio-scsi-single' },
      ...{ scsi0: 'local:1,format=qcow2,iothread=1', virtio0: 'chain:1,format=qcow2' },
    });
    await this.run('POST', '/status/start');
    await booted(this.port);
    for (const line of shellFunctions) await inGuest(this.port, line);
  }

  async stop(): Promise<void> {
    await this.node.stop();
    await rm(this.chain, { recursive: true, force: true });
  }

  get port(): string {
    return this.node.guestSocket(vmid, 'serial0');
  }

  path(rest: string): string {
    return `${this.node.path}/qemu/${vmid}${rest}`;
  }

  run(verb: Verb, rest: string, parameters?: Parameters): Promise<TaskEnd> {
    return this.admin.run(verb, this.path(rest), parameters);
  }

  /** The same for a task that may end in any way. */
  async attempt(verb: Verb, rest: string, parameters?: Parameters): Promise<TaskEnd> {
    return this.admin.taskEnd(await this.admin.call<string>(verb, this.path(rest), parameters), 120);
  }

  /** As the storage's page does. */
  async removeVolume(volid: string): Promise<void> {
    const [storage = ''] = volid.split(':');
    await this.admin.run(
      'DELETE',
      `${this.node.path}/storage/${storage}/content/${encodeURIComponent(volid)}`,
    );
  }

  config(): Promise<Record<string, string>> {
    return this.admin.get(this.path('/config'));
  }

  async status(): Promise<string> {
    return (await this.admin.get<{ qmpstatus: string }>(this.path('/status/current'))).qmpstatus;
  }

  async snapshots(): Promise<SnapshotRow[]> {
    const rows = await this.admin.get<SnapshotRow[]>(this.path('/snapshot'));
    return rows.filter((row) => row.name !== 'current');
  }

  /** What the guest was told last. */
  get word(): string {
    return this.#word;
  }

  /** The guest's memory and both disks hold this word from now on. */
  async remember(word: string): Promise<void> {
    this.#word = word;
    await inGuest(this.port, `remember ${word}`);
  }

  /** The words in memory and on the disks; the guest has to answer for that. */
  async recall(): Promise<string> {
    return (await inGuest(this.port, 'recall')).replaceAll('\n', ' ');
  }

  /** Everything that has to be true between two tasks. `after`: what was done, for the message. */
  async demandSound(after: string): Promise<void> {
    // The daemon looks after a QEMU that has ended with its task.
    await waitFor(() => this.#records().length === 0, {
      timeout: 30,
      what: () => `the end of ${JSON.stringify(this.#records())} ${after}`,
    });
    const config = await this.config();
    const running = (await this.status()) !== 'stopped';
    expect(config.lock, after).toBe(config.vmstate === undefined ? undefined : 'suspended');
    await this.#demandImages(after, config);
    const sockets = (await readdir(join(this.node.dataDir, 'run/qemu'))).filter((name) =>
      name.startsWith(`${vmid}.`),
    );
    const all = ['event', 'pid', 'qmp', 'serial0', 'vnc'].map((name) => `${vmid}.${name}`);
    expect(sockets.sort(), `sockets ${after}`).toEqual(running ? all : []);
    if (running) await this.#demandQemu(after);
  }

  /** Undo records in node.db, and locks that somebody holds who is alive. */
  #records(): unknown[] {
    const db = openSqlite(join(this.node.dataDir, 'node.db'));
    try {
      const undos = db.prepare('SELECT name, args FROM undos').all();
      const locks = db.prepare<[], [string, string, number, number]>(
        'SELECT name, owner, pid, pstart FROM locks',
      );
      return [...undos, ...locks.all().filter(([, , pid, start]) => isAlive(pid, start))];
    } finally {
      db.close();
    }
  }

  /** Each image has the snapshots that the configuration says, each volume of memory belongs to something. */
  async #demandImages(after: string, config: Record<string, string>): Promise<void> {
    const states = config.vmstate === undefined ? [] : [config.vmstate];
    const kept: Record<keyof typeof disks, string[]> = { sda: [], vda: [] };
    for (const { name, snapstate } of await this.snapshots()) {
      expect([undefined, 'delete'], `state of ${name} ${after}`).toContain(snapstate);
      const section = await this.admin.get<Record<string, string>>(this.path(`/snapshot/${name}/config`));
      if (section.vmstate !== undefined) states.push(section.vmstate);
      for (const [disk, key] of Object.entries(disks)) {
        if (section[key] !== undefined) kept[disk as keyof typeof disks].push(name);
      }
    }
    const inImage = await run('qemu-img', [
      'snapshot',
      '-U',
      '-l',
      join(this.#images, `vm-${vmid}-disk-0.qcow2`),
    ]);
    const names = [...inImage.stdout.matchAll(/^\d+\s+(\S+)/gm)].map((match) => match[1]);
    expect(names, `snapshots in the image ${after}`).toEqual(kept.sda);
    const layer = `vm-${vmid}-disk-0.qcow2`;
    const layers = (await readdir(join(this.chain, `images/${vmid}`))).sort();
    expect(layers, `layers ${after}`).toEqual([...kept.vda.map((name) => `snap-${name}-${layer}`), layer]);
    const volumes = [...states.map((volid) => volid.replace(/^.*\//, '')), layer];
    expect((await readdir(this.#images)).sort(), `volumes ${after}`).toEqual(volumes.sort());
  }

  get #images(): string {
    return join(this.node.dataDir, `storage/images/${vmid}`);
  }

  /** QEMU runs the guest, does nothing else, and has just the images open that the disk rests on. */
  async #demandQemu(after: string): Promise<void> {
    const qmp = await QmpConnection.open(this.node.guestSocket(vmid, 'qmp'));
    try {
      expect(await qmp.execute('query-status'), after).toMatchObject({ status: 'running' });
      const jobs = (await qmp.execute('query-jobs')) as { status: string }[];
      // One that is over and was not taken from the list harms nobody.
      expect(
        jobs.filter(({ status }) => status !== 'concluded'),
        after,
      ).toEqual([]);
      expect([undefined, 'cancelled', 'completed', 'failed'], after).toContain(
        ((await qmp.execute('query-migrate')) as { status?: string }).status,
      );
      const nodes = (await qmp.execute('query-named-block-nodes', { flat: true })) as { file: string }[];
      const open = new Set(nodes.map((node) => node.file).filter((file) => file.startsWith(this.chain)));
      const top = join(this.chain, `images/${vmid}/vm-${vmid}-disk-0.qcow2`);
      const { stdout } = await run('qemu-img', ['info', '-U', '--backing-chain', '--output=json', top]);
      const files = (JSON.parse(stdout) as { filename: string }[]).map(({ filename }) => filename);
      expect([...open].sort(), `open files ${after}`).toEqual(files.sort());
      // Filter, image and file of the internal one; filter and two for each layer of the other.
      const own = nodes.filter((node) => /disk-0/.test(node.file)).length;
      expect(own, `block nodes ${after}`).toBe(3 + 1 + 2 * files.length);
    } finally {
      qmp.close();
    }
  }
}
