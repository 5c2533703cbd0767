/** Descriptors in the manner of other platforms against what is made of them: test/ovf/<case>.ovf and .json. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { recogniseOs } from './os-types.ts';
import { parseOvf, unitBytes } from './ovf.ts';
import { recogniseMachine } from './recognise.ts';

const folder = fileURLToPath(new URL('../../../../../test/ovf', import.meta.url));
const cases = readdirSync(folder)
  .filter((name) => name.endsWith('.ovf'))
  .map((name) => name.replace(/\.ovf$/, ''));

describe('recogniseMachine', () => {
  it.each(cases)('%s', (name) => {
    const machine = recogniseMachine(parseOvf(readFileSync(join(folder, `${name}.ovf`), 'utf8')));
    const golden = join(folder, `${name}.json`);
    const text = `${JSON.stringify(machine, null, 2)}\n`;
    if (process.env.UPDATE_GOLDEN) writeFileSync(golden, text);
    expect(existsSync(golden), `${name}.json is missing: UPDATE_GOLDEN=1`).toBe(true);
    expect(text).toBe(readFileSync(golden, 'utf8'));
  });
});

const envelope = (body: string, hardware = '') =>
  `<?xml version="1.0"?><Envelope>${body}<VirtualSystem id="x"><VirtualHardwareSection>${hardware}</VirtualHardwareSection></VirtualSystem></Envelope>`;
const item = (fields: Record<string, string | number>) =>
  `<Item>${Object.entries(fields)
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('')}</Item>`;
const recognise = (body: string, hardware = '') => recogniseMachine(parseOvf(envelope(body, hardware)));
const diskAt = (href: string, attributes = '') =>
  recognise(
    `<References><File id="f" href="${href}" ${attributes}/></References><DiskSection><Disk diskId="d" fileRef="f" capacity="1"/></DiskSection>`,
    item({ ResourceType: 17, InstanceID: 1, ElementName: 'disk', HostResource: 'ovf:/disk/d' }),
  );

describe('what cannot be kept becomes a warning', () => {
  it.each([
    ['../../etc/shadow', ''],
    ['/etc/shadow', ''],
    ['..%2f..%2fetc%2fshadow', ''],
    ['https://example.com/a.vmdk', ''],
    ['a.vmdk', 'compression="gzip"'],
    ['a.vmdk', 'chunkSize="1000"'],
    ['a.vhd', ''],
    ['%zz.vmdk', ''],
  ])('a disk %s %s', (href, attributes) => {
    const machine = diskAt(href, attributes);
    expect(machine.disks).toEqual({});
    expect(machine.warnings.map((one) => one.type)).toEqual(['disk-unsupported', 'no-disks']);
  });

  it('values that no guest has', () => {
    const machine = recognise(
      '',
      item({ ResourceType: 3, InstanceID: 1, VirtualQuantity: 9999999 }) +
        item({ ResourceType: 4, InstanceID: 2, VirtualQuantity: 4, AllocationUnits: 'furlongs' }) +
        item({ ResourceType: 10, InstanceID: 3, ResourceSubType: 'tokenring', Address: '01:00:5e:00:00:01' }),
    );
    expect(machine.config).toEqual({ name: 'x', cores: 1, sockets: 1, ostype: 'other' });
    expect(machine.nets).toEqual({ net0: { model: 'e1000' } });
    expect(machine.warnings).toEqual([
      { type: 'value-not-recognised', key: 'cores', value: '9999999' },
      { type: 'value-not-recognised', key: 'memory', value: '4 furlongs' },
      { type: 'no-disks' },
      { type: 'device-replaced', key: 'net0', value: 'tokenring → e1000' },
    ]);
  });

  it('disks beyond the places of their bus move to SCSI', () => {
    const disks = Array.from({ length: 8 }, (_, index) => index);
    const machine = recognise(
      `<DiskSection>${disks.map((i) => `<Disk diskId="d${i}" capacity="1024"/>`).join('')}</DiskSection>`,
      item({ ResourceType: 20, ResourceSubType: 'AHCI', InstanceID: 1 }) +
        disks
          .map((i) =>
            item({
              ResourceType: 17,
              InstanceID: 10 + i,
              Parent: 1,
              AddressOnParent: i,
              HostResource: `/disk/d${i}`,
            }),
          )
          .join(''),
    );
    expect(Object.keys(machine.disks)).toEqual([
      ...['sata0', 'sata1', 'sata2', 'sata3', 'sata4', 'sata5', 'scsi0', 'scsi1'],
    ]);
    expect(machine.config.boot).toBe('order=sata0');
  });

  it('more machines than one', () => {
    const one = '<VirtualSystem id="a"><VirtualHardwareSection/></VirtualSystem>';
    const text = `<Envelope><VirtualSystemCollection id="c">${one}${one}</VirtualSystemCollection></Envelope>`;
    expect(recogniseMachine(parseOvf(text)).warnings[0]).toEqual({ type: 'more-machines', value: '2' });
  });
});

it.each([
  [{ vmware: 'windows2022srvNext_64Guest' }, 'win11'],
  [{ vmware: 'windows9Server64Guest' }, 'win10'],
  [{ vmware: 'windows8Server64Guest' }, 'win8'],
  [{ vmware: 'windows7Server64Guest' }, 'win7'],
  [{ vmware: 'winLonghorn64Guest' }, 'wvista'],
  [{ vmware: 'winNetEnterprise64Guest' }, 'w2k3'],
  [{ vmware: 'winXPProGuest' }, 'wxp'],
  [{ vmware: 'rhel9_64Guest' }, 'l26'],
  [{ vmware: 'other24xLinuxGuest' }, 'l24'],
  [{ vmware: 'freebsd13_64Guest' }, undefined],
  [{ virtualBox: 'Windows81_64' }, 'win8'],
  [{ virtualBox: 'Windows98' }, 'other'],
  [{ virtualBox: 'OracleSolaris_64' }, 'solaris'],
  [{ description: 'Microsoft Windows Server 2008 R2 (64-bit)' }, 'win7'],
  [{ description: 'Microsoft Windows Server 2019 (64-bit)', cim: 112 }, 'win10'],
  [{ description: 'something', cim: 96 }, 'l26'],
  [{ cim: 103 }, 'win7'],
  [{ cim: 4711 }, undefined],
  [{}, undefined],
])('%j is ostype %s', (hints, ostype) => {
  expect(recogniseOs(hints)).toBe(ostype);
});

it.each([
  ['byte * 2^20', 2 ** 20],
  ['bytes', 1],
  ['MegaBytes', 2 ** 20],
  ['GB', 2 ** 30],
  ['KiB', 1024],
  ['byte * 10^6', 1e6],
  ['hertz * 10^6', undefined],
])('units %s', (units, bytes) => {
  expect(unitBytes(units)).toBe(bytes);
});
