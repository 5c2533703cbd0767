/** Which system stands in a tree. */
import type { ContainerTree } from './tree.ts';

/** Values of the option `ostype`. */
export const osTypes = [
  ...(['debian', 'devuan', 'ubuntu', 'centos', 'fedora', 'opensuse'] as const),
  ...(['archlinux', 'alpine', 'gentoo', 'nixos', 'unmanaged'] as const),
] as const;
export type OsType = (typeof osTypes)[number];

/** Values of the option `arch`. */
export type Architecture = 'amd64' | 'i386' | 'arm64' | 'armhf' | 'riscv32' | 'riscv64';

export interface FoundSystem {
  /** `unmanaged` for what is not known. */
  readonly ostype: OsType;
  /** VERSION_ID of os-release(5). */
  readonly version?: string;
  /** Absent when no program was found. */
  readonly arch?: Architecture;
}

/** By ID of os-release(5), and by what ID_LIKE may say. */
const ostypeById: Readonly<Record<string, OsType>> = {
  debian: 'debian',
  devuan: 'devuan',
  ubuntu: 'ubuntu',
  raspbian: 'debian',
  centos: 'centos',
  rhel: 'centos',
  almalinux: 'centos',
  rocky: 'centos',
  ol: 'centos',
  amzn: 'centos',
  fedora: 'fedora',
  suse: 'opensuse',
  opensuse: 'opensuse',
  'opensuse-leap': 'opensuse',
  'opensuse-tumbleweed': 'opensuse',
  sles: 'opensuse',
  arch: 'archlinux',
  archlinux: 'archlinux',
  alpine: 'alpine',
  gentoo: 'gentoo',
  nixos: 'nixos',
};

/** Where there is no os-release. */
const ostypeByFile: readonly (readonly [string, OsType])[] = [
  ['/etc/devuan_version', 'devuan'],
  ['/etc/debian_version', 'debian'],
  ['/etc/alpine-release', 'alpine'],
  ['/etc/fedora-release', 'fedora'],
  ['/etc/redhat-release', 'centos'],
  ['/etc/SuSE-release', 'opensuse'],
  ['/etc/arch-release', 'archlinux'],
  ['/etc/gentoo-release', 'gentoo'],
  ['/etc/NIXOS', 'nixos'],
];

export function detectSystem(tree: ContainerTree): FoundSystem {
  const release = readRelease(tree.read('/etc/os-release') ?? tree.read('/usr/lib/os-release') ?? '');
  const ids = [release.get('ID') ?? '', ...(release.get('ID_LIKE') ?? '').split(/\s+/)];
  const named = ids.map((id) => ostypeById[id.toLowerCase()]).find((found) => found !== undefined);
  const ostype = named ?? ostypeByFile.find(([path]) => tree.kind(path) !== undefined)?.[1] ?? 'unmanaged';
  const [version, arch] = [release.get('VERSION_ID'), architecture(tree)];
  return { ostype, ...(version ? { version } : {}), ...(arch ? { arch } : {}) };
}

/** os-release(5): shell assignments without expansion. */
function readRelease(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/^([A-Z_]+)=(?:"([^"\n]*)"|'([^'\n]*)'|([^\n]*))$/gm)].map(
      ([, key = '', double, single, bare]) => [key, (double ?? single ?? bare ?? '').trim()],
    ),
  );
}

/** e_machine of elf(5), with 4 for 64 bits and so on: class and machine. */
const machines: Readonly<Record<string, Architecture>> = {
  '2:62': 'amd64',
  '1:3': 'i386',
  '2:183': 'arm64',
  '1:40': 'armhf',
  '1:243': 'riscv32',
  '2:243': 'riscv64',
};

/** From the header of a program that nearly every system has. */
function architecture(tree: ContainerTree): Architecture | undefined {
  for (const path of ['/bin/sh', '/sbin/init', '/usr/bin/env', '/lib/systemd/systemd']) {
    const header = tree.readStart(path, 20);
    if (header?.length !== 20 || header.readUInt32BE(0) !== 0x7f454c46) continue;
    return machines[`${header[4]}:${header.readUInt16LE(18)}`];
  }
  return undefined;
}
