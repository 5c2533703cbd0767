import { describe, expect, it } from 'vitest';
import { ParameterError, RyokanError } from '../errors.ts';
import {
  formatImageName,
  isSafeFileName,
  parseVolumeId,
  parseVolumeName,
  sanitizeFileName,
  tryParseArchiveMember,
  tryParseVolumeName,
  uploadFileName,
} from './volume-id.ts';

describe('volume names', () => {
  it('knows images, their owner and their format', () => {
    expect(parseVolumeName('100/vm-100-disk-0.qcow2')).toEqual({
      kind: 'image',
      vmid: 100,
      file: 'vm-100-disk-0.qcow2',
      format: 'qcow2',
      folder: true,
      isBase: false,
    });
    expect(parseVolumeName('100/base-100-disk-1.raw')).toMatchObject({ isBase: true, format: 'raw' });
    expect(parseVolumeName('100/by-hand.vmdk')).toMatchObject({ vmid: 100, format: 'vmdk' });
    expect(parseVolumeName('vm-100-disk-0')).toMatchObject({ vmid: 100, format: 'raw', folder: false });
    expect(parseVolumeName('subvol-100-disk-0')).toMatchObject({ format: 'subvol', isBase: false });
  });

  it('knows linked clones by the base in front', () => {
    const name = '100/base-100-disk-0.raw/101/vm-101-disk-0.qcow2';
    const clone = parseVolumeName(name);
    expect(clone).toMatchObject({
      kind: 'image',
      vmid: 101,
      base: { vmid: 100, file: 'base-100-disk-0.raw' },
    });
    expect(clone.kind === 'image' && formatImageName(clone, clone.base)).toBe(name);
    expect(parseVolumeName('base-100-disk-0/vm-101-disk-0')).toMatchObject({
      vmid: 101,
      base: { file: 'base-100-disk-0' },
    });
    expect(tryParseVolumeName('100/vm-100-disk-0.raw/101/vm-101-disk-0.qcow2')).toBeUndefined();
  });

  it.each([
    ['iso/debian 12.iso', 'iso', 'iso'],
    ['iso/X.IMG', 'iso', 'iso'],
    ['iso/日本語.iso', 'iso', 'iso'],
    ['vztmpl/debian-12.tar.zst', 'vztmpl', 'tzst'],
    ['vztmpl/a.tar.gz', 'vztmpl', 'tgz'],
    ['vztmpl/alpine_3.20.tar', 'vztmpl', 'tar'],
    ['backup/vzdump-lxc-101-2026_01_02-03_04_05.tar.zst', 'backup', 'tar.zst'],
    ['backup/old.vma', 'backup', 'vma'],
    ['snippets/user.yaml', 'snippets', 'snippet'],
    ['snippets/noextension', 'snippets', 'snippet'],
    ['import/x.qcow2', 'import', 'qcow2'],
    ['import/x.ova', 'import', 'ova'],
    ['import/x.img', 'import', 'raw'],
    ['import/x.vhdx', 'import', 'vhdx'],
  ])('reads %s', (name, content, format) => {
    expect(parseVolumeName(name)).toMatchObject({ kind: 'file', content, format, file: name.split('/')[1] });
  });

  it('knows files inside an OVA, which are no volumes', () => {
    expect(tryParseArchiveMember('local:import/x.ova/disk 1.VMDK')).toEqual({
      archive: 'local:import/x.ova',
      member: 'disk 1.VMDK',
      format: 'vmdk',
    });
    for (const other of ['local:import/x.ova', 'local:import/x.ovf/a.vmdk', 'local:import/x.ova/../a.vmdk']) {
      expect(tryParseArchiveMember(other)).toBeUndefined();
    }
    expect(tryParseVolumeName('import/x.ova/disk1.vmdk')).toBeUndefined();
  });

  it('reads owner and time from the name of a backup', () => {
    const backup = parseVolumeName('backup/vzdump-qemu-100-2026_01_31-23_59_58.vma.zst');
    expect(backup).toMatchObject({ vmid: 100, ctime: new Date(2026, 0, 31, 23, 59, 58).getTime() / 1000 });
  });

  /** None of these may ever become a path. */
  const attacks = [
    '',
    '/',
    '.',
    '..',
    '../etc/passwd',
    'iso/../../etc/passwd',
    'iso/..',
    'iso/../x.iso',
    'iso//x.iso',
    'iso/x.iso/',
    '/iso/x.iso',
    '/etc/passwd',
    'iso/%2e%2e%2fx.iso',
    'iso/%2e%2e.iso',
    'iso/x.iso\0',
    'iso/x\0.iso',
    'iso/x\n.iso',
    'iso/x.iso\n',
    'iso/\u2028x.iso',
    'iso/.hidden.iso',
    'iso/.iso',
    'iso/..iso',
    'iso/..\\..\\x.iso',
    'iso/x.iso,media=cdrom',
    'iso/x?.iso',
    'iso/x#.iso',
    'iso/ x.iso',
    'iso/x.txt',
    'iso/x.iso.sh',
    `iso/${'a'.repeat(252)}.iso`,
    `iso/${'語'.repeat(90)}.iso`,
    'vztmpl/x.tgz',
    'import/x.sh',
    'private/100',
    'rootdir/../x',
    '100/../101/vm-101-disk-0.raw',
    '100/..',
    '100/.raw',
    '100/.vm-100-disk-0.raw',
    '100/vm-100-disk-0',
    '100/vm 100.raw',
    '100/a/b.raw',
    '99/vm-99-disk-0.raw',
    '0100/vm-100-disk-0.raw',
    '1000000000/vm-1-disk-0.raw',
    '١٠٠/vm-100-disk-0.raw',
    '100/base-100-disk-0.raw/../../vm-101-disk-0.qcow2',
    '100/base-100-disk-0.raw/101/..',
    '../base-100-disk-0.raw/101/vm-101-disk-0.qcow2',
    'base-100-disk-0/../vm-101-disk-0',
    'vm-100-disk-0/vm-101-disk-0',
    'vm-100-..',
    'vm-100-/x',
    'a'.repeat(2000),
  ];

  it.each(attacks.map((name) => [name]))('refuses %j', (name) => {
    expect(tryParseVolumeName(name)).toBeUndefined();
    expect(() => parseVolumeName(name)).toThrow(RyokanError);
    try {
      parseVolumeName(name);
    } catch (error) {
      // The text goes into logs and reason phrases: one line, not too long.
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
      expect((error as Error).message).not.toMatch(/[\x00-\x1f\u2028]/);
      expect((error as Error).message.length).toBeLessThan(200);
    }
  });
});

describe('volume ids', () => {
  it('splits at the first colon', () => {
    expect(parseVolumeId('local:iso/a:b.iso')).toEqual({ storage: 'local', name: 'iso/a:b.iso' });
  });

  it.each([
    ['local'],
    [':iso/x.iso'],
    ['local:'],
    ['../x:iso/x.iso'],
    ['/etc:x'],
    ['a:b'],
    ['lo cal:x'],
    [''],
  ])('refuses %j', (volid) => {
    expect(() => parseVolumeId(volid)).toThrow(/unable to parse volume ID/);
  });
});

describe('names of uploads', () => {
  it.each([
    ['My ISO (final).iso', 'My_ISO__final_.iso'],
    ['C:\\Users\\me\\x.iso', 'x.iso'],
    ['../../etc/x.iso', 'x.iso'],
    ['日本.iso', '__.iso'],
    ['.hidden.iso', '_hidden.iso'],
    ['a%2fb.iso', 'a_2fb.iso'],
    ['x\0y\n.iso', 'x_y_.iso'],
    ['a+b=c.iso', 'a+b=c.iso'],
  ])('%j becomes %j', (given, expected) => {
    expect(sanitizeFileName(given)).toBe(expected);
    expect(uploadFileName('iso', given)).toBe(expected);
    expect(isSafeFileName(expected)).toBe(true);
  });

  it('says which endings fit', () => {
    expect(() => uploadFileName('iso', 'x.qcow2')).toThrow(ParameterError);
    try {
      uploadFileName('import', 'x.iso');
    } catch (error) {
      expect((error as ParameterError).errors.filename).toContain(
        '.ova, .ovf, .qcow2, .raw, .img, .vmdk, .vdi or .vhdx',
      );
    }
    expect(() => uploadFileName('vztmpl', 'x.tgz')).toThrow(ParameterError);
    expect(() => uploadFileName('iso', '.iso')).toThrow(ParameterError);
    expect(() => uploadFileName('iso', '/')).toThrow(ParameterError);
    expect(() => uploadFileName('iso', `${'a'.repeat(300)}.iso`)).toThrow(ParameterError);
  });
});
