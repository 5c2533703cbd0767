import { ParameterError } from '@ryokan/api/errors.ts';
import { expect, it } from 'vitest';
import { type BuildHost, type BuildParams, BuildProgress, buildFailure, planBuild } from './distribution.ts';

const host: BuildHost = {
  ...{ id: 'debian', codename: 'bookworm', arch: 'amd64', mirror: 'http://mirror.example/debian/' },
  suites: new Set(['bookworm', 'sid']),
};
const plan = (params: Partial<BuildParams>, on = host) =>
  planBuild({ storage: 'local', distribution: 'debian', ...params }, on, '20260131');

it("takes the node's own release and mirror, where it is the same distribution", () => {
  const made = plan({});
  expect(made.filename).toBe('debian-bookworm_20260131_amd64.tar.zst');
  expect(made.sources).toEqual([
    'deb http://mirror.example/debian bookworm main',
    'deb http://mirror.example/debian bookworm-updates main',
    'deb http://security.debian.org/debian-security bookworm-security main',
  ]);
  const args = made.arguments('/tree');
  expect(args.slice(-3)).toEqual(['bookworm', '/tree', 'http://mirror.example/debian']);
  expect(args).toContain('--keyring=/usr/share/keyrings/debian-archive-keyring.gpg');
  expect(args).toContain('--force-check-gpg');
});

it('knows where another distribution is, and how to build what is newer than debootstrap', () => {
  const ubuntu = plan({ distribution: 'ubuntu' });
  expect(ubuntu.arguments('/tree').slice(-4)).toEqual([
    ...['noble', '/tree', 'http://archive.ubuntu.com/ubuntu', 'gutsy'],
  ]);
  expect(ubuntu.arguments('/tree').join(' ')).toContain('systemd-resolved');
  expect(plan({ distribution: 'ubuntu', suite: 'jammy' }).arguments('/').join()).not.toContain('resolved');
  expect(plan({ distribution: 'ubuntu' }, { ...host, arch: 'arm64' }).mirror).toMatch(/ubuntu-ports$/);
  expect(plan({ suite: 'forky' }).arguments('/tree').at(-1)).toBe('sid');
  expect(plan({ suite: 'sid' }).sources).toHaveLength(1);
});

it('builds only what the node can run', () => {
  expect(plan({ arch: 'i386' }).filename).toContain('_i386.');
  expect(() => plan({ arch: 'arm64' })).toThrow(ParameterError);
});

it('follows debootstrap', () => {
  const progress = new BuildProgress();
  expect(progress.take('I: Checking component main on http://mirror.example')).toBeUndefined();
  const lines = ['Retrieving libc6 2.36', 'Validating libc6 2.36', 'Unpacking libc6:amd64...'];
  const all = Array.from({ length: 200 }, () => lines).flat();
  const order = ['Retrieving', 'Unpacking'].flatMap((verb) => all.filter((line) => line.startsWith(verb)));
  const fractions = order.map((line) => progress.take(`I: ${line}`)?.fraction ?? -1);
  expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
  expect(fractions.at(-1)).toBeGreaterThan(0.5);
  expect(fractions.at(-1)).toBeLessThanOrEqual(0.9);
});

it('says what to do about an error', () => {
  const because = (line: string) => buildFailure(plan({ suite: 'nosuch' }), ['I: Retrieving x', line]);
  expect(because('E: Failed getting release file http://mirror.example/debian/dists/nosuch/Release')).toMatch(
    /no suite 'nosuch'.*--mirror/,
  );
  expect(because('E: Release signed by unknown key (key id 0E98)')).toContain('debian-archive-keyring');
  expect(because('E: Something else')).toBe('debootstrap: Something else');
});
