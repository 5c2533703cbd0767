import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../cluster/memory-store.ts';
import { createLogger } from '../host/log.ts';
import { createMemoryDriver, type MemoryDriver } from './drivers/memory.ts';
import type { StorageManager } from './manager.ts';
import type { StorageTypes } from './registry.ts';
import { createStorageManager } from './storage-manager.ts';

const MiB = 1024 * 1024;
const document = `memory: one
	content images,iso

memory: off
	disable

memory: elsewhere
	nodes pve2,pve3

memory: plain

nfs: strange
	server 10.0.0.1
`;

let store: MemoryStore;
let manager: StorageManager;
let made: string[];
let activations: number;

const types: StorageTypes = {
  memory: {
    create: (config) => {
      made.push(config.storage);
      const driver = createMemoryDriver(config);
      driver.activate = async () => {
        activations++;
        if (config.properties.broken) throw new Error('no such device');
      };
      return driver;
    },
    required: [],
    fixed: [],
    defaultContent: ['images'],
  },
};

const write = (text: string) => store.commit([], [{ path: 'storage.cfg', text }]);

beforeEach(async () => {
  store = new MemoryStore();
  made = [];
  activations = 0;
  await write(document);
  manager = createStorageManager({
    store,
    node: 'pve1',
    paths: { storage: '/nowhere' },
    log: createLogger('test', 'silent'),
    types,
  });
});

describe('storages of a node', () => {
  it('are those that are meant for it', () => {
    expect(manager.configs().map((config) => config.storage)).toEqual(['one', 'off', 'plain', 'strange']);
  });

  it('say why they cannot be used', async () => {
    const refused = async (storage: string) => {
      const error = await manager.driver(storage).catch((one: unknown) => one);
      return [(error as { code: string }).code, (error as Error).message];
    };
    expect(await refused('nope')).toEqual(['not-found', "storage 'nope' does not exist"]);
    expect(await refused('off')).toEqual(['state', "storage 'off' is disabled"]);
    expect(await refused('elsewhere')).toEqual([
      'state',
      "storage 'elsewhere' is not available on node 'pve1'",
    ]);
    expect((await refused('strange'))[1]).toMatch(/type 'nfs', which is not supported; supported: memory/);
    expect(await refused('toString')).toEqual(['not-found', "storage 'toString' does not exist"]);
  });

  it('keep their driver until their definition changes', async () => {
    const first = await manager.driver('one');
    expect(await manager.driver('one')).toBe(first);
    await Promise.all([manager.driver('plain'), manager.driver('plain'), manager.driver('plain')]);
    expect(made).toEqual(['one', 'plain']);
    expect(activations).toBe(2);
    await write(document.replace('content images,iso', 'content images'));
    expect(await manager.driver('one')).not.toBe(first);
    expect(made).toEqual(['one', 'plain', 'one']);
    await manager.driver('plain');
    expect(made).toHaveLength(3);
    await write(document.replace('memory: plain', ''));
    await expect(manager.driver('plain')).rejects.toThrow(/does not exist/);
  });

  it('are shown as offline when they cannot be reached, and tried again', async () => {
    await write('memory: bad\n\tbroken 1\n');
    expect(await manager.summary('bad')).toMatchObject({ active: false, enabled: true, total: 0 });
    await expect(manager.driver('bad')).rejects.toThrow(/no such device/);
    expect(activations).toBe(2);
  });

  it('have a summary also when disabled or foreign', async () => {
    expect(await manager.summary('one')).toMatchObject({
      active: true,
      enabled: true,
      content: ['images', 'iso'],
    });
    expect(await manager.summary('plain')).toMatchObject({ content: ['images'] });
    expect(await manager.summary('off')).toMatchObject({ active: false, enabled: false });
    expect(await manager.summary('elsewhere')).toMatchObject({ active: false, enabled: true });
    expect(await manager.summary('strange')).toMatchObject({ active: false });
  });

  it('hold only the content that they are allowed', () => {
    manager.demandContent('one', 'iso');
    expect(() => manager.demandContent('one', 'backup')).toThrow(
      "storage 'one' does not support content type 'backup' (allowed: images, iso)",
    );
    manager.demandContent('plain', 'images');
    expect(() => manager.demandContent('plain', 'iso')).toThrow(/allowed: images/);
    expect(() => manager.demandContent('nope', 'iso')).toThrow("storage 'nope' does not exist");
  });

  it('are the default ones before there is a document', async () => {
    await store.commit([], [{ path: 'storage.cfg', text: null }]);
    expect(manager.configs()).toMatchObject([{ storage: 'local', properties: { path: '/nowhere' } }]);
  });
});

describe('volume ids', () => {
  it('go in and out', async () => {
    const volid = await manager.allocate('one', { vmid: 100, format: 'qcow2', size: MiB });
    expect(volid).toBe('one:100/vm-100-disk-0.qcow2');
    expect(await manager.info(volid)).toMatchObject({ volid, vmid: 100 });
    expect((await manager.list('one')).map((volume) => volume.volid)).toEqual([volid]);
    await manager.resize(volid, 2 * MiB);
    expect((await manager.info(volid)).size).toBe(2 * MiB);
    const driver = (await manager.driver('one')) as MemoryDriver;
    const base = await driver.makeBase('100/vm-100-disk-0.qcow2');
    const clone = await driver.linkedClone(base, 101);
    expect(await manager.info(`one:${clone}`)).toMatchObject({ parent: `one:${base}` });
    await manager.remove(`one:${clone}`);
    await expect(manager.info(`one:${clone}`)).rejects.toThrow(`volume 'one:${clone}' does not exist`);
  });

  it.each(['one:../x', 'nocolon', 'one:', ':x', '/etc/passwd', 'one:iso/..'])('refuse %j', async (volid) => {
    await expect(manager.info(volid)).rejects.toMatchObject({ code: 'parameter' });
    await expect(manager.remove(volid)).rejects.toMatchObject({ code: 'parameter' });
    await expect(manager.path(volid)).rejects.toMatchObject({ code: 'parameter' });
    await expect(manager.blockSource(volid)).rejects.toMatchObject({ code: 'parameter' });
  });
});
