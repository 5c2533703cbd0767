import '@ryokan/api/methods/index.ts';
import { allMethods } from '@ryokan/api/method.ts';
import { describe, expect, it } from 'vitest';
import { localCommands } from './local-commands.ts';
import { methodsAt, paramKey, paramsOf } from './manifest.ts';
import { buildCliManifest } from './manifest-build.ts';
import { testManifest } from './test-support.ts';

describe('the manifest', () => {
  const { manifest, help } = testManifest();
  const create = manifest.methods.find((one) => one.command === 'qm create');

  it('folds a family into one parameter with its count', () => {
    if (!create) throw new Error('qm create is missing');
    const params = paramsOf(manifest, create);
    expect(Object.keys(params)).toEqual([
      'node',
      'vmid',
      'memory',
      'onboot',
      'tags',
      'cipassword',
      'sshkeys',
      'net[n]',
    ]);
    expect(params['net[n]']).toEqual({ type: 'string', family: 4 });
    expect(paramKey(params, 'net3')).toBe('net[n]');
    expect(paramKey(params, 'toString')).toBeUndefined();
  });

  it('stores equal parameters once', () => {
    const vmids = manifest.methods.flatMap((one) => ('vmid' in one.params ? [one.params.vmid] : []));
    expect(vmids.length).toBeGreaterThan(3);
    expect(new Set(vmids).size).toBe(1);
  });

  it('keeps texts for help apart', () => {
    expect(help.methods[manifest.methods.indexOf(create as never)]).toBe('Creates a virtual machine.');
    expect(help.defs[create?.params['net[n]'] ?? -1]).toEqual({
      description: 'A network device.',
      synopsis: '[model=]<virtio|e1000> [,bridge=<bridge-id>] [,firewall=<1|0>]',
    });
    expect(JSON.stringify(manifest)).not.toContain('Memory in MiB');
  });
});

describe('paths', () => {
  const { manifest } = testManifest();
  const at = (path: string) => methodsAt(manifest, path).map((one) => [one.method.id, one.values]);

  it('finds every verb of a path', () => {
    expect(at('/nodes/pve1/qemu/100/config/')).toEqual([
      ['qemu.config.get', { node: 'pve1', vmid: '100' }],
      ['qemu.config.set', { node: 'pve1', vmid: '100' }],
    ]);
    expect(at('nodes//pve1/nothing')).toEqual([]);
  });

  it('takes the rest of the path as a volume', () => {
    expect(at('/nodes/pve1/storage/local/content/local:iso/a.iso')).toEqual([
      ['storage.free', { node: 'pve1', storage: 'local', volume: 'local:iso/a.iso' }],
    ]);
  });
});

describe('the real registry', () => {
  const methods = allMethods();
  const { manifest, help } = buildCliManifest(methods, '0');

  it('has every method', () => {
    expect(manifest.methods.map((one) => one.id)).toEqual(methods.map((one) => one.id));
    expect(help.methods).toHaveLength(methods.length);
    expect(help.defs).toHaveLength(manifest.defs.length);
  });

  it('takes positional arguments and columns that exist', () => {
    for (const method of manifest.methods) {
      for (const name of method.args ?? []) {
        expect(paramKey(paramsOf(manifest, method), name), `${method.id}: <${name}>`).toBe(name);
      }
      const fields = method.result.fields?.map((field) => field.name);
      if (fields) for (const column of method.columns ?? []) expect(fields, method.id).toContain(column);
    }
  });

  it('gives each command words of its own', () => {
    const words = manifest.methods.flatMap((one) =>
      one.command ? [one.command, ...(one.aliases ?? [])] : [],
    );
    expect(words.filter((one, i) => words.indexOf(one) !== i)).toEqual([]);
    const own = localCommands.map((one) => one.spec.words).filter((one) => one !== 'pveversion');
    expect(own.filter((one) => words.includes(one))).toEqual([]);
  });

  it('fits into what can be read in a moment', () => {
    expect(JSON.stringify(manifest).length).toBeLessThan(400_000);
  });
});
