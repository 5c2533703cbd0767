/** Callers who have some rights, and try what these do not cover. */
import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiSession, logIn, tokenSession } from '../lib/api-session.ts';
import { multipartOf, type Parameters } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { sleep, waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;
/** PVEVMUser on guest 300 (console, power, CD-ROM, cloud-init), PVEDatastoreUser on `local`. */
let user: ApiSession;
/** PVEVMAdmin on all guests, PVEDatastoreUser on `local`. */
let operator: ApiSession;
const sessions: ApiSession[] = [];

async function makeUser(userid: string, acls: readonly (readonly [string, string])[]): Promise<ApiSession> {
  const password = 'a-long-password';
  await admin.call('POST', '/access/users', { userid, password });
  for (const [path, roles] of acls) await admin.call('PUT', '/access/acl', { path, roles, users: userid });
  const session = await logIn(node.url, userid, password);
  sessions.push(session);
  return session;
}

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  await admin.run('POST', `${node.path}/qemu`, {
    vmid: 300,
    memory: 32,
    scsi0: 'local:1',
    ide2: 'none,media=cdrom',
    serial0: 'socket',
  });
  await admin.run('POST', `${node.path}/qemu`, { vmid: 301, memory: 32, scsi0: 'local:1' });
  user = await makeUser('user@pve', [
    ['/vms/300', 'PVEVMUser'],
    ['/storage/local', 'PVEDatastoreUser'],
  ]);
  operator = await makeUser('operator@pve', [
    ['/vms', 'PVEVMAdmin'],
    ['/storage/local', 'PVEDatastoreUser'],
  ]);
});
afterAll(async () => {
  for (const session of sessions) session.close();
  await node?.stop();
});

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const config = (vmid: number) => admin.get<Record<string, string>>(qemu(vmid, '/config'));
const put = (session: ApiSession, vmid: number, values: Parameters) =>
  session.answer('PUT', qemu(vmid, '/config'), values);
const taskPath = (upid: string) => `${node.path}/tasks/${encodeURIComponent(upid)}`;

describe('tasks', () => {
  test('ending the task of an own console ends the console and not the daemon', async () => {
    await user.run('POST', qemu(300, '/status/start'));
    const daemon = await node.daemonPid();
    const { upid } = await user.call<{ upid: string }>('POST', qemu(300, '/termproxy'));
    await user.call('DELETE', taskPath(upid));
    expect((await user.taskEnd(upid, 5)).exitstatus).toBe('interrupted by signal');
    await sleep(1000);
    expect(await node.daemonPid()).toBe(daemon);
    expect((await admin.answer('GET', '/version')).status).toBe(200);
    await user.run('POST', qemu(300, '/status/stop'));
  });

  test('a token sees its own tasks, not those of its user', async () => {
    const { value } = await admin.call<{ value: string }>('POST', '/access/users/user@pve/token/t1', {
      privsep: 1,
    });
    const token = tokenSession(node.url, `user@pve!t1=${value}`);
    sessions.push(token);
    const upid = await user.call<string>('POST', qemu(300, '/status/start'));
    await user.taskEnd(upid);
    expect((await token.answer('GET', `${taskPath(upid)}/log`)).status).toBe(403);
    expect((await token.answer('DELETE', taskPath(upid))).status).toBe(403);
    expect(await token.get(`${node.path}/tasks`, { source: 'all' })).toEqual([]);
    expect(await token.get('/cluster/tasks')).toEqual([]);
    await user.run('POST', qemu(300, '/status/stop'));
  });

  test('of others do not push the own ones out of the list', async () => {
    const { upid } = await admin.run('POST', qemu(301, '/config'), { name: 'other' });
    const seen = await user.get<{ upid: string; user: string }[]>('/cluster/tasks');
    expect(seen.map((one) => one.upid)).not.toContain(upid);
    expect(new Set(seen.map((one) => one.user))).toEqual(new Set(['user@pve']));
  });
});

test('locks are passed over by administrators only', async () => {
  const refused = await operator.answer('POST', qemu(301, '/status/start'), { skiplock: 1 });
  expect([refused.status, refused.reason]).toEqual([403, 'Permission check failed (/, Sys.Modify)']);
});

describe('what is seen', () => {
  test('measurements of the node need Sys.Audit, also in the events', async () => {
    const [row] = await user.get<Record<string, unknown>[]>('/cluster/resources', { type: 'node' });
    expect(row).toMatchObject({ type: 'node', status: 'online' });
    expect(Object.keys(row ?? {})).not.toContain('maxmem');
    const [whole] = await admin.get<Record<string, unknown>[]>('/cluster/resources', { type: 'node' });
    expect(whole?.maxmem).toBeTypeOf('number');
    const stream = events(user);
    await waitFor(() => /"type":"node"/.test(stream.text()), { timeout: 25, what: 'a row of the node' });
    expect(stream.text()).not.toContain('maxmem');
    stream.end();
  }, 40_000);

  test('datacenter options beyond the interface need Sys.Audit', async () => {
    await admin.call('PUT', '/cluster/options', {
      http_proxy: 'http://me:secret@proxy.test:3128',
      language: 'ja',
    });
    const seen = await user.get<Record<string, string>>('/cluster/options');
    expect(seen.language).toBe('ja');
    expect(JSON.stringify(seen)).not.toContain('secret');
    expect((await admin.get<Record<string, string>>('/cluster/options')).http_proxy).toContain('secret');
    await admin.call('PUT', '/cluster/options', { delete: 'http_proxy,language' });
  });

  test('the cloud-init password is kept as a hash and shown to nobody', async () => {
    await admin.call('PUT', qemu(300, '/config'), { cipassword: 'opensesame' });
    expect((await config(300)).cipassword).toBe('**********');
    const pending = await admin.get<{ key: string; value?: string }[]>(qemu(300, '/pending'));
    expect(pending.find((row) => row.key === 'cipassword')?.value).toBe('**********');
    await admin.run('POST', `${node.path}/qemu`, { vmid: 305, memory: 32, cipassword: 'opensesame' });
    expect((await config(305)).cipassword).toBe('**********');
    await admin.run('DELETE', qemu(305));
    const files = await node.cli('pvesh', 'get', qemu(300, '/config'), '--output-format', 'json');
    expect(files.stdout).not.toContain('opensesame');
  });
});

/** The event stream of a session. */
function events(session: ApiSession): { text(): string; ended(): boolean; end(): void } {
  let text = '';
  let ended = false;
  const stream = httpsRequest(`${node.url}/api2/json/cluster/events`, {
    rejectUnauthorized: false,
    headers: { ...session.headers },
  });
  stream.on('response', (response) => {
    response.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    response.on('close', () => {
      ended = true;
    });
  });
  stream.on('error', () => {});
  stream.end();
  return { text: () => text, ended: () => ended, end: () => void stream.destroy() };
}

describe('events', () => {
  test('end for a user who is disabled, and say nothing of a guest whose rights are gone', async () => {
    const gone = await makeUser('gone@pve', [['/vms/300', 'PVEVMUser']]);
    const stream = events(gone);
    await waitFor(() => stream.text().includes('hello'), { timeout: 5, what: 'the stream' });
    await admin.call('PUT', qemu(300, '/config'), { name: 'seen' });
    await waitFor(() => stream.text().includes('"name":"seen"'), { timeout: 5, what: 'the event' });
    await admin.call('PUT', '/access/acl', {
      path: '/vms/300',
      roles: 'PVEVMUser',
      users: 'gone@pve',
      delete: 1,
    });
    await admin.call('PUT', qemu(300, '/config'), { name: 'unseen' });
    await sleep(300);
    expect(stream.text()).not.toContain('unseen');
    expect(stream.ended()).toBe(false);
    await admin.call('PUT', '/access/users/gone@pve', { enable: 0 });
    await waitFor(() => stream.ended(), { timeout: 3, what: 'the end of the stream' });
    stream.end();
  });
});

describe('configuration', () => {
  test('the right to change CD-ROMs neither takes a disk away nor turns one into a CD-ROM', async () => {
    const { scsi0 = '' } = await config(300);
    expect((await put(user, 300, { ide2: 'none,media=cdrom' })).status).toBe(200);
    expect((await put(user, 300, { scsi0: 'none,media=cdrom' })).status).toBe(403);
    expect((await put(user, 300, { scsi0: `${scsi0.split(',')[0]},media=cdrom` })).status).toBe(403);
    expect((await put(user, 300, { delete: 'scsi0' })).status).toBe(403);
    expect((await put(user, 300, { ide2: 'local:1' })).status).toBe(403);
    expect((await config(300)).scsi0).toBe(scsi0);
  });

  test('what root has attached of the host, only root replaces', async () => {
    await node.cli('qm', 'set', '301', '--serial0', '/dev/ttyS9', '--usb0', '1234:5678');
    expect((await put(operator, 301, { serial0: 'socket' })).status).toBe(403);
    expect((await put(operator, 301, { usb0: 'spice' })).status).toBe(403);
    expect((await put(operator, 301, { usb1: 'spice,mapping=x1' })).status).toBe(403);
    expect((await put(operator, 301, { usb1: 'spice' })).status).toBe(200);
    await node.cli('qm', 'set', '301', '--delete', 'serial0,usb0,usb1');
  });

  test.each([
    ['args', '-device x'],
    ['hookscript', 'local:snippets/x.sh'],
    ['hostpci0', '0000:01:00.0'],
    ['serial1', '/dev/ttyS0'],
    ['parallel0', '/dev/parport0'],
    ['usb0', '1234:5678'],
    ['virtiofs0', 'x1'],
    ['lock', 'backup'],
    ['ivshmem', 'size=1,name=301'],
    ['arch', 'x86_64'],
    ['hugepages', '2'],
    ['scsi1', '/dev/sda'],
    ['cdrom', '/etc/shadow'],
    ['ide3', '/etc/shadow,media=cdrom'],
    ['ide3', 'cdrom,media=cdrom'],
    ['scsi1', 'local:0,import-from=/etc/shadow'],
  ])('%s=%s reaches the host: only root', async (key, value) => {
    const values = { [key]: value };
    expect((await put(operator, 301, values)).status).toBe(403);
    expect((await operator.answer('POST', qemu(301, '/config'), values)).status).toBe(403);
    const created = await operator.answer('POST', `${node.path}/qemu`, { vmid: 399, ...values });
    expect(created.status).toBe(403);
  });

  test("another guest's disk cannot be attached in any way", async () => {
    const volume = (await config(300)).scsi0?.split(',')[0] ?? '';
    const before = await config(301);
    for (const values of [
      { scsi1: volume },
      { unused1: volume },
      { ide3: `${volume},media=cdrom` },
      { scsi1: `local:301/../300/${volume.split('/')[1]}` },
    ]) {
      expect((await put(operator, 301, values)).status).toBe(400);
      const created = await operator.answer('POST', `${node.path}/qemu`, { vmid: 398, ...values });
      const status = created.status === 200 ? await operator.taskEnd(dataOf(created.body)) : undefined;
      expect([400, 'failed']).toContain(status && status.exitstatus !== 'OK' ? 'failed' : created.status);
    }
    expect(await config(301)).toEqual(before);
    const copied = await put(operator, 301, { scsi1: `local:0,import-from=${volume}` });
    expect(copied.status).toBe(200);
    await operator.call('PUT', qemu(301, '/unlink'), { idlist: 'scsi1', force: 1 });
    expect((await put(operator, 301, { scsi1: 'none,import-from=local:iso/x.iso' })).status).toBe(400);
  });

  test('an image to import from is copied, never attached: its users would write into it', async () => {
    const upload = await admin.upload(
      `${node.path}/storage/local/upload`,
      'shared.raw',
      Buffer.alloc(1024 * 1024),
      { content: 'import' },
    );
    await admin.taskEnd(dataOf(upload.body));
    expect((await put(operator, 301, { scsi1: 'local:import/shared.raw' })).status).toBe(400);
    expect((await put(operator, 301, { scsi1: 'local:0,import-from=local:import/shared.raw' })).status).toBe(
      200,
    );
  });

  test('one volume is not two disks', async () => {
    const volume = (await config(301)).scsi0?.split(',')[0] ?? '';
    expect((await put(operator, 301, { virtio0: volume })).status).toBe(400);
    expect((await put(operator, 301, { ide3: `${volume},media=cdrom` })).status).toBe(400);
  });

  test('resizing needs space on the storage and is for disks', async () => {
    const iso = await admin.upload(`${node.path}/storage/local/upload`, 'a.iso', Buffer.alloc(2048 * 20), {
      content: 'iso',
    });
    await admin.taskEnd(dataOf(iso.body));
    await admin.call('PUT', qemu(300, '/config'), { ide2: 'local:iso/a.iso,media=cdrom' });
    const end = await operator.answer('PUT', qemu(300, '/resize'), { disk: 'ide2', size: '1G' });
    expect(end.status).toBe(400);
    const poor = await makeUser('poor@pve', [['/vms', 'PVEVMAdmin']]);
    expect((await poor.answer('PUT', qemu(300, '/resize'), { disk: 'scsi0', size: '2G' })).status).toBe(403);
    const huge = await operator.answer('PUT', qemu(300, '/resize'), { disk: 'scsi0', size: '900T' });
    expect([huge.status, huge.reason]).toEqual([500, expect.stringMatching(/does not fit/)]);
  });

  test('line breaks do not add lines to the document', async () => {
    const attempts = {
      name: 'a\nargs: -x',
      tags: 'a\nargs: -x',
      description: 'fine\nargs: -x\n[PENDING]',
      searchdomain: 'a\nargs: -x',
      ciuser: 'a\rargs: -x',
      smbios1: 'uuid=1\nargs: -x',
    };
    for (const [key, value] of Object.entries(attempts)) await put(operator, 301, { [key]: value });
    const after = await config(301);
    expect(after.args).toBeUndefined();
    expect(after.description).toBe('fine\nargs: -x\n[PENDING]');
  });
});

test("rights on a guest go with it: the next guest of that number is somebody else's", async () => {
  await admin.run('POST', `${node.path}/qemu`, { vmid: 310, memory: 32 });
  const former = await makeUser('former@pve', [['/vms/310', 'PVEVMAdmin']]);
  expect((await former.answer('GET', qemu(310, '/config'))).status).toBe(200);
  await former.run('DELETE', qemu(310));
  await admin.run('POST', `${node.path}/qemu`, { vmid: 310, memory: 32 });
  expect((await former.answer('GET', qemu(310, '/config'))).status).toBe(403);
});

const dataOf = (body: Buffer): string => (JSON.parse(body.toString()) as { data: string }).data;

test('an upload does not take over a file in the spool that its sender names', async () => {
  const uploader = await makeUser('uploader@pve', [['/storage/local', 'PVEDatastoreAdmin']]);
  const { contentType, body } = multipartOf(
    { content: 'iso', tmpfilename: '/etc/passwd' },
    { field: 'filename', fileName: 'b.iso', content: Buffer.alloc(4096) },
  );
  const spool = `${node.dataDir}/spool/pveupload-other`;
  const answer = await uploader.client.send(
    `/api2/json${node.path}/storage/local/upload?tmpfilename=${encodeURIComponent(spool)}`,
    { method: 'POST', headers: { ...uploader.headers, 'Content-Type': contentType }, body },
  );
  expect([answer.status, answer.reason]).toEqual([200, 'OK']);
  expect((await uploader.taskEnd(dataOf(answer.body))).exitstatus).toMatch(/^(OK|WARNINGS)/);
});
