/** SPICE as viewers use it: the values of the API, the proxy, TLS, link and password; and who is kept out. */
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { linkSpice, type SpiceFields, throughProxy } from '../lib/spice-client.ts';

let node: TestNode;
let admin: ApiSession;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  const guest = { memory: 64, start: 1 };
  await admin.run('POST', `${node.path}/qemu`, {
    ...guest,
    vmid: 100,
    name: 'desk',
    vga: 'qxl2',
    audio0: 'device=ich9-intel-hda',
    usb0: 'spice',
    spice_enhancements: 'foldersharing=1',
  });
  await admin.run('POST', `${node.path}/qemu`, { ...guest, vmid: 101 });
});
afterAll(() => node?.stop());

const open = (vmid: number) => admin.call<SpiceFields>('POST', `${node.path}/qemu/${vmid}/spiceproxy`);

test('a viewer gets through proxy and TLS to the guest, with the password that it was told', async () => {
  expect(await admin.get(`${node.path}/qemu/100/status/current`)).toMatchObject({ spice: 1 });
  const fields = await open(100);
  expect(fields).toMatchObject({
    type: 'spice',
    title: 'VM 100 - desk',
    proxy: `http://127.0.0.1:${node.port}`,
  });
  expect(await linkSpice(fields)).toEqual({ error: 0, result: 0, subject: fields['host-subject'] });
  // One connection for each of screen, keys, sound …
  expect(await Promise.all([linkSpice(fields), linkSpice(fields)])).toMatchObject([
    { result: 0 },
    { result: 0 },
  ]);
});

test('a wrong password, and one of before, are refused by the guest', async () => {
  const [before, fields] = [await open(100), await open(100)];
  expect((await linkSpice({ ...fields, password: `${fields.password}x` })).result).toBe(7);
  expect((await linkSpice({ ...fields, password: before.password })).result).toBe(7);
  expect((await linkSpice(fields)).result).toBe(0);
});

test('a ticket that is wrong leads nowhere', async () => {
  const fields = await open(100);
  const refused = /^HTTP\/1\.1 403 invalid or expired SPICE ticket/;
  for (const host of [fields.host.replace(':100:', ':101:'), `${fields.host}0`, '127.0.0.1'])
    await expect(linkSpice({ ...fields, host }), host).rejects.toThrow(refused);
});

test('a viewer is cut off when the session that opened it ends, and no ticket of it is good any more', async () => {
  const session = await logIn(node.url, 'admin@pve', await node.adminPassword());
  try {
    const fields = await session.call<SpiceFields>('POST', `${node.path}/qemu/100/spiceproxy`);
    const proxied = await throughProxy(fields);
    const over = new Promise((resolve) => proxied.once('close', resolve));
    const viewer = connectTls({ socket: proxied, ca: fields.ca, checkServerIdentity: () => undefined });
    viewer.on('error', () => {});
    await new Promise((resolve) => viewer.once('secureConnect', resolve));
    const own = (await session.get<{ id: string; current?: number }[]>('/access/sessions')).find(
      ({ current }) => current === 1,
    );
    await admin.call('DELETE', `/access/sessions/${own?.id}`);
    await over;
    await expect(linkSpice(fields)).rejects.toThrow(/^HTTP\/1\.1 403 the session has ended/);
  } finally {
    session.close();
  }
});

test('a guest without SPICE says what to do; one that has stopped too', async () => {
  const plain = await admin.answer('POST', `${node.path}/qemu/101/spiceproxy`);
  expect(plain.reason).toMatch(/^VM 101 has no SPICE display: set its graphics card \(vga\) to qxl/);
  expect(await admin.get(`${node.path}/qemu/101/status/current`)).not.toHaveProperty('spice');
  const fields = await open(100);
  await admin.run('POST', `${node.path}/qemu/100/status/stop`);
  await expect(linkSpice(fields)).rejects.toThrow();
  expect((await admin.answer('POST', `${node.path}/qemu/100/spiceproxy`)).reason).toBe('VM 100 not running');
  await admin.run('POST', `${node.path}/qemu/100/status/start`);
});

test('the answer as a .vv file, for the name by which the viewer reaches the node', async () => {
  const answer = await admin.client.send(`/api2/spiceconfig${node.path}/qemu/100/spiceproxy`, {
    method: 'POST',
    headers: { ...admin.headers, 'Content-Type': 'application/x-www-form-urlencoded' },
    body: 'proxy=vm.example.com',
  });
  expect(answer.headers['content-type']).toMatch(/^application\/x-virt-viewer/);
  const text = answer.body.toString();
  expect(text).toMatch(/^\[virt-viewer\]\ntype=spice\n/);
  expect(text).toContain(`\nproxy=http://vm.example.com:${node.port}\n`);
  expect(text).toMatch(/\nca=-----BEGIN CERTIFICATE-----\\n[A-Za-z0-9+/=\\n]+-----END CERTIFICATE-----\\n\n/);
});
