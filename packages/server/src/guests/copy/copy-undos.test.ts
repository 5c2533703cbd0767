import { link, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MemoryStore } from '../../cluster/memory-store.ts';
import { createLogger } from '../../host/log.ts';
import { dataPaths } from '../../host/paths.ts';
import { createStorageManager } from '../../storage/storage-manager.ts';
import { UndoTable } from '../../tasks/undo.ts';
import type { GuestServices } from '../guest-services.ts';
import { claimGuest, readGuest, writeGuest } from '../guest-store.ts';
import { copyUndos, settleRenameUndo } from './copy-undos.ts';

const [from, to] = ['local:100/vm-100-disk-0.raw', 'local:200/vm-200-disk-0.raw'];
let folder: string;
let services: GuestServices;
let undos: UndoTable;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryokan-undo-'));
  const paths = dataPaths(folder);
  const store = new MemoryStore();
  const log = createLogger('test', 'silent');
  services = {
    settings: { node: 'test1', port: 8006 },
    paths,
    store,
    storage: createStorageManager({ store, paths, node: 'test1', log }),
    locks: { with: (_name, work) => work(), holder: () => undefined },
    log,
  };
  undos = new UndoTable();
  copyUndos(undos, services);
  for (const vmid of [100, 200]) {
    await claimGuest(store, 'qemu', 'test1', vmid, 'test');
    await mkdir(image(String(vmid)), { recursive: true });
  }
  await configure(100, { scsi0: `${from},size=1G` });
});
afterEach(() => rm(folder, { recursive: true }));

const image = (name: string) => join(folder, 'storage/images', name);
const images = async () =>
  (await readdir(image(''), { recursive: true })).filter((name) => name.endsWith('.raw')).sort();
async function configure(vmid: number, properties: Record<string, string>): Promise<void> {
  const guest = readGuest(services.store, 'qemu', 'test1', vmid);
  await writeGuest(services.store, guest, { ...guest.file, properties }, 'test');
}
const settle = () => undos.run({ name: settleRenameUndo, args: { from, to, vmid: 100 } });

test('a volume that no configuration names by its new name gets the old one back, also when asked twice', async () => {
  await writeFile(image('200/vm-200-disk-0.raw'), 'x');
  await settle();
  await settle();
  expect(await images()).toEqual(['100/vm-100-disk-0.raw']);
});

test('a rename that broke off while the image had both names leaves the old one', async () => {
  await writeFile(image('100/vm-100-disk-0.raw'), 'x');
  await link(image('100/vm-100-disk-0.raw'), image('200/vm-200-disk-0.raw'));
  await settle();
  expect(await images()).toEqual(['100/vm-100-disk-0.raw']);
});

test('a volume that has gone over stays there', async () => {
  await configure(100, {});
  await configure(200, { scsi0: `${to},size=1G` });
  await writeFile(image('200/vm-200-disk-0.raw'), 'x');
  await settle();
  expect(await images()).toEqual(['200/vm-200-disk-0.raw']);
});

test('the name may belong to another volume of the other guest by now', async () => {
  await configure(200, { scsi0: `${to},size=1G` });
  for (const name of ['100/vm-100-disk-0.raw', '200/vm-200-disk-0.raw']) await writeFile(image(name), name);
  await settle();
  expect(await images()).toEqual(['100/vm-100-disk-0.raw', '200/vm-200-disk-0.raw']);
});
