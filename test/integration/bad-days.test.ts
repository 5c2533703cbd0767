/** What goes wrong under running guests: killed and hanging QEMUs, configurations edited into nonsense. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiSession } from '../lib/api-session.ts';
import { editStored } from '../lib/edit-stored.ts';
import { startMany } from '../lib/many-starts.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { signal } from '../lib/signal.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
});
afterAll(() => node?.stop());

interface Status {
  readonly status: string;
  readonly qmpstatus: string;
  readonly pid?: number;
  readonly warning?: string;
  readonly error?: string;
}

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const status = (vmid: number) => admin.get<Status>(qemu(vmid, '/status/current'));
const act = (vmid: number, action: string, params = {}) =>
  admin.run('POST', qemu(vmid, `/status/${action}`), params);
const create = (vmid: number, params = {}) =>
  admin.run('POST', `${node.path}/qemu`, { vmid, memory: 32, ...params });

/** Waits until the guest's status fits. */
async function shows(vmid: number, what: string, fits: (now: Status) => boolean): Promise<Status> {
  let now: Status | undefined;
  return waitFor(
    async () => {
      now = await status(vmid);
      return fits(now) ? now : undefined;
    },
    { timeout: 20, what: () => `VM ${vmid} to show ${what}: ${JSON.stringify(now)}` },
  );
}

const editDocument = (vmid: number, edit: (text: string) => string) =>
  editStored(node, `nodes/${node.name}/qemu-server/${vmid}.conf`, edit);

describe('QEMU ends by itself', () => {
  test.each(['SIGKILL', 'SIGSEGV'] as const)(
    'by %s: shown, cleaned up, can be started again',
    async (signal) => {
      await create(100, { scsi0: 'local:1' });
      await act(100, 'start');
      const { pid = 0 } = await shows(100, 'its pid', ({ pid }) => pid !== undefined);
      process.kill(pid, signal);
      const crashed = await shows(100, 'the crash', ({ warning }) => warning !== undefined);
      expect(crashed).toMatchObject({
        status: 'stopped',
        warning: expect.stringMatching(/^QEMU ended unexpectedly at 2.*can be started again\./),
      });
      await waitFor(() => !existsSync(node.guestSocket(100, 'pid')), { timeout: 10, what: 'the clean-up' });
      const rows = await admin.get<{ vmid: number; warning?: string }[]>('/cluster/resources', {
        type: 'vm',
      });
      expect(rows.find((row) => row.vmid === 100)?.warning).toBe(crashed.warning);
      await act(100, 'start');
      await shows(100, 'that all is well', (now) => now.status === 'running' && now.warning === undefined);
      await act(100, 'stop');
      expect((await status(100)).warning).toBeUndefined();
      await admin.run('DELETE', qemu(100));
    },
  );
});

describe('QEMU hangs', () => {
  test('it is shown as not answering, questions stay quick, stop ends it, other guests go on', async () => {
    await create(110);
    await create(111);
    await act(110, 'start');
    await act(111, 'start');
    const { pid = 0 } = await shows(110, 'its pid', ({ pid }) => pid !== undefined);
    signal(pid, 'SIGSTOP');
    const hung = await shows(110, 'that it hangs', ({ warning }) => warning !== undefined);
    expect(hung).toMatchObject({ status: 'running', warning: expect.stringMatching(/kill -CONT \d+/) });
    const begun = performance.now();
    await Promise.all([
      status(110),
      status(111),
      admin.get('/cluster/resources'),
      admin.get(`${node.path}/qemu`),
    ]);
    const refused = await admin.answer('POST', qemu(110, '/monitor'), { command: 'info status' });
    expect(refused.reason).toMatch(/VM 110 runs, but QEMU does not answer: its process/);
    expect(performance.now() - begun).toBeLessThan(2_000);
    await act(111, 'suspend');
    // It comes back as if nothing had been.
    signal(pid, 'SIGCONT');
    await shows(110, 'that it answers', ({ warning }) => warning === undefined);
    signal(pid, 'SIGSTOP');
    // Also for a daemon that has never heard of it.
    process.kill(await node.daemonPid(), 'SIGKILL');
    await node.up();
    expect(await shows(110, 'that it hangs', ({ warning }) => warning !== undefined)).toMatchObject({
      ...{ status: 'running', qmpstatus: 'running', pid },
    });
    expect(await status(111)).toMatchObject({ qmpstatus: 'paused' });
    const shutdown = await admin.taskEnd(
      await admin.call('POST', qemu(110, '/status/shutdown'), { timeout: 1 }),
    );
    expect(shutdown.exitstatus).toMatch(/VM quit\/powerdown failed - VM 110 runs, but QEMU does not answer/);
    const stopping = performance.now();
    const end = await admin.taskEnd(await admin.call('POST', qemu(110, '/status/stop')));
    expect([end.exitstatus, end.log.join('\n')]).toEqual([
      'WARNINGS: 1',
      expect.stringMatching(/WARN: QEMU did not end when told to; killing it/),
    ]);
    expect(performance.now() - stopping).toBeLessThan(15_000);
    await shows(110, 'that it is down', (now) => now.status === 'stopped' && now.warning === undefined);
    await act(111, 'stop');
  });
});

describe('a configuration edited into nonsense', () => {
  test('a line that is none: it is shown, the guest can be stopped, the document repaired', async () => {
    await create(120, { scsi0: 'local:1' });
    await act(120, 'start');
    await editDocument(120, (text) => `what is this\n${text}`);
    const shown = await shows(120, 'the damage', ({ error }) => error !== undefined);
    expect(shown).toMatchObject({ status: 'running', error: expect.stringMatching(/is damaged: line 1:/) });
    expect((await admin.answer('GET', qemu(120, '/config'))).reason).toMatch(/line 1: 'what is this'/);
    await act(120, 'suspend');
    await act(120, 'resume');
    const upid = await admin.call<string>('POST', qemu(120, '/status/shutdown'), {
      timeout: 1,
      forceStop: 1,
    });
    expect((await admin.taskEnd(upid)).exitstatus).toBe('OK');
    expect((await admin.answer('POST', qemu(120, '/status/start'))).reason).toMatch(/is damaged: line 1/);
    const document = await admin.get<{ text: string; digest: string; problems: unknown }>(
      qemu(120, '/document'),
    );
    expect(document.problems).toEqual([{ line: 1, problem: "'what is this' is not 'key: value'" }]);
    const repair = (text: string) =>
      admin.answer('PUT', qemu(120, '/document'), { text, digest: document.digest });
    expect((await repair('still: not\nright')).reason).toMatch(/line 2/);
    const good = document.text.replace('what is this\n', '');
    expect((await repair(`${good}args: -S\n`)).reason).toMatch(/only root can set 'args'/);
    expect((await repair(good)).status).toBe(200);
    expect((await repair(good)).status).toBe(500);
    await act(120, 'start');
    await editDocument(120, (text) => `what is this\n${text}`);
    await act(120, 'stop');
    const end = await admin.taskEnd(await admin.call('DELETE', qemu(120)));
    expect(end.exitstatus).toBe('WARNINGS: 1');
    expect(await readdir(join(node.dataDir, 'storage/images'))).not.toContain('120');
  });

  test('values that are nonsense: the start names them all, each can be set right or removed', async () => {
    await create(121, { scsi0: 'local:1', scsi1: 'local:1', cores: 1 });
    const wrong = (text: string) =>
      text
        .replace(/^cores: .*$/m, 'cores: many')
        .replace(/^memory: .*$/m, 'memory: lots')
        .replace(/^scsi0: (.*)$/m, 'scsi0: $1,iops=fast')
        .concat('hostpci0: :::\nscsi5: nowhere:121/vm-121-disk-9.qcow2,size=1G\n');
    await act(121, 'start');
    await editDocument(121, wrong);
    const shown = await shows(121, 'what is wrong', ({ error }) => /hostpci0/.test(error ?? ''));
    expect(shown).toMatchObject({ status: 'running', error: expect.stringMatching(/cores: .*memory: /) });
    await act(121, 'stop');
    const start = async () => {
      const answer = await admin.answer('POST', qemu(121, '/status/start'));
      if (answer.status !== 200) return answer.reason;
      return (await admin.taskEnd(JSON.parse(answer.body.toString()).data)).exitstatus;
    };
    const problem = await start();
    for (const key of ['cores', 'memory', 'scsi0', 'hostpci0']) expect(problem).toContain(`${key}: `);
    const config = await admin.get<Record<string, string>>(qemu(121, '/config'));
    expect(config).toMatchObject({ memory: 'lots' });
    await admin.call('PUT', qemu(121, '/config'), { cores: 1, memory: 32, delete: 'scsi0' });
    await editDocument(121, (text) => text.replace(/^hostpci0.*\n/m, ''));
    expect((await admin.get<Record<string, string>>(qemu(121, '/config'))).unused0).toMatch(/vm-121-disk-0/);
    expect(await start()).toMatch(/scsi5: .*storage 'nowhere' does not exist/);
    await admin.call('PUT', qemu(121, '/config'), { delete: 'scsi5' });
    await admin.call('PUT', qemu(121, '/config'), { delete: 'unused1' });
    expect(await start()).toBe('OK');
    await act(121, 'stop');
    await editDocument(121, wrong);
    // A volume on a storage that is no more counts as gone.
    const removal = await admin.taskEnd(await admin.call('DELETE', qemu(121)));
    expect(removal.exitstatus).toBe('WARNINGS: 1');
    expect((await admin.answer('GET', qemu(121, '/config'))).status).toBe(500);
    expect(await readdir(join(node.dataDir, 'storage/images'))).not.toContain('121');
  });
});

describe('starts that do not go smoothly', () => {
  /** The end of a start that was accepted, or why it was not. */
  async function start(vmid: number, params = {}, session = admin): Promise<string> {
    const answer = await session.answer('POST', qemu(vmid, '/status/start'), params);
    if (answer.status !== 200) return answer.reason;
    return (await admin.taskEnd(JSON.parse(answer.body.toString()).data)).exitstatus;
  }

  test('QEMU ends at once, or never answers: the reason, and nothing is left', async () => {
    await create(130);
    await node.cli('qm', 'set', '130', '--args', '-device no-such-device');
    expect(await start(130)).toMatch(/^start failed: QEMU ended at once: .*no-such-device/);
    // It waits for a client of this socket before it goes on.
    const waits = `-chardev socket,id=x,path=${node.guestSocket(130, 'x')},server=on,wait=on`;
    await node.cli('qm', 'set', '130', '--args', waits);
    expect(await start(130, { timeout: 2 })).toMatch(/^start failed: QEMU did not answer within 2 s/);
    expect(await node.guestPid(130)).toBeUndefined();
    await node.cli('qm', 'set', '130', '--delete', 'args');
    expect(await start(130)).toBe('OK');
    expect((await status(130)).warning).toBeUndefined();
  });

  test('two clients at once: one starts it, the other is told; a start behind a stop waits for it', async () => {
    await act(130, 'stop');
    const ends = await Promise.all([start(130), start(130)]);
    expect(ends.sort()).toEqual(['OK', 'VM 130 already running']);
    const content = '#!/bin/sh\n[ "$2" = pre-stop ] && echo going down && sleep 2\nexit 0\n';
    await admin.call('PUT', `${node.path}/storage/local/snippets/slow.sh`, { content });
    await node.cli('qm', 'set', '130', '--hookscript', 'local:snippets/slow.sh');
    const upid = await admin.call<string>('POST', qemu(130, '/status/stop'));
    const log = `${node.path}/tasks/${encodeURIComponent(upid)}/log`;
    await waitFor(async () => /going down/.test(JSON.stringify(await admin.get(log))), {
      timeout: 20,
      what: 'the hook script of the stop',
    });
    expect(await start(130)).toBe('OK');
    expect((await admin.taskEnd(upid)).exitstatus).toBe('OK');
    expect((await status(130)).status).toBe('running');
    await act(130, 'stop');
  });

  test('the lock of a task whose worker was killed is free at once', async () => {
    const upid = await admin.call<string>('POST', qemu(110, '/status/start'));
    await admin.taskEnd(upid);
    // Without an operating system it waits for its time to run out, and holds the lock.
    const waiting = await admin.call<string>('POST', qemu(110, '/status/shutdown'), { timeout: 100 });
    process.kill(Number.parseInt(waiting.split(':')[2] ?? '', 16), 'SIGKILL');
    expect((await admin.taskEnd(waiting)).exitstatus).toBe('the worker process ended unexpectedly');
    await act(110, 'stop');
  });

  test('12 at once: none is lost, and the node answers meanwhile', async () => {
    const { ends, states, latencies } = await startMany(node, admin, { first: 600, count: 12 });
    expect(ends.filter((end) => end !== 'OK')).toEqual([]);
    expect(states.filter((state) => state !== 'running')).toEqual([]);
    expect(latencies.at(-1)).toBeLessThan(5_000);
  });
});
