/** Guests that must not come into being, and damage that must stay where it is. */
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openSqliteStore } from '../../packages/server/src/cluster/sqlite-store.ts';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { jsonOf } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { failureText, nothingLeft, refused, storedFiles } from '../lib/refusals.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;
let qemu: string;
let before: readonly string[];

interface GuestRow {
  readonly vmid: number;
  readonly name?: string;
  readonly status: string;
  readonly error?: string;
}

beforeAll(async () => {
  node = await startNode({ name: 'badvm' });
  admin = await node.admin();
  qemu = `${node.path}/qemu`;
  await admin.run('POST', qemu, { vmid: 100, name: 'first', scsi0: 'local:1', memory: 128 });
});

beforeEach(async () => {
  before = await storedFiles(node);
});

afterAll(async () => {
  await node?.stop();
});

const guests = async (): Promise<GuestRow[]> =>
  (await admin.get<GuestRow[]>(qemu)).sort((one, other) => one.vmid - other.vmid);

describe('create', () => {
  test('of a VMID that is taken is refused, and the guest that has it stays as it is', async () => {
    const config = await admin.get(`${qemu}/100/config`);
    const { status, message } = await refused(admin, 'POST', qemu, { vmid: 100, scsi0: 'local:1' });
    expect(status).toBe(500);
    expect(message).toMatch(/^unable to create VM 100: config file already exists/);
    expect(await admin.get(`${qemu}/100/config`)).toEqual(config);
    const next = await refused(admin, 'GET', '/cluster/nextid', { vmid: 100 });
    expect(next).toMatchObject({ status: 400, errors: { vmid: 'VM 100 already exists' } });
    await nothingLeft(node, before);
  });

  test.each([
    '99',
    '0',
    '-1',
    '1000000000',
    '99999999999999999999',
    '1e3',
    '0x70',
    'abc',
    '',
    ' 101',
    '101;',
  ])('of the VMID %j is refused with a text at this parameter', async (vmid) => {
    const { status, errors } = await refused(admin, 'POST', qemu, { vmid });
    expect(status).toBe(400);
    expect(Object.keys(errors)).toEqual(['vmid']);
    expect(await guests()).toHaveLength(1);
  });

  test('with a disk larger than the free space says how much is free', async () => {
    const text = await failureText(admin, 'POST', qemu, { vmid: 101, scsi0: 'local:5000' });
    expect(text).toMatch(/scsi0|local/);
    expect(text).toMatch(/free/);
    expect(await guests()).toHaveLength(1);
    await nothingLeft(node, before);
  });

  test('with more memory than the node has does not end in a running guest', async () => {
    const mebibytes = Math.ceil(totalmem() / 1024 ** 2) * 2;
    const answer = await admin.answer('POST', qemu, { vmid: 101, memory: mebibytes });
    if (answer.status === 200) {
      // Such a guest may be defined (it may be meant for another node), but it cannot start here.
      const created = await admin.taskEnd(jsonOf<string>(answer).data);
      if (created.exitstatus === 'OK') {
        expect(await failureText(admin, 'POST', `${qemu}/101/status/start`)).toMatch(/memory/i);
        expect(await guests()).toContainEqual(expect.objectContaining({ vmid: 101, status: 'stopped' }));
        await admin.run('DELETE', `${qemu}/101`);
      } else expect(created.exitstatus).toMatch(/memory/i);
    } else expect(answer.reason + answer.body.toString()).toMatch(/memory/i);
    expect(await guests()).toHaveLength(1);
  });

  test('with unknown keys names each of them', async () => {
    const { status, message, errors } = await refused(admin, 'POST', qemu, {
      vmid: 101,
      colour: 'red',
      net32: 'virtio,bridge=vmbr0',
      scsi31: 'local:1',
      memory: 128,
    });
    expect(status).toBe(400);
    expect(message).toBe('Parameter verification failed.');
    const text = 'property is not defined in schema and the schema does not allow additional properties';
    expect(errors).toEqual({ colour: text, net32: text, scsi31: text });
    await nothingLeft(node, before);
  });

  test.each([
    ['net0', 'virtio,colour=red'],
    ['net0', 'no-such-card,bridge=vmbr0'],
    ['scsi0', 'local:1,colour=red'],
    ['scsi0', 'nowhere:1'],
    ['scsi0', 'local:-5'],
    ['ide2', 'local:iso/missing.iso,media=cdrom'],
    ['cores', '0'],
    ['memory', 'plenty'],
    ['name', 'two words'],
    ['bios', 'coreboot'],
    ['tags', 'a b<script>'],
  ])('with %s: %s is refused, and nothing is made', async (key, value) => {
    const text = await failureText(admin, 'POST', qemu, { vmid: 101, [key]: value });
    expect(text.length, 'a text that says what is wrong').toBeGreaterThan(5);
    expect(await guests()).toHaveLength(1);
    await nothingLeft(node, before);
  });

  test('of several disks of which the last fails leaves none of the others', async () => {
    const disks = {
      scsi0: 'local:1',
      scsi1: 'local:1',
      scsi2: 'local:1,import-from=local:import/missing.qcow2',
    };
    expect(await failureText(admin, 'POST', qemu, { vmid: 101, ...disks })).not.toBe('');
    expect(await guests()).toHaveLength(1);
    await nothingLeft(node, before);
    await admin.run('POST', qemu, { vmid: 101 });
    await admin.run('DELETE', `${qemu}/101`);
  });

  test('100 times at once with one VMID succeeds exactly once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        admin.answer('POST', qemu, { vmid: 150, name: `racer${index}`, scsi0: 'local:1' }),
      ),
    );
    const accepted = answers.filter((answer) => answer.status === 200);
    const ends = await Promise.all(accepted.map((answer) => admin.taskEnd(jsonOf<string>(answer).data)));
    expect(ends.filter((end) => end.exitstatus === 'OK')).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status !== 200) expect(jsonOf(answer).message).toMatch(/VM 150: config file already exists/);
    }
    expect((await guests()).map((guest) => guest.vmid)).toEqual([100, 150]);
    const disks = (await storedFiles(node)).filter((path) => path.includes('vm-150-'));
    expect(disks).toHaveLength(1);
    await admin.run('DELETE', `${qemu}/150`);
    await nothingLeft(node, before);
  });
});

describe('a change', () => {
  test('that makes a disk larger than the free space is refused, and the disk keeps its size', async () => {
    const config = await admin.get<Record<string, unknown>>(`${qemu}/100/config`);
    const size = { disk: 'scsi0', size: '+5000G' };
    expect(await failureText(admin, 'PUT', `${qemu}/100/resize`, size)).toMatch(/free|space/);
    expect(await failureText(admin, 'POST', `${qemu}/100/config`, { scsi1: 'local:5000' })).toMatch(/free/);
    expect(await admin.get(`${qemu}/100/config`)).toEqual(config);
    await nothingLeft(node, before);
  });

  test('that rests on an old state is refused', async () => {
    const { digest } = await admin.get<{ digest: string }>(`${qemu}/100/config`);
    await admin.call('PUT', `${qemu}/100/config`, { description: 'changed by the first', digest });
    const late = await refused(admin, 'PUT', `${qemu}/100/config`, { description: 'by the second', digest });
    expect(late.message).toBe('detected modified configuration - file changed by other user? Try again.');
    expect(await admin.get(`${qemu}/100/config`)).toMatchObject({ description: 'changed by the first' });
  });

  test('with unknown keys changes nothing, not even the known ones', async () => {
    const config = await admin.get(`${qemu}/100/config`);
    const { status, errors } = await refused(admin, 'PUT', `${qemu}/100/config`, { cores: 4, colour: 'red' });
    expect(status).toBe(400);
    expect(Object.keys(errors)).toEqual(['colour']);
    expect(await admin.get(`${qemu}/100/config`)).toEqual(config);
  });
});

describe('a corrupt configuration document', () => {
  const damage = ['%%% not a configuration\n\u0001\u0002', 'cores: 2\ncores: 4\n', 'memory 512\n', '[[[\n'];

  /** Writes past the node, as an editor or a failing program would. */
  async function writeDocument(path: string, text: string | null): Promise<void> {
    const store = openSqliteStore(join(node.dataDir, 'config.db'));
    try {
      await store.commit([], [{ path, text }]);
    } finally {
      await store.close();
    }
  }

  test.each(damage)('%j shows its error on its guest, and all others work', async (text) => {
    const path = `nodes/${node.name}/qemu-server/160.conf`;
    await admin.run('POST', qemu, { vmid: 160, name: 'soon-damaged' });
    await writeDocument(path, text);
    const row = await waitFor(
      async () => (await guests()).find((guest) => guest.vmid === 160 && guest.error),
      {
        timeout: 10,
        what: 'the error in the list of guests',
      },
    );
    expect(row.error).toMatch(/line \d+/);
    expect((await refused(admin, 'GET', `${qemu}/160/config`)).message).toMatch(/160\.conf.*line \d+/);
    expect(await failureText(admin, 'POST', `${qemu}/160/status/start`)).toMatch(/160\.conf/);
    const resources = await admin.get<Array<{ id: string }>>('/cluster/resources', { type: 'vm' });
    expect(resources.map((one) => one.id)).toEqual(expect.arrayContaining(['qemu/100', 'qemu/160']));
    expect(await admin.get(`${qemu}/100/config`)).toMatchObject({ name: 'first' });
    await admin.run('POST', qemu, { vmid: 161 });
    await admin.run('DELETE', `${qemu}/161`);
    await writeDocument(path, 'name: mended\n');
    await waitFor(async () => (await guests()).find((guest) => guest.name === 'mended' && !guest.error), {
      timeout: 10,
      what: 'the mended guest',
    });
    await admin.run('DELETE', `${qemu}/160`);
  });

  test('does not keep the node from starting', async () => {
    await admin.run('POST', qemu, { vmid: 160 });
    await node.down();
    await writeDocument(`nodes/${node.name}/qemu-server/160.conf`, damage[0] ?? '');
    await node.up();
    const session = await logIn(node.url, 'admin@pve', await node.adminPassword());
    const rows = await session.get<GuestRow[]>(qemu);
    session.close();
    expect(rows.find((guest) => guest.vmid === 160)?.error).toMatch(/160\.conf/);
    expect(rows.find((guest) => guest.vmid === 100)?.error).toBeUndefined();
    await writeDocument(`nodes/${node.name}/qemu-server/160.conf`, 'name: mended\n');
  });
});
