import { describe, expect, it } from 'vitest';
import {
  commandOf,
  createParams,
  type Draft,
  defaultDisk,
  defaultNic,
  diskKeys,
  emptyDraft,
  problemsOf,
  stepOf,
  withIso,
  withOsType,
} from './draft.ts';

const ready: Draft = {
  ...emptyDraft,
  node: 'pve1',
  vmid: '100',
  name: 'web-1',
  iso: 'local:iso/debian.iso',
  disks: [{ ...defaultDisk, storage: 'local' }],
  nics: [{ ...defaultNic, bridge: 'vmbr0' }],
};

describe('createParams', () => {
  it('makes a whole VM of the defaults', () => {
    expect(createParams(ready)).toEqual({
      node: 'pve1',
      vmid: '100',
      name: 'web-1',
      ostype: 'l26',
      machine: 'q35',
      sockets: '1',
      cores: '2',
      cpu: 'x86-64-v2-AES',
      memory: '2048',
      scsihw: 'virtio-scsi-single',
      scsi0: 'local:32,discard=on,iothread=1,ssd=1',
      ide2: 'local:iso/debian.iso,media=cdrom',
      net0: 'virtio,bridge=vmbr0',
      boot: 'order=scsi0;ide2;net0',
      start: '1',
    });
  });
  it('passes the schema of the API', () => {
    expect(problemsOf(ready)).toEqual({});
    expect(problemsOf({ ...ready, bios: 'ovmf', efiStorage: 'local', vga: 'serial0', tags: 'a;b' })).toEqual(
      {},
    );
  });
  it('adds the EFI disk with OVMF, and serial0 when the display is on it', () => {
    const params = createParams({
      ...ready,
      bios: 'ovmf',
      efiStorage: 'local',
      efiKeys: true,
      vga: 'serial0',
    });
    expect(params.efidisk0).toBe('local:1,efitype=4m,pre-enrolled-keys=1');
    expect([params.vga, params.serial0]).toEqual(['serial0', 'socket']);
  });
  it('leaves the bridge out for user networking, and takes MAC and VLAN', () => {
    expect(createParams({ ...ready, nics: [defaultNic] }).net0).toBe('virtio');
    const nic = {
      ...defaultNic,
      model: 'e1000e' as const,
      bridge: 'vmbr0',
      mac: 'bc:24:11:00:00:01',
      tag: '20',
    };
    expect(createParams({ ...ready, nics: [nic] }).net0).toBe('e1000e=BC:24:11:00:00:01,bridge=vmbr0,tag=20');
  });
  it('does without disk, network and medium', () => {
    const params = createParams({ ...ready, disks: [], nics: [], media: 'none' });
    expect(Object.keys(params).some((key) => /^(scsi\d|net|ide|boot)/.test(key))).toBe(false);
  });
  it('writes ballooning as the API has it', () => {
    expect(createParams({ ...ready, ballooning: false }).balloon).toBe('0');
    expect(createParams({ ...ready, balloon: '1024' }).balloon).toBe('1024');
  });
});

describe('disk keys', () => {
  it('count up by bus and spare the place of the CD-ROM', () => {
    const disk = (bus: 'scsi' | 'ide') => ({ ...defaultDisk, bus });
    const disks = [disk('scsi'), disk('ide'), disk('ide'), disk('ide'), disk('scsi')];
    expect(diskKeys(disks, true)).toEqual(['scsi0', 'ide0', 'ide1', 'ide3', 'scsi1']);
    expect(diskKeys(disks, false)).toEqual(['scsi0', 'ide0', 'ide1', 'ide2', 'scsi1']);
  });
});

describe('problems', () => {
  it('come from the schema and name the parameter', () => {
    const bad = { ...ready, vmid: '99', name: 'a b', memory: '8', nics: [{ ...defaultNic, mac: 'xyz' }] };
    const problems = problemsOf(bad);
    expect(Object.keys(problems).sort()).toEqual(['memory', 'name', 'net0', 'vmid']);
    expect(problems.vmid).toContain('minimum value of 100');
  });
  it('name choices that are missing', () => {
    expect(Object.keys(problemsOf({ ...emptyDraft, node: 'n', vmid: '100' })).sort()).toEqual([
      'ide2',
      'scsi0',
    ]);
    expect(problemsOf({ ...ready, disks: [{ ...defaultDisk, storage: 'local', size: '' }] }).scsi0).toContain(
      'number',
    );
    expect(problemsOf({ ...ready, bios: 'ovmf' })).toHaveProperty('efidisk0');
  });
  it('know their step', () => {
    expect([stepOf('ide2'), stepOf('ide0'), stepOf('net3'), stepOf('efidisk0'), stepOf('what')]).toEqual([
      'os',
      'disks',
      'network',
      'system',
      'general',
    ]);
  });
});

describe('withOsType', () => {
  it('chooses devices that Windows can install on, and goes back', () => {
    const windows = withOsType(ready, 'win11');
    expect([windows.disks[0]?.bus, windows.nics[0]?.model, windows.bios, windows.memory]).toEqual([
      'sata',
      'e1000e',
      'ovmf',
      '4096',
    ]);
    const linux = withOsType(windows, 'l26');
    expect([linux.disks[0]?.bus, linux.nics[0]?.model, linux.bios]).toEqual(['scsi', 'virtio', 'seabios']);
  });
  it('keeps what was chosen by hand', () => {
    const chosen: Draft = { ...ready, disks: [{ ...defaultDisk, bus: 'virtio' }], memory: '512' };
    const windows = withOsType(chosen, 'win11');
    expect([windows.disks[0]?.bus, windows.memory]).toEqual(['virtio', '512']);
  });
});

describe('withIso', () => {
  const guess = (iso: string) => withIso(emptyDraft, iso).ostype;
  it('knows Windows by the name of its image', () => {
    expect(guess('local:iso/Win11_25H2_Japanese_x64.iso')).toBe('win11');
    expect(guess('local:iso/ja-jp_windows_server_2019_x64.iso')).toBe('win10');
    expect(guess('local:iso/Windows10.iso')).toBe('win10');
    expect(guess('local:iso/SERVER_2012_R2.iso')).toBe('win8');
  });
  it('takes everything else, also the drivers for Windows, for Linux', () => {
    expect(guess('local:iso/debian-13.1.0-amd64-netinst.iso')).toBe('l26');
    expect(guess('local:iso/virtio-win-0.1.285.iso')).toBe('l26');
    expect(guess('local:iso/darwin-2022.iso')).toBe('l26');
  });
  it('leaves a choice alone', () => {
    const chosen = { ...emptyDraft, ostype: 'other' as const, ostypeChosen: true };
    expect(withIso(chosen, 'local:iso/Win11.iso').ostype).toBe('other');
  });
});

describe('commandOf', () => {
  it('quotes what a shell would read otherwise', () => {
    const command = commandOf({ ...ready, tags: "a;b'c" });
    expect(command.startsWith('qm create 100 --name web-1 ')).toBe(true);
    expect(command).toContain(`--tags 'a;b'\\''c'`);
    expect(command).toContain(`--boot 'order=scsi0;ide2;net0'`);
    expect(command).not.toContain('--node');
  });
});
