/** The tiny guest with a real agent and a file system that it freezes. See agent-disk.ts. */
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';
import { writeAgentDisk } from './agent-disk.ts';
import type { ApiSession, TaskEnd } from './api-session.ts';
import { testCacheDir } from './asset-cache.ts';
import { startNode, type TestNode } from './node.ts';
import { booted, inGuest } from './serial-shell.ts';
import { buildTinyGuest } from './tiny-guest.ts';
import { waitFor } from './wait.ts';

const vmid = 710;

export class FreezeGuest {
  private constructor(
    readonly node: TestNode,
    readonly admin: ApiSession,
  ) {}

  static async start(env: Readonly<Record<string, string>> = {}): Promise<FreezeGuest> {
    const tiny = await buildTinyGuest(testCacheDir());
    const node = await startNode({ env });
    const guest = new FreezeGuest(node, await node.admin());
    await guest.#boot(tiny.iso).catch(async (error: unknown) => {
      await guest.stop();
      throw error;
    });
    return guest;
  }

  async #boot(iso: string): Promise<void> {
    const { node } = this;
    const folder = join(node.dataDir, 'storage/template/iso');
    await mkdir(folder, { recursive: true });
    await copyFile(iso, join(folder, 'tiny.iso'));
    await this.admin.run('POST', `${node.path}/qemu`, {
      ...{ vmid, memory: 192, serial0: 'socket', boot: 'order=ide2', agent: 'enabled=1,type=isa' },
      ...{ ide2: 'local:iso/tiny.iso,media=cdrom', scsihw: 'virtio-scsi-single', scsi0: 'local:0.0625' },
    });
    const raw = join(node.dataDir, 'agent.raw');
    await writeAgentDisk(raw);
    await run('qemu-img', ['convert', '-n', '-f', 'raw', '-O', 'qcow2', raw, this.image]);
    await rm(raw);
    await this.admin.run('POST', this.path('/status/start'));
    await booted(this.#port);
    await this.shell('mkdir /disk; mount -t ext4 /dev/sda /disk; sh /disk/start');
    await this.#answering();
  }

  stop(): Promise<void> {
    return this.node.stop();
  }

  get image(): string {
    return join(this.node.dataDir, `storage/images/${vmid}/vm-${vmid}-disk-0.qcow2`);
  }

  get #port(): string {
    return this.node.guestSocket(vmid, 'serial0');
  }

  path(rest: string): string {
    return `${this.node.path}/qemu/${vmid}${rest}`;
  }

  shell(command: string): Promise<string> {
    return inGuest(this.#port, command);
  }

  begin(snapname: string): Promise<string> {
    return this.admin.call('POST', this.path('/snapshot'), { snapname });
  }

  async snapshot(name: string, timeout = 60): Promise<TaskEnd> {
    return this.admin.taskEnd(await this.begin(name), timeout);
  }

  async snapshots(): Promise<string[]> {
    const rows = await this.admin.get<{ name: string }[]>(this.path('/snapshot'));
    return rows.map(({ name }) => name).filter((name) => name !== 'current');
  }

  async end(upid: string, how: 'stop' | 'kill'): Promise<void> {
    if (how === 'kill') process.kill(Number.parseInt(upid.split(':')[2] ?? '', 16), 'SIGKILL');
    else await this.admin.call('DELETE', `${this.node.path}/tasks/${encodeURIComponent(upid)}`);
  }

  /** From now on the agent does not come back from freezing, until wakeAgent. */
  async hang(): Promise<void> {
    await this.shell('touch /tmp/hang');
  }

  /** The agent is at it. */
  async freezing(): Promise<void> {
    await waitFor(async () => /agent\/hook freeze/.test(await this.shell('ps')), {
      timeout: 60,
      what: 'the agent to freeze',
    });
  }

  async wakeAgent(): Promise<void> {
    await this.shell('rm /tmp/hang');
    await this.#answering();
  }

  /** By the agent's word, and by a write that ends. */
  async demandThawed(): Promise<void> {
    await waitFor(async () => (await this.#agent('fsfreeze-status')) === 'thawed', {
      timeout: 30,
      what: 'thawed file systems',
    });
    const word = String(Date.now());
    const text = await this.shell(`echo ${word} > /disk/alive; sync; cat /disk/alive`);
    if (text !== word) throw new Error(`the guest cannot write: ${text}`);
  }

  async #agent(command: string): Promise<unknown> {
    const { result } = await this.admin.call<{ result: unknown }>('POST', this.path(`/agent/${command}`));
    return result;
  }

  async #answering(): Promise<void> {
    await waitFor(async () => (await this.admin.answer('POST', this.path('/agent/ping'))).status === 200, {
      timeout: 60,
      what: 'the guest agent',
    });
  }
}
