/** The guest agent of the mock server. */
import { GiB, ok, type Route } from './mock-reply.ts';

const guest = '/nodes/([^/]+)/qemu/(\\d+)';
const commands = ['guest-fsfreeze-freeze', 'guest-fstrim', 'guest-set-user-password'];
let frozen = false;

export const agentRoutes: readonly Route[] = [
  [
    `GET ${guest}/agent/info`,
    (_, match) =>
      match[2] === '101'
        ? { status: 500, message: 'QEMU guest agent is not running' }
        : ok({
            result: {
              version: '9.2.0',
              supported_commands: commands.map((name) => ({ name, enabled: true })),
            },
          }),
  ],
  [
    `GET ${guest}/agent/network-get-interfaces`,
    () =>
      ok({
        result: [
          { name: 'lo', 'ip-addresses': [{ 'ip-address': '127.0.0.1' }] },
          {
            name: 'ens18',
            'ip-addresses': [
              { 'ip-address': '192.0.2.101' },
              { 'ip-address': '2001:db8::101' },
              { 'ip-address': 'fe80::1' },
            ],
          },
        ],
      }),
  ],
  [
    `GET ${guest}/agent/get-osinfo`,
    () =>
      ok({
        result: {
          'pretty-name': 'Debian GNU/Linux 13 (trixie)',
          'kernel-release': '6.12.41+deb13-amd64',
          id: 'debian',
        },
      }),
  ],
  [`GET ${guest}/agent/get-host-name`, () => ok({ result: { 'host-name': 'web-1.example.jp' } })],
  [
    `GET ${guest}/agent/get-fsinfo`,
    () =>
      ok({
        result: [
          { name: 'sda1', mountpoint: '/', type: 'ext4', 'used-bytes': 9.4 * GiB, 'total-bytes': 30 * GiB },
          {
            name: 'sda2',
            mountpoint: '/var/lib/postgresql',
            type: 'xfs',
            'used-bytes': 92 * GiB,
            'total-bytes': 100 * GiB,
          },
          { name: 'sda15', mountpoint: '/boot/efi', type: 'vfat', 'used-bytes': 9e6, 'total-bytes': 1.3e8 },
        ],
      }),
  ],
  [
    `GET ${guest}/agent/get-users`,
    () => ok({ result: [{ user: 'hanako', 'login-time': Math.floor(Date.now() / 1000) - 5400.5 }] }),
  ],
  [`POST ${guest}/agent/fsfreeze-status`, () => ok({ result: frozen ? 'frozen' : 'thawed' })],
  [
    `POST ${guest}/agent/fsfreeze-(freeze|thaw)`,
    (_, match) => {
      frozen = match[3] === 'freeze';
      return ok({ result: 3 });
    },
  ],
  [
    `POST ${guest}/agent/fstrim`,
    () =>
      ok({
        result: {
          paths: [
            { path: '/', trimmed: 2.4 * GiB },
            { path: '/boot', error: 'not supported' },
          ],
        },
      }),
  ],
  [`POST ${guest}/agent/set-user-password`, () => ok({ result: {} })],
];
