/** A guest with a hook script, huge pages and a TPM: what a start makes on the node, and that it goes with the guest. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiSession } from '../lib/api-session.ts';
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

const act = (action: string) => admin.run('POST', `${node.path}/qemu/300/status/${action}`);
const gone = (what: string, kind: string) =>
  waitFor(() => !existsSync(node.guestSocket(300, kind)), { timeout: 15, what });

describe('TPM', () => {
  test('v2.0: made once, there while the guest runs, ends with it and keeps its state', async () => {
    await admin.run('POST', `${node.path}/qemu`, {
      vmid: 300,
      memory: 64,
      tpmstate0: 'local:1,version=v2.0',
    });
    const first = await act('start');
    expect(first.log.join('\n')).toContain('gets its own keys');
    const pid = Number.parseInt(readFileSync(node.guestSocket(300, 'tpm-pid'), 'utf8'), 10);
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    expect(status).toMatch(/^Name:\s+swtpm$/m);
    expect(status).not.toMatch(/^Uid:\s+0\s/m);
    await act('stop');
    expect(existsSync(node.guestSocket(300, 'tpm'))).toBe(false);
    expect(existsSync(`/proc/${pid}/exe`)).toBe(false);
    expect((await act('start')).log.join('\n')).not.toContain('gets its own keys');
    await act('stop');
  });
});

describe('hook script', () => {
  test('all phases, in the log of the task; post-stop also when QEMU is killed', async () => {
    const folder = join(node.dataDir, 'storage/snippets');
    const record = join(node.dataDir, 'phases');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'hook.sh'), `#!/bin/sh\necho "hook says $1 $2"\necho "$2" >> ${record}\n`);
    await node.cli('qm', 'set', '300', '--hookscript', 'local:snippets/hook.sh');
    expect((await act('start')).log).toContain('hook says 300 post-start');
    expect((await act('stop')).log).toContain('hook says 300 post-stop');
    await act('start');
    signal(await node.guestPid(300), 'SIGKILL');
    const phases = async () => (await readFile(record, 'utf8')).trim().split('\n');
    await waitFor(async () => (await phases()).length === 7, {
      timeout: 20,
      what: 'post-stop after the kill',
    });
    expect(await phases()).toEqual([
      ...['pre-start', 'post-start', 'pre-stop', 'post-stop'],
      ...['pre-start', 'post-start', 'post-stop'],
    ]);
  });

  test('a QEMU that ends in the middle of its start has a post-stop too, before the next start', async () => {
    const record = join(node.dataDir, 'phases');
    await rm(record);
    await node.cli('qm', 'set', '300', '--args', '-device no-such-device');
    await expect(act('start')).rejects.toThrow(/no-such-device/);
    expect((await readFile(record, 'utf8')).trim().split('\n')).toEqual(['pre-start', 'post-stop']);
    await node.cli('qm', 'set', '300', '--delete', 'args');
  });

  test('a failing pre-start stops the start', async () => {
    await writeFile(join(node.dataDir, 'storage/snippets/hook.sh'), '#!/bin/sh\n[ "$2" != pre-start ]\n');
    await expect(act('start')).rejects.toThrow(/failed with exit code 1 in phase pre-start/);
    await node.cli('qm', 'set', '300', '--delete', 'hookscript');
  });
});

test('huge pages are taken for the run and given back', async () => {
  const pages = () => Number(readFileSync('/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages', 'utf8'));
  const before = pages();
  await node.cli('qm', 'set', '300', '--hugepages', '2');
  await act('start');
  expect(pages()).toBeGreaterThanOrEqual(32);
  await act('stop');
  await gone('the list of pages', 'hugepages');
  expect(pages()).toBe(before);
});
