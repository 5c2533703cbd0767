import { describe, expect, it } from 'vitest';
import { entriesOf } from '../config-model.ts';
import {
  addressesReady,
  cloudInitDrive,
  cloudInitRows,
  keyNames,
  readAddresses,
  readFiles,
  readKeys,
  writeAddresses,
  writeFiles,
  writeKeys,
} from './cloudinit-model.ts';

const entries = (config: Readonly<Record<string, string>>) =>
  entriesOf(Object.entries(config).map(([key, value]) => ({ key, value })));

describe('rows', () => {
  it('have one for the addresses of each card, in order of its number', () => {
    const rows = cloudInitRows(entries({ net10: 'virtio', net2: 'virtio', ipconfig4: 'ip=dhcp' }));
    expect(rows.filter((row) => row.kind === 'addresses').map((row) => row.key)).toEqual([
      'ipconfig2',
      'ipconfig4',
      'ipconfig10',
    ]);
  });
});

describe('the drive', () => {
  it('is a CD-ROM with a cloud-init volume, also before it has been made', () => {
    expect(cloudInitDrive(entries({ ide2: 'local:iso/debian.iso,media=cdrom' }))).toBeUndefined();
    expect(cloudInitDrive(entries({ ide2: 'local:100/vm-100-cloudinit.qcow2,media=cdrom' }))).toBe('ide2');
    expect(cloudInitDrive(entries({ scsi1: 'local:cloudinit,media=cdrom' }))).toBe('scsi1');
    expect(cloudInitDrive(entries({ scsi1: 'local:100/vm-100-disk-0.qcow2' }))).toBeUndefined();
  });
});

describe('addresses', () => {
  it.each([
    '',
    'ip=dhcp',
    'ip=192.0.2.5/24,gw=192.0.2.1',
    'ip=192.0.2.5/24,gw=192.0.2.1,ip6=auto',
    'ip6=2001:db8::5/64,gw6=2001:db8::1',
    'ip=dhcp,ip6=dhcp',
  ])('%s is read and written again', (text) => {
    expect(writeAddresses(readAddresses(text))).toBe(text);
  });
  it('without a length are not complete', () => {
    const fixed = readAddresses('ip=192.0.2.5/24');
    expect(addressesReady(fixed)).toBe(true);
    expect(addressesReady({ ...fixed, ip: '192.0.2.5' })).toBe(false);
    expect(addressesReady({ ...fixed, mode6: 'static', ip6: '' })).toBe(false);
  });
  it('of another mode leave no gateway behind', () => {
    expect(writeAddresses({ ...readAddresses('ip=192.0.2.5/24,gw=192.0.2.1'), mode4: 'dhcp' })).toBe(
      'ip=dhcp',
    );
  });
});

describe('keys', () => {
  const text = 'ssh-ed25519 AAAAC3+/x= hanako@laptop\nssh-rsa AAAAB3Nz1234567890';
  it('are URL-encoded on the wire, plus and slash too', () => {
    expect(readKeys(writeKeys(`${text}\n\n`))).toBe(text);
    expect(writeKeys(text)).not.toMatch(/[+/ \n]/);
    expect(readKeys('ssh-ed25519%20AAAA+BB%20a')).toBe('ssh-ed25519 AAAA+BB a');
  });
  it('are known by their comment', () => {
    expect(keyNames(text)).toEqual(['hanako@laptop', 'ssh-rsa …34567890']);
  });
});

describe('own files', () => {
  it('are read and written, empty ones left out', () => {
    const files = readFiles('user=local:snippets/user.yaml,network=local:snippets/net.yaml');
    expect(files).toEqual({ user: 'local:snippets/user.yaml', network: 'local:snippets/net.yaml' });
    expect(writeFiles({ ...files, network: '', meta: 'local:snippets/meta.yaml' })).toBe(
      'user=local:snippets/user.yaml,meta=local:snippets/meta.yaml',
    );
  });
});
