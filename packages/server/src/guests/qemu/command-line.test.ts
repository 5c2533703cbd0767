/**
 * Golden cases: test/qemu-command-line/<case>.{conf,args}. After a wanted change, UPDATE_GOLDEN=1 writes the .args
 * anew; read the difference before it is committed. test/integration/qemu-command-line.test.ts starts QEMU with them.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  caseNames,
  casesFolder,
  exampleHost,
  formatArguments,
  readCase,
} from '../../../../../test/qemu-command-line/cases.ts';
import { optionText, splitWords } from './arguments.ts';
import { qemuCommandLine } from './command-line.ts';
import { requireQemuConfig } from './config.ts';
import type { QemuHost } from './host-input.ts';
import { startCommands } from './start-commands.ts';

describe('golden cases', () => {
  it.each(caseNames())('%s', (name) => {
    const { config, host, argsFile } = readCase(name);
    const notes: string[] = [];
    const args = qemuCommandLine(config, host, (note) => notes.push(note));
    const text = formatArguments(args, notes);
    if (process.env.UPDATE_GOLDEN) writeFileSync(argsFile, text);
    expect(text).toBe(existsSync(argsFile) ? readFileSync(argsFile, 'utf8') : '(no golden file)');
  });

  it('has a configuration for every expected result', () => {
    const results = readdirSync(casesFolder).filter((name) => name.endsWith('.args'));
    expect(results.map((name) => name.slice(0, -'.args'.length)).sort()).toEqual(caseNames());
  });
});

function commandLine(properties: Record<string, string>, host: Partial<QemuHost> = {}): string[] {
  const config = requireQemuConfig({ memory: '512', ...properties }, 100);
  return qemuCommandLine(config, { ...exampleHost(config), ...host });
}

describe('what cannot be is refused with the key and the reason', () => {
  const disk = 'local:100/vm-100-disk-0.qcow2';
  const mac = 'virtio=BC:24:11:00:00:01';
  it.each<[Record<string, string>, string, Partial<QemuHost>?]>([
    [{ arch: 'aarch64' }, 'unsupported: arch: this node runs x86_64'],
    [{ machine: 'virt' }, "unsupported: machine: 'virt' is for ARM"],
    [{ machine: 'pc-q35-9.2+pve1' }, "unsupported: machine: 'pc-q35-9.2' needs QEMU 9.2, this node has 7.2"],
    [{ machine: 'viommu=intel' }, 'parameter: machine: viommu=intel needs the chipset q35'],
    [{ machine: 'q35,viommu=intel,aw-bits=40' }, 'parameter: machine: aw-bits'],
    [{ 'amd-sev': 'std' }, 'unsupported: amd-sev:'],
    [{ 'intel-tdx': 'tdx' }, 'unsupported: intel-tdx:'],
    [{ cpu: 'custom-mine' }, "failed: cpu: the custom model 'custom-mine' was not prepared"],
    [
      { cpu: 'EPYC-Turin' },
      "unsupported: cpu: QEMU 7.2 does not know the processor type 'EPYC-Turin'",
      { cpuModels: new Set(['EPYC']) },
    ],
    [{ cores: '2', vcpus: '3' }, 'parameter: vcpus: 3 are more than sockets × cores = 2'],
    [{ cores: '3', sockets: '3' }, 'parameter: cores: 9 CPUs are more than this node has (8)'],
    [{ memory: '16385' }, 'parameter: memory: 16385 MiB are more than this node has (16384 MiB)'],
    [{ balloon: '1024' }, 'parameter: balloon: 1024 MiB are more than memory (512 MiB)'],
    [{ numa: '1', sockets: '3' }, 'parameter: numa: 512 MiB cannot be divided evenly between 3 sockets'],
    [{ numa: '1', numa0: 'cpus=0,memory=500' }, 'parameter: numa: its nodes have 500 MiB together'],
    [{ numa: '1', numa0: 'cpus=0' }, 'parameter: numa0: memory is missing'],
    [{ numa: '1', numa0: 'cpus=0,memory=512,policy=bind' }, 'parameter: numa0: policy needs hostnodes'],
    [{ hugepages: '1024' }, 'parameter: hugepages: 512 MiB cannot be divided into pages of 1024 MiB'],
    [{ hugepages: '2' }, 'unsupported: hugepages: this node has no huge pages', { hugepagePaths: {} }],
    [{ virtio0: 'none,media=cdrom' }, 'parameter: virtio0: a VirtIO block device cannot be a CD-ROM'],
    [{ scsi0: `${disk},snapshot=1` }, 'unsupported: scsi0: snapshot=1'],
    [{ scsi0: `${disk},aio=native,cache=writeback` }, 'parameter: scsi0: aio=native needs cache=none'],
    [{ scsi0: 'tmp:1/a.qcow2,aio=native' }, 'parameter: scsi0: aio=native needs'],
    [{ scsi0: `${disk},aio=io_uring` }, 'unsupported: scsi0: this node has no io_uring', { ioUring: false }],
    [{ scsi0: `${disk},serial=${'x'.repeat(21)}` }, 'parameter: scsi0: the serial number'],
    [{ scsi0: `${disk},serial=%E6` }, "parameter: scsi0: serial='%E6' is not URL-encoded"],
    [{ scsi0: `${disk},iops=10,iops_rd=5` }, 'parameter: scsi0: iops is the limit for reads and writes'],
    [{ scsi0: `${disk},mbps=10,mbps_wr=5` }, 'parameter: scsi0: mbps is the limit for reads and writes'],
    [{ scsi0: `${disk},mbps_max=5` }, 'parameter: scsi0: the burst limit of bps must not be below'],
    [{ scsi0: `${disk},iops=10,iops_max=5` }, 'parameter: scsi0: the burst limit of iops'],
    [{ scsi0: disk }, `failed: scsi0: its volume '${disk}' was not prepared`, { volumes: {} }],
    [{ net0: `${mac},bridge=vmbr0` }, "failed: net0: a tap device on 'vmbr0' was not prepared", { taps: {} }],
    [{ net0: 'virtio' }, 'parameter: net0: macaddr is missing'],
    [
      { net0: `${mac},bridge=vmbr0,mtu=1501` },
      "parameter: net0: mtu=1501 is larger than that of the bridge 'vmbr0'",
    ],
    [{ net0: `${mac},mtu=500` }, 'parameter: net0: mtu=500 is below 576'],
    [{ vga: 'serial1' }, "parameter: vga: 'serial1' needs that port: set 'serial1: socket'"],
    [{ usb0: 'spice' }, 'parameter: usb0: devices of a viewer come by SPICE'],
    [{ usb0: 'usb3=1' }, 'parameter: usb0: host or mapping is missing'],
    [{ usb0: 'mapping=key1' }, 'failed: usb0: its mapping was not prepared'],
    [{ agent: '1,type=isa', serial3: 'socket' }, 'parameter: agent: type=isa takes the port of serial3'],
    [{ hostpci0: '01:00.0,pcie=1' }, 'parameter: hostpci0: pcie=1 needs machine: q35'],
    [{ hostpci0: '01:00.0,legacy-igd=1' }, 'unsupported: hostpci0: legacy mode'],
    [
      { hostpci0: '01:00.0,romfile=../../var/lib/ryokan/storage/images/101/vm-101-disk-0.raw' },
      'parameter: hostpci0: romfile is the name of a file in /usr/share/kvm',
      { pciDevices: { hostpci0: { functions: ['0000:01:00.0'] } } },
    ],
    [{ hostpci0: '01:00.0' }, 'failed: hostpci0: the PCI device was not prepared', { pciDevices: {} }],
    [{ tpmstate0: disk }, 'failed: tpmstate0: the socket of swtpm', { tpmSocket: undefined }],
    [{ virtiofs0: 'share' }, 'failed: virtiofs0: the socket of virtiofsd', { virtiofsSockets: {} }],
    [{ bios: 'ovmf' }, 'failed: efidisk0: a temporary copy', { temporaryEfiVars: undefined }],
    [{ bios: 'ovmf', efidisk0: disk }, 'failed: efidisk0: its volume', { volumes: {} }],
    [{ args: '-name "open' }, 'parameter: args: a quote is not closed'],
    [{}, "unsupported: the path '/", { runDir: `/${'long/'.repeat(20)}` }],
  ])('%j: %s', (properties, expected, host) => {
    const [code, ...text] = expected.split(': ');
    expect(() => commandLine(properties, host)).toThrowError(
      expect.objectContaining({ code, message: expect.stringContaining(text.join(': ')) }),
    );
  });

  it('names every wrong value at once', () => {
    expect(() => requireQemuConfig({ cores: '0', net0: 'bridge=vmbr0', name: 'ok' }, 100)).toThrowError(
      /VM 100 has wrong values: cores: value must have a minimum value of 1; net0: invalid format/,
    );
  });
});

describe('values cannot leave their place', () => {
  it('doubles commas', () => {
    expect(optionText('ide-hd', { serial: 'a,bootindex=0', ro: false, x: undefined })).toBe(
      'ide-hd,serial=a,,bootindex=0,ro=off',
    );
    const line = commandLine({ ide0: 'local:100/vm-100-disk-0.qcow2,serial=a%2Cbootindex%3D0' });
    expect(line.find((arg) => arg.startsWith('ide-hd'))).toContain('serial=a,,bootindex=0');
  });

  it('keeps a folder with a comma together', () => {
    const line = commandLine({}, { runDir: '/data,1/run' });
    expect(line).toContain('socket,id=qmp,path=/data,,1/run/100.qmp,server=on,wait=off');
    expect(line).toContain('unix:/data,,1/run/100.vnc,password=on');
  });
});

describe('splitWords', () => {
  it.each([
    ['-a b', ['-a', 'b']],
    ['  -a   b\tc ', ['-a', 'b', 'c']],
    [`'a b' "c d" e\\ f`, ['a b', 'c d', 'e f']],
    [`-x "it's" 'say "no"'`, ['-x', "it's", 'say "no"']],
    [`a"b c"d`, ['ab cd']],
    [`"a\\"b\\\\c\\d"`, ['a"b\\c\\d']],
    [`-a ''`, ['-a', '']],
    ['', []],
    ['"open', undefined],
    ["'open", undefined],
  ])('%j', (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });
});

it('startCommands: cables, balloon target, statistics', () => {
  const config = requireQemuConfig(
    {
      memory: '2048',
      balloon: '512',
      net0: 'virtio=BC:24:11:00:00:01',
      net1: 'virtio=BC:24:11:00:00:02,link_down=1',
    },
    100,
  );
  expect(startCommands(config)).toEqual([
    { execute: 'set_link', arguments: { name: 'net1', up: false } },
    { execute: 'balloon', arguments: { value: 512 * 1024 * 1024 } },
    {
      execute: 'qom-set',
      arguments: { path: '/machine/peripheral/balloon0', property: 'guest-stats-polling-interval', value: 2 },
    },
  ]);
  expect(startCommands({ balloon: 0 })).toEqual([]);
});
