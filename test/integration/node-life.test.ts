/** A node with a running guest through what happens to nodes: a restart, a kill -9 of everything that is Ryokan's own. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logIn } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { openTerminal } from '../lib/console-client.ts';
import { jsonOf } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { signal } from '../lib/signal.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let guestPid: number | undefined;

beforeAll(async () => {
  node = await startNode({ name: 'life1' });
});

afterAll(async () => {
  await node?.stop();
});

interface Status {
  readonly status: string;
  readonly pid?: number;
}

/** Does `act` with a session of its own: those from before a restart have lost their connections. */
async function asAdmin<T>(act: (session: Awaited<ReturnType<typeof logIn>>) => Promise<T>): Promise<T> {
  const session = await logIn(node.url, 'admin@pve', await node.adminPassword());
  try {
    return await act(session);
  } finally {
    session.close();
  }
}

const statusNow = (): Promise<Status> =>
  asAdmin((session) => session.get<Status>(`${node.path}/qemu/100/status/current`));

/** The guest's own word that it is the same boot: the kernel's boot id, read on its serial console. */
async function bootId(): Promise<string> {
  return asAdmin(async (session) => {
    const terminal = await openTerminal(session, `${node.path}/qemu/100`);
    try {
      // An empty line brings the prompt, also when the guest had written it before this console was open.
      await waitFor(
        () => {
          terminal.type('\r');
          return /# /.test(terminal.output);
        },
        { timeout: 60, every: 500, what: 'the prompt of the guest' },
      );
      const line = 'echo id=$(cat /proc/sys/kernel/random/boot_id)';
      return /id=([0-9a-f-]{36})/.exec(await terminal.answers(line, /id=[0-9a-f-]{36}/, 60))?.[1] ?? '';
    } finally {
      terminal.close();
    }
  });
}

describe('a first start', () => {
  test('leaves the password of admin@pve in a file that only root reads', async () => {
    const file = await stat(join(node.dataDir, 'initial-admin-password'));
    expect(file.mode & 0o777).toBe(0o600);
    expect(file.uid).toBe(0);
    await asAdmin(async (session) => {
      expect(await session.get('/nodes')).toMatchObject([{ node: 'life1', status: 'online' }]);
    });
  });
});

describe('a running guest', () => {
  let firstBoot: string;

  beforeAll(async () => {
    const tiny = await buildTinyGuest(testCacheDir());
    await asAdmin(async (session) => {
      const upload = `${node.path}/storage/local/upload`;
      const answer = await session.uploadFile(upload, tiny.iso, { content: 'iso' });
      expect((await session.taskEnd(jsonOf<string>(answer).data)).exitstatus).toBe('OK');
      await session.run('POST', `${node.path}/qemu`, {
        ...{ vmid: 100, name: 'survivor', memory: 256, serial0: 'socket' },
        ...{ ide2: 'local:iso/tiny-guest.iso,media=cdrom', boot: 'order=ide2' },
      });
      await session.run('POST', `${node.path}/qemu/100/status/start`);
    });
    guestPid = await node.guestPid(100);
    firstBoot = await bootId();
  });

  test('goes on over down and up, and is found again', async () => {
    await node.down();
    expect(await readFile(`/proc/${guestPid}/stat`, 'utf8')).not.toMatch(/\) Z /);
    await node.up();
    expect(await statusNow()).toMatchObject({ status: 'running', pid: guestPid });
    expect(await bootId()).toBe(firstBoot);
  });

  test('goes on when daemon, gateway and workers are killed, and is found again', async () => {
    const daemon = await node.daemonPid();
    const children = await readFile(`/proc/${daemon}/task/${daemon}/children`, 'utf8');
    for (const pid of [daemon, ...children.trim().split(' ').filter(Boolean).map(Number)]) {
      if (pid !== guestPid) process.kill(pid, 'SIGKILL');
    }
    expect(await readFile(`/proc/${guestPid}/stat`, 'utf8')).not.toMatch(/\) Z /);
    await node.up();
    expect(await statusNow()).toMatchObject({ status: 'running', pid: guestPid });
    expect(await bootId()).toBe(firstBoot);
  });

  test('that ends while no daemon runs is found stopped', async () => {
    await node.down();
    signal(guestPid, 'SIGKILL');
    await node.up();
    expect(await statusNow()).toMatchObject({ status: 'stopped' });
    await asAdmin(async (session) => {
      await session.run('POST', `${node.path}/qemu/100/status/start`);
    });
    expect(await statusNow()).toMatchObject({ status: 'running' });
    expect(await bootId()).not.toBe(firstBoot);
  });

  test('shuts down by the power button when it is asked to, within seconds', async () => {
    await asAdmin(async (session) => {
      await session.run('POST', `${node.path}/qemu/100/status/shutdown`, { timeout: 30 });
      await waitFor(async () => (await node.guestPid(100)) === undefined, {
        timeout: 10,
        what: 'the pid file of the guest to go',
      });
      await session.run('DELETE', `${node.path}/qemu/100`);
    });
  });
});
