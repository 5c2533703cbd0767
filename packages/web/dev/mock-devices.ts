/** Hardware of the node, cloud-init and its snippets of the mock server. */
import { ok, type Route } from './mock-reply.ts';

const node = '/nodes/([^/]+)';
const guest = `${node}/qemu/(\\d+)`;

const dumps: Readonly<Record<string, string>> = {
  user: [
    '#cloud-config',
    'hostname: web-1',
    'user: hanako',
    'ssh_authorized_keys:',
    '  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample hanako@laptop',
    'package_upgrade: true',
  ].join('\n'),
  network: 'version: 1\nconfig:\n  - type: physical\n    name: eth0\n    subnets:\n      - type: dhcp4',
  meta: 'instance-id: 0c1a5e1f0a1b',
};

export const deviceRoutes: readonly Route[] = [
  [
    `GET ${guest}/cloudinit`,
    (data, match) => {
      const config = data.guests.get(Number(match[2]))?.config ?? {};
      if (match[2] !== '100') return ok([]);
      return ok([
        { key: 'ciuser', value: 'hanako' },
        { key: 'ipconfig0', value: 'ip=dhcp', pending: String(config.ipconfig0 ?? '') },
      ]);
    },
  ],
  [`PUT ${guest}/cloudinit`, () => ok()],
  [`GET ${guest}/cloudinit/dump`, (_, __, { type = '' }) => ok(dumps[type] ?? '')],
  [
    `GET ${node}/storage/([^/]+)/snippets/([^/]+)`,
    (data, match) => ok({ content: data.snippets.get(match[3] as string) ?? '', digest: 'd' }),
  ],
  [
    `PUT ${node}/storage/([^/]+)/snippets/([^/]+)`,
    (data, match, { content = '' }) => {
      const [, , storage, name = ''] = match;
      data.snippets.set(name, content);
      return ok({ volid: `${storage}:snippets/${name}`, digest: 'd' });
    },
  ],
  [
    `POST ${guest}/move_disk`,
    (data, match) => ok(data.startTask(match[1] as string, 'qmmove', match[2] as string, 4_000)),
  ],
  [
    `GET ${node}/hardware/usb`,
    () =>
      ok([
        {
          busnum: 1,
          devnum: 1,
          class: 9,
          level: 0,
          port: 0,
          vendid: '1d6b',
          prodid: '0002',
          speed: '480',
          product: 'xHCI Host Controller',
        },
        {
          busnum: 1,
          devnum: 3,
          class: 0,
          level: 1,
          port: 2,
          vendid: '0951',
          prodid: '1666',
          speed: '480',
          usbpath: '2',
          manufacturer: 'Kingston',
          product: 'DataTraveler 3.0',
        },
        {
          busnum: 2,
          devnum: 2,
          class: 0,
          level: 1,
          port: 1,
          vendid: '096e',
          prodid: '0858',
          speed: '12',
          usbpath: '1.4',
          product: 'License key',
        },
      ]),
  ],
  [
    `GET ${node}/hardware/pci`,
    () =>
      ok([
        {
          id: '0000:01:00.0',
          class: '0x030000',
          vendor_name: 'NVIDIA Corporation',
          device_name: 'L4',
          iommugroup: 14,
        },
        {
          id: '0000:03:00.0',
          class: '0x020000',
          vendor_name: 'Intel Corporation',
          device_name: 'I350 Gigabit Network Connection',
          iommugroup: 20,
        },
        {
          id: '0000:03:00.1',
          class: '0x020000',
          vendor_name: 'Intel Corporation',
          device_name: 'I350 Gigabit Network Connection',
          iommugroup: 20,
        },
      ]),
  ],
  [
    'GET /cluster/mapping/dir',
    () => ok([{ id: 'docs', description: 'Documents', map: ['node=pve1,path=/srv/docs'], checks: [] }]),
  ],
  ['GET /cluster/mapping/usb', () => ok([{ id: 'dongle', description: 'License key', map: [], error: [] }])],
  ['GET /cluster/mapping/pci', () => ok([{ id: 'gpu', description: 'Any GPU', map: [], checks: [] }])],
];
