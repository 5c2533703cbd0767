/**
 * Operating systems in the words of other platforms, as `ostype` of ours. Sources: guest identifiers of the vSphere
 * API, OS types of VirtualBox, values of CIM_OperatingSystem.OSType (DMTF).
 */
import type { QemuConfig } from '@ryokan/api/schema/qemu-config.ts';

export type OsType = NonNullable<QemuConfig['ostype']>;

/** What a descriptor may say about the operating system. */
export interface OsHints {
  /** vSphere: `ubuntu64Guest`. */
  readonly vmware?: string | undefined;
  /** VirtualBox: `Windows10_64`. */
  readonly virtualBox?: string | undefined;
  /** CIM number. */
  readonly cim?: number | undefined;
  /** For people: `Microsoft Windows Server 2019 (64-bit)`. */
  readonly description?: string | undefined;
}

/** Patterns over texts in lower case without blanks and punctuation; the first that fits wins. */
const byText: readonly (readonly [RegExp, OsType])[] = [
  [/windows(95|98|me|3x|31|nt)|win(95|98|me|31|nt)/, 'other'],
  // "Next" of vSphere is the version after: 2019srvNext is Server 2022, 2022srvNext is Server 2025.
  [/windows(2019srvnext|2022|2025|11|12)|windowsserver(2022|2025)/, 'win11'],
  [/windows(9|10|2016|2019)|windowsserver(2016|2019|10)/, 'win10'],
  [/windows(8|2012)|windowsserver(8|2012)/, 'win8'],
  [/windows(7|2008r2)|windowsserver2008r2/, 'win7'],
  [/windows2008|windowsserver2008/, 'w2k8'],
  [/winlonghorn|windowslonghorn|vista/, 'wvista'],
  [/winnet|windows2003|windowsserver2003/, 'w2k3'],
  [/winxp|windowsxp/, 'wxp'],
  [/win2000|windows2000/, 'w2k'],
  // A Windows that is not known yet is one of the newer ones.
  [/windowsserver|windows\d|windowsclient|^windows/, 'win11'],
  [/solaris|opensolaris|illumos/, 'solaris'],
  [/24xlinux|linux24|rhel[23](64)?guest|rhel[23]guest/, 'l24'],
  [
    /linux|ubuntu|debian|rhel|redhat|centos|fedora|suse|sles|oracle|rocky|alma|photon|amazon|arch|gentoo|mandr|coreos|crxpod|turbo|asianux/,
    'l26',
  ],
];

/** Numbers of CIM_OperatingSystem.OSType. */
const byCim: Readonly<Partial<Record<OsType, readonly number[]>>> = {
  w2k: [58],
  wxp: [67, 71, 72, 75],
  w2k3: [69, 70],
  wvista: [73, 74],
  w2k8: [76, 77],
  win7: [103, 105],
  win8: [112, 113, 114, 115],
  solaris: [29, 30, 81],
  l24: [97, 98],
  l26: [36, 79, 80, ...range(82, 85), ...range(86, 96), 99, 100, 101, ...range(106, 109)],
};

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** Undefined when none of the hints says anything that is known. */
export function recogniseOs(hints: OsHints): OsType | undefined {
  for (const text of [hints.vmware, hints.virtualBox, hints.description]) {
    const plain = text?.toLowerCase().replace(/[^a-z0-9]/g, '');
    // BSDs and the like are no Linux, whatever else their name contains.
    if (plain === undefined || plain === '' || /bsd|darwin|macos|dos$|os2|netware/.test(plain)) continue;
    const found = byText.find(([pattern]) => pattern.test(plain));
    if (found) return found[1];
  }
  const { cim } = hints;
  if (cim === undefined) return undefined;
  return (Object.keys(byCim) as OsType[]).find((type) => byCim[type]?.includes(cim));
}
