/**
 * Golden cases: test/lxc-config/<case>.conf to <case>.lxc. After a wanted change, UPDATE_GOLDEN=1 writes the .lxc anew;
 * read the difference before it is committed.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lxcMountKeys, lxcNetKeys } from '@ryokan/api/schema/lxc-config.ts';
import { describe, expect, it } from 'vitest';
import { parseConfigFile, serializeConfigFile } from '../config-file.ts';
import { parseCard } from './card.ts';
import { type LxcConfig, requireLxcConfig } from './config.ts';
import { type LxcHost, stage } from './host-input.ts';
import { idRanges } from './ids.ts';
import { lxcText } from './lxc-text.ts';
import { chosenCpus } from './start-host.ts';
import { parseVolume } from './volume-value.ts';

const folder = fileURLToPath(new URL('../../../../../test/lxc-config', import.meta.url));
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.conf'))
  .map((name) => name.slice(0, -'.conf'.length));

/** What a node of four CPUs and control groups of version 1 or 2 would have prepared. */
function exampleHost(config: LxcConfig, cgroupVersion: 1 | 2 = 2): LxcHost {
  const cpus = chosenCpus(config.cores, 100, 4);
  return {
    vmid: 100,
    cgroup: 'ryokan-node1/100',
    cgroupVersion,
    countsSwap: true,
    ...(cpus === undefined ? {} : { cpus }),
    ids: idRanges(config),
    mounts: lxcMountKeys.flatMap((key) => {
      const text = config[key];
      if (text === undefined) return [];
      const { mp = '', ro } = parseVolume(key, text);
      return [{ source: `${stage}/${key}`, target: mp, kind: 'dir', options: ro ? ['ro'] : [] }];
    }),
    cards: lxcNetKeys.flatMap((key, index) => {
      const text = config[key];
      return text === undefined
        ? []
        : [{ index, device: `vetp100i${index}`, mtu: parseCard(key, text).mtu ?? 1500 }];
    }),
    devices: config.dev0 === undefined ? [] : ['c 10:200 rwm'],
    lxcfs: ['/proc/meminfo'],
    seccomp: '/data/run/lxc/100/seccomp',
    apparmor: false,
  };
}

function readCase(name: string): LxcConfig {
  const { properties } = parseConfigFile(readFileSync(join(folder, `${name}.conf`), 'utf8'), name);
  return requireLxcConfig(properties, 100);
}

describe.each(names)('%s', (name) => {
  it('becomes the text that LXC gets', () => {
    const config = readCase(name);
    const text = lxcText(config, exampleHost(config));
    const file = join(folder, `${name}.lxc`);
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, text);
    expect(text).toBe(existsSync(file) ? readFileSync(file, 'utf8') : '(no golden file)');
  });
});

it('limits of control groups of version 1 have other names and another sum', () => {
  const config = readCase('privileged');
  const lines = lxcText(config, exampleHost(config, 1)).split('\n');
  expect(
    lines
      .filter((line) => line.startsWith('lxc.cgroup.'))
      .filter((line) => !/devices|dir|relative/.test(line)),
  ).toEqual([
    'lxc.cgroup.memory.limit_in_bytes = 1073741824',
    'lxc.cgroup.memory.memsw.limit_in_bytes = 1073741824',
    'lxc.cgroup.cpu.cfs_quota_us = 50000',
    'lxc.cgroup.cpu.shares = 2048',
    'lxc.cgroup.cpuset.cpus = 0',
  ]);
});

it('with AppArmor LXC makes the profile, and itself mounts what nesting needs', () => {
  const config = readCase('nested');
  const text = lxcText(config, { ...exampleHost(config), apparmor: true });
  expect(text).toContain('lxc.apparmor.profile = generated\nlxc.apparmor.allow_nesting = 1\n');
  expect(text).not.toContain('dev/.lxc');
});

it('a value cannot bring a line of its own', () => {
  const config = { ...readCase('small'), hostname: 'a\nlxc.hook.start = /bin/evil' };
  expect(() => lxcText(config, exampleHost(readCase('small')))).toThrow('line break');
});

it('raw lines keep their order and come back as they were', () => {
  const text = readFileSync(join(folder, 'nested.conf'), 'utf8');
  expect(serializeConfigFile(parseConfigFile(text, 'nested'))).toBe(text);
});

it.each([
  [{ unprivileged: true }, [{ container: 0, host: 100_000, count: 65_536 }]],
  [{}, []],
  [{ unprivileged: true, lxc: 'lxc.idmap: b 0 300000 10' }, [{ container: 0, host: 300_000, count: 10 }]],
])('ids of %j', (config, ranges) => {
  expect(idRanges(config)).toEqual(ranges);
});

it('refuses different ranges for users and groups', () => {
  const lxc = 'lxc.idmap: u 0 300000 10\nlxc.idmap: g 0 400000 10';
  expect(() => idRanges({ unprivileged: true, lxc })).toThrow('different ranges');
});

it.each([
  [undefined, 100, undefined],
  [4, 100, undefined],
  [1, 101, '1'],
  [2, 101, '2,3'],
  [3, 101, '0,1,3'],
])('%s cores of guest %i', (cores, vmid, cpus) => {
  expect(chosenCpus(cores, vmid, 4)).toBe(cpus);
});
