/** What a caller needs for a clone, for giving a disk away and for snippets, beside the rights on the guest itself. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import type { Parameters } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';

let node: TestNode;
let admin: ApiSession;
/** PVEVMAdmin on the guests 500 to 502, nothing else until a test gives it. */
let user: ApiSession;
const userid = 'cloner@pve';
const grant = (path: string, roles: string, params: Parameters = {}) =>
  admin.call('PUT', '/access/acl', { path, roles, users: userid, ...params });
const revoke = (path: string, roles: string) => grant(path, roles, { delete: 1 });

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  await admin.run('POST', `${node.path}/qemu`, { vmid: 500, memory: 32, scsi0: 'local:1' });
  await admin.run('POST', `${node.path}/qemu`, { vmid: 502, memory: 32 });
  await admin.call('POST', '/access/users', { userid, password: 'a-long-password' });
  for (const vmid of [500, 501]) await grant(`/vms/${vmid}`, 'PVEVMAdmin');
  user = await logIn(node.url, userid, 'a-long-password');
});
afterAll(async () => {
  user?.close();
  await node?.stop();
});

const qemu = (vmid: number, path = '') => `${node.path}/qemu/${vmid}${path}`;
const refusal = async (path: string, params: Parameters) => {
  const answer = await user.answer(path.endsWith('/config') ? 'PUT' : 'POST', path, params);
  expect(answer.status).toBe(403);
  return answer.reason;
};
const clones = async (params: Parameters = {}) => {
  await user.run('POST', qemu(500, '/clone'), { newid: 501, ...params });
  await admin.run('DELETE', qemu(501));
  // Rights on a guest go with it.
  await grant('/vms/501', 'PVEVMAdmin');
};

test('space on the storage of the new disks', async () => {
  expect(await refusal(qemu(500, '/clone'), { newid: 501 })).toMatch(
    /storage\/local, Datastore.AllocateSpace/,
  );
  await grant('/storage/local', 'PVEDatastoreUser');
  await clones();
});

test('another VMID only by a pool that the caller may fill', async () => {
  expect(await refusal(qemu(500, '/clone'), { newid: 600 })).toBe('Permission check failed');
  const params = { newid: 600, pool: 'team' };
  expect(await refusal(qemu(500, '/clone'), params)).toBe('Permission check failed');
  await grant('/pool/team', 'PVEVMAdmin');
  const answer = await user.answer('POST', qemu(500, '/clone'), params);
  expect(answer.reason).toBe("pool 'team' does not exist");
});

test('bridges and mapped devices of what is cloned: of now, or of the snapshot', async () => {
  await node.cli('qm', 'set', '500', '--net0', 'virtio,bridge=vmbr7');
  expect(await refusal(qemu(500, '/clone'), { newid: 501 })).toMatch(/localnetwork\/vmbr7, SDN.Use/);
  await admin.run('POST', qemu(500, '/snapshot'), { snapname: 'carded' });
  await node.cli('qm', 'set', '500', '--delete', 'net0', '--usb0', 'mapping=stick');
  expect(await refusal(qemu(500, '/clone'), { newid: 501 })).toMatch(/mapping\/usb\/stick, Mapping.Use/);
  await grant('/mapping/usb/stick', 'PVEMappingUser');
  await clones();
  expect(await refusal(qemu(500, '/clone'), { newid: 501, snapname: 'carded' })).toMatch(/vmbr7, SDN.Use/);
  await grant('/sdn/zones/localnetwork/vmbr7', 'PVESDNUser');
  await clones({ snapname: 'carded' });
  await admin.run('DELETE', qemu(500, '/snapshot/carded'));
});

test("a device of the node itself, and the node's own drive", async () => {
  await node.cli('qm', 'set', '500', '--delete', 'usb0', '--usb1', 'host=1234:5678');
  const answer = await admin.answer('POST', qemu(500, '/clone'), { newid: 501 });
  expect(`${answer.status} ${answer.reason}`).toMatch(/^403 only root can set 'usb1'/);
  await node.cli('qm', 'set', '500', '--delete', 'usb1', '--ide2', 'cdrom,media=cdrom');
  expect(await refusal(qemu(500, '/clone'), { newid: 501 })).toMatch(/\(\/, Sys.Console\)/);
  await node.cli('qm', 'set', '500', '--delete', 'ide2');
});

test('giving a disk away: the other guest and the storage too', async () => {
  const params = { disk: 'scsi0', 'target-vmid': 502 };
  expect(await refusal(qemu(500, '/move_disk'), params)).toMatch(/vms\/502, VM.Config.Disk/);
  await grant('/vms/502', 'PVEVMAdmin');
  await revoke('/storage/local', 'PVEDatastoreUser');
  expect(await refusal(qemu(500, '/move_disk'), params)).toMatch(/storage\/local, Datastore.AllocateSpace/);
  await grant('/storage/local', 'PVEDatastoreUser');
  await user.run('POST', qemu(500, '/move_disk'), params);
});

test('snippets for cloud-init, which can hold passwords, are named by whoever may read them', async () => {
  const folder = join(node.dataDir, 'storage/snippets');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'web.yaml'), '#cloud-config\n');
  const cicustom = { cicustom: 'user=local:snippets/web.yaml' };
  expect(await refusal(qemu(502, '/config'), cicustom)).toMatch(/storage\/local, no access to this volume/);
  expect(await refusal(`${node.path}/qemu`, { vmid: 501, ...cicustom })).toMatch(/no access to this volume/);
  await admin.call('PUT', qemu(502, '/config'), cicustom);
  await user.call('PUT', qemu(502, '/config'), { ciuser: 'me' });
  await grant('/storage/local', 'PVEDatastoreAdmin');
  await user.call('PUT', qemu(502, '/config'), { cicustom: 'vendor=local:snippets/web.yaml' });
});

test('a look at the storages: on the guest, or on all of them', async () => {
  expect(await refusal(`${node.path}/qemu/rescan`, {})).toMatch(/\/vms, VM.Config.Disk/);
  await user.run('POST', `${node.path}/qemu/rescan`, { vmid: 502 });
});
