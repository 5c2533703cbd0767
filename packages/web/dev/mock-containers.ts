/** Making containers on the mock server: the call itself, the catalogue of templates, a registry's tags. */
import { ok, type Route } from './mock-reply.ts';

const template = (name: string, version: string, section: string, headline: string) => ({
  ...{ template: `${name}_${version}_amd64.tar.zst`, package: name, version, section, headline },
  ...{ type: 'lxc', os: name.replace(/-standard$/, ''), architecture: 'amd64' },
  ...{ description: `${headline}.\nMade up for looking at the page.`, maintainer: 'nobody@example.com' },
  ...{ location: `${section}/${name}_${version}_amd64.tar.zst`, source: 'https://templates.example.com' },
  ...{ infopage: 'https://templates.example.com/about', sha512sum: '0' },
});

export const containerRoutes: readonly Route[] = [
  ['GET /pools', () => ok([{ poolid: 'web', comment: 'Shop and its database' }])],
  [
    'POST /nodes/([^/]+)/lxc',
    (data, [, node], { vmid = '' }) => ok(data.startTask(node as string, 'vzcreate', vmid, 4000)),
  ],
  [
    'GET /nodes/([^/]+)/aplinfo',
    () =>
      ok([
        template('alpine-3.22-default', '20250617', 'system', 'Alpine Linux 3.22'),
        template('debian-13-standard', '13.1-2', 'system', 'Debian 13 Trixie (standard)'),
        template('debian-12-standard', '12.12-1', 'system', 'Debian 12 Bookworm (standard)'),
        template('fedora-42-default', '20250428', 'system', 'Fedora 42'),
        template('mail-gateway-9', '9.0-1', 'mail', 'A gateway for mail'),
      ]),
  ],
  [
    'POST /nodes/([^/]+)/aplinfo',
    (data, [, node], { storage = '' }) => ok(data.startTask(node as string, 'download', storage, 6000)),
  ],
  ['GET /nodes/([^/]+)/query-oci-repo-tags', () => ok(['latest', '1.27', '1.26', '1.25-alpine'])],
  [
    'POST /nodes/([^/]+)/storage/([^/]+)/oci-registry-pull',
    (data, [, node, storage]) => ok(data.startTask(node as string, 'ocipull', storage as string, 6000)),
  ],
];
