/** How the systems that templates are built of are put together: pure, so that tests show what debootstrap is told. */
import { ParameterError } from '@ryokan/api/errors.ts';

export type Distribution = 'debian' | 'ubuntu';

export interface BuildParams {
  readonly storage: string;
  readonly distribution: Distribution;
  readonly suite?: string;
  readonly arch?: string;
  readonly mirror?: string;
  readonly filename?: string;
}

/** What the node is, for what the caller has not said. */
export interface BuildHost {
  /** ID and VERSION_CODENAME of os-release(5). */
  readonly id: string;
  readonly codename: string;
  /** Debian's name of its architecture. */
  readonly arch: string;
  /** Names of the suites that debootstrap knows. */
  readonly suites: ReadonlySet<string>;
  /** What the node's own apt takes its packages from; undefined when that is not known. */
  readonly mirror?: string | undefined;
}

export interface BuildPlan {
  readonly distribution: Distribution;
  readonly suite: string;
  readonly arch: string;
  readonly mirror: string;
  /** The archive's public keys: packages that they do not sign are not taken. */
  readonly keyring: string;
  /** Debian package with that file. */
  readonly keyringPackage: string;
  readonly filename: string;
  /** Lines of the template's sources.list. */
  readonly sources: readonly string[];
  readonly arguments: (root: string) => string[];
}

interface Archive {
  readonly suite: string;
  readonly mirror: string;
  /** Archives of architectures beside the PC's stand elsewhere. */
  readonly otherMirror: string;
  readonly keyring: string;
  readonly keyringPackage: string;
  readonly components: string;
  /** The script of a suite that is newer than this debootstrap. */
  readonly script: string;
  readonly packages: readonly string[];
  readonly updates: (mirror: string, suite: string) => readonly (readonly [mirror: string, suite: string])[];
}

/** What a system that people log in to has, beyond what the distribution itself calls required. */
const common = [
  ...['systemd-sysv', 'dbus', 'iproute2', 'iputils-ping', 'netbase', 'tzdata', 'procps', 'less', 'nano'],
  ...['ca-certificates', 'openssh-server', 'cron'],
];

const pcArchitectures = ['amd64', 'i386'];

const archives: Readonly<Record<Distribution, Archive>> = {
  debian: {
    suite: 'trixie',
    mirror: 'http://deb.debian.org/debian',
    otherMirror: 'http://deb.debian.org/debian',
    keyring: '/usr/share/keyrings/debian-archive-keyring.gpg',
    keyringPackage: 'debian-archive-keyring',
    components: 'main',
    script: 'sid',
    packages: [...common, 'ifupdown', 'isc-dhcp-client'],
    updates: (mirror, suite) =>
      /^(sid|unstable|testing|stable|oldstable)$/.test(suite)
        ? []
        : [
            [mirror, `${suite}-updates`],
            ['http://security.debian.org/debian-security', `${suite}-security`],
          ],
  },
  ubuntu: {
    suite: 'noble',
    mirror: 'http://archive.ubuntu.com/ubuntu',
    otherMirror: 'http://ports.ubuntu.com/ubuntu-ports',
    keyring: '/usr/share/keyrings/ubuntu-archive-keyring.gpg',
    keyringPackage: 'ubuntu-keyring',
    components: 'main,universe',
    script: 'gutsy',
    packages: [...common, 'systemd-resolved'],
    updates: (mirror, suite) => [
      [mirror, `${suite}-updates`],
      [mirror, `${suite}-security`],
    ],
  },
};

/** Architectures whose programs the node runs: those of the package's scripts are run while it is built. */
const runnable: Readonly<Record<string, readonly string[]>> = {
  amd64: ['amd64', 'i386'],
  arm64: ['arm64', 'armhf'],
};

/** Everything that is decided before anything is fetched. `today`: YYYYMMDD, part of the name. */
export function planBuild(params: BuildParams, host: BuildHost, today: string): BuildPlan {
  const { distribution } = params;
  const archive = archives[distribution];
  const own = host.id === distribution;
  const suite = params.suite ?? (own ? host.codename : archive.suite);
  const arch = params.arch ?? host.arch;
  demandRunnable(arch, host.arch);
  const usual = pcArchitectures.includes(arch) ? archive.mirror : archive.otherMirror;
  const mirror = (params.mirror ?? (own ? host.mirror : undefined) ?? usual).replace(/(?<!\/)\/+$/, '');
  const components = archive.components.replaceAll(',', ' ');
  const sources = [[mirror, suite] as const, ...archive.updates(mirror, suite)];
  return {
    ...{ distribution, suite, arch, mirror },
    keyring: archive.keyring,
    keyringPackage: archive.keyringPackage,
    filename: params.filename ?? `${distribution}-${suite}_${today}_${arch}.tar.zst`,
    sources: sources.map(([from, name]) => `deb ${from} ${name} ${components}`),
    arguments: (root) => [
      ...['--variant=minbase', '--merged-usr', '--force-check-gpg', `--keyring=${archive.keyring}`],
      ...[`--arch=${arch}`, `--components=${archive.components}`],
      `--include=${packagesOf(archive, suite).join(',')}`,
      ...[suite, root, mirror],
      ...(host.suites.has(suite) ? [] : [archive.script]),
    ],
  };
}

/** Suites before Ubuntu 22.10 have the resolver in the package of systemd. */
function packagesOf({ packages }: Archive, suite: string): readonly string[] {
  const inSystemd = ['bionic', 'focal', 'jammy'].includes(suite);
  return inSystemd ? packages.filter((name) => name !== 'systemd-resolved') : packages;
}

function demandRunnable(arch: string, own: string): void {
  const possible = runnable[own] ?? [own];
  if (possible.includes(arch)) return;
  throw new ParameterError({
    arch: `this node runs programs of ${possible.join(' and ')}; build a template for ${arch} on another`,
  });
}

/** How far debootstrap is, by its messages; see debootstrap's own list of them. */
export class BuildProgress {
  private fetched = 0;
  private handled = 0;

  /** 0 to 1, with what it is at; undefined for a line that says nothing of it. */
  take(line: string): { readonly fraction: number; readonly note: string } | undefined {
    const [, verb] = /^I: (Retrieving|Validating|Extracting|Unpacking|Configuring) [a-z0-9]/.exec(line) ?? [];
    if (verb === undefined) return undefined;
    if (verb === 'Retrieving') {
      this.fetched += 1;
      return { fraction: 0.4 * (1 - 100 / (100 + this.fetched)), note: 'fetching packages' };
    }
    if (verb === 'Validating') return undefined;
    // Each package is unpacked once and configured once; the required ones are extracted before.
    this.handled += 1;
    const all = Math.max(1, this.fetched * 2.5);
    return { fraction: 0.4 + 0.5 * Math.min(1, this.handled / all), note: 'installing packages' };
  }
}

/** What went wrong, and what to do, by what debootstrap said last. */
export function buildFailure(plan: BuildPlan, lines: readonly string[]): string {
  const errors = lines.filter((line) => /^[EW]: /.test(line)).map((line) => line.slice(3));
  const last = errors.at(-1) ?? lines.at(-1) ?? 'it said nothing';
  if (/Failed getting release file/i.test(last))
    return `the mirror ${plan.mirror} does not answer, or has no suite '${plan.suite}': see whether the node reaches ${plan.mirror}/dists/${plan.suite}/, or name another --mirror or --suite`;
  if (/Invalid Release (file|signature)|signed by unknown key|Release signature/i.test(last))
    return `the suite '${plan.suite}' of ${plan.mirror} is not signed by a key of ${plan.keyring}: update the package ${plan.keyringPackage}, or take another mirror`;
  if (/Couldn't find these debs|No such package/i.test(last))
    return `the suite '${plan.suite}' of ${plan.mirror} lacks packages: ${last}`;
  return `debootstrap: ${last}`;
}
