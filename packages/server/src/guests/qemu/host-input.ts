/**
 * Everything that the command line of a guest needs from outside its configuration. Whoever starts a guest gathers it
 * (activates volumes, makes taps, starts swtpm); the command line itself is then a pure function of configuration and this.
 */
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { QemuCpu } from '@ryokan/api/schema/qemu-options.ts';
import type { QemuBlockSource } from '../../storage/driver.ts';

/** How a volume is opened. */
export interface ResolvedVolume {
  readonly source: QemuBlockSource;
  readonly format: 'raw' | 'qcow2' | 'vmdk' | 'qed' | 'qcow' | 'cloop';
  /** Layers that it rests on, the upper one first, where snapshots are files of a chain. */
  readonly layers?: readonly QemuBlockSource[];
  /** The volume cannot be written, whatever the configuration says. */
  readonly readOnly?: boolean;
  /** False: the storage does not allow O_DIRECT; the node's page cache is used then. */
  readonly directIo?: boolean;
}

/** A tap device that was made for the guest's user. */
export interface ResolvedTap {
  readonly ifname: string;
  /** Let the kernel's vhost-net move the packets of a virtio card (/dev/vhost-net can be opened). */
  readonly vhost: boolean;
  /** MTU of the bridge, for `mtu=1`. */
  readonly bridgeMtu?: number;
}

/** A device of the node that is passed through, found by address or mapping. */
export interface ResolvedPci {
  /** Addresses of its functions, `0000:01:00.0` first. */
  readonly functions: readonly string[];
  /** For mediated devices: the device's folder below /sys/bus/mdev/devices. */
  readonly mdevPath?: string;
}

export interface QemuHost {
  readonly vmid: number;
  /** What the node found to work, see host/accelerator.ts; the guest's key `kvm` overrules it. */
  readonly accelerator: 'kvm' | 'tcg';
  /** Version of the installed QEMU. */
  readonly qemuVersion: readonly [major: number, minor: number];
  /** CPU models that this QEMU knows, when the caller asked it; unknown ones are then refused with a clear text. */
  readonly cpuModels?: ReadonlySet<string>;
  readonly cpuVendor?: 'intel' | 'amd';
  /** Text of -cpu that a saved state was made with; it holds instead of the configuration's. */
  readonly savedCpu?: string;
  /** The custom model that `cpu: custom-NAME` means. */
  readonly customCpu?: Omit<QemuCpu, 'cputype'>;
  /** Logical CPUs of the node; more for one guest would only make it slower. */
  readonly cpuCount: number;
  /** Bytes of memory of the node: the limit for memory that is plugged in later. */
  readonly memoryTotal: number;
  /** Folder for sockets, writable for the guest's user. */
  readonly runDir: string;
  /** UUID for guests whose smbios1 has none. */
  readonly uuid: string;
  /** Volumes by configuration key (`scsi0`, `efidisk0`); those with `none` need no entry. */
  readonly volumes: Readonly<Record<string, ResolvedVolume>>;
  /** Taps by configuration key, for cards with a bridge. */
  readonly taps: Readonly<Record<string, ResolvedTap>>;
  /** PCI devices by configuration key. */
  readonly pciDevices?: Readonly<Record<string, ResolvedPci>>;
  /** Devices of the node read and write the guest's memory, so all of it has to stay in place. */
  readonly locksMemory?: boolean;
  /** USB devices that configuration keys with `mapping` mean, as `1234:5678` or `1-2.3`. */
  readonly usbMappings?: Readonly<Record<string, string>>;
  /** Sockets of virtiofsd by configuration key. */
  readonly virtiofsSockets?: Readonly<Record<string, string>>;
  /** Socket of the swtpm that serves tpmstate0. */
  readonly tpmSocket?: string;
  /** Folder of the UEFI firmware; Debian's package ovmf: /usr/share/OVMF. */
  readonly ovmfDir: string;
  /** A copy of the variables template (see ovmfFiles) for UEFI guests without efidisk0; lost when the guest stops. */
  readonly temporaryEfiVars?: string;
  /** Mounted hugetlbfs by page size in MiB. */
  readonly hugepagePaths?: Readonly<Partial<Record<2 | 1024, string>>>;
  /** Keyboard of viewers that send characters, for guests whose configuration names none. */
  readonly keyboard?: string;
  /** io_uring can be used here. */
  readonly ioUring: boolean;
  /** Wait for `cont` before the first instruction, so that the starter can finish its preparations. */
  readonly startPaused?: boolean;
  /** Wait for an incoming migration (or a saved state) that is announced by QMP. */
  readonly incoming?: boolean;
}

/** Sockets and files of a running guest below the run folder. */
export interface GuestRunPaths {
  /** QMP for commands: one client at a time, whoever holds the guest's lock. */
  readonly qmp: string;
  /** QMP for the daemon, which listens for events as long as the guest runs. */
  readonly event: string;
  readonly vnc: string;
  /** SPICE, for guests whose graphics card goes with it. */
  readonly spice: string;
  /** Channel to the guest agent. */
  readonly qga: string;
  /** Written by whoever starts the guest. */
  readonly pid: string;
  serial(index: number): string;
}

/** The longest path that fits into sockaddr_un with its ending zero (unix(7)). */
const longestSocketPath = 107;

/** Throws RyokanError 'unsupported' when the folder's path is too long for Unix sockets. */
export function guestRunPaths(runDir: string, vmid: number): GuestRunPaths {
  const path = (ending: string) => join(runDir, `${vmid}.${ending}`);
  if (Buffer.byteLength(path('serial0')) > longestSocketPath) {
    throw new RyokanError(
      'unsupported',
      `the path '${runDir}' is too long for Unix sockets (${longestSocketPath} bytes with the socket's name); use a shorter data folder`,
      { context: { path: runDir } },
    );
  }
  return {
    qmp: path('qmp'),
    event: path('event'),
    vnc: path('vnc'),
    spice: path('spice'),
    qga: path('qga'),
    pid: path('pid'),
    serial: (index) => path(`serial${index}`),
  };
}
