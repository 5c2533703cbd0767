/** What the node has prepared for a container that starts: together with its configuration it gives LXC's text. */
import type { IdRange } from '../../host/user-namespace.ts';

/** Folder of a container's own mounts. It is there on the node and empty; each container sees its own mounts in it. */
export const stage = '/run/ryokan-ct';

/** Where a volume is on the stage. */
export const stagePath = (key: string): string => `${stage}/${key === 'rootfs' ? 'root' : key}`;

export interface PreparedMount {
  /** Where it is mounted in the namespace that the container starts in. */
  readonly source: string;
  /** Absolute path inside the container. */
  readonly target: string;
  /** Options of the bind mount beyond `bind`: `ro`, `nosuid`. */
  readonly options: readonly string[];
  /** What stands at the target: made when it is missing. */
  readonly kind: 'dir' | 'file';
}

export interface PreparedCard {
  /** Number of the card: 0 for net0. */
  readonly index: number;
  /** Name of the device on the node that becomes the container's. */
  readonly device: string;
  readonly mtu: number;
}

export interface LxcHost {
  readonly vmid: number;
  /** Name of its control group below each hierarchy: `ryokan-node1/100`. */
  readonly cgroup: string;
  /** Version of the hierarchies with the controllers. */
  readonly cgroupVersion: 1 | 2;
  /** Does the kernel count swap (version 1: memory+swap)? */
  readonly countsSwap: boolean;
  /** CPUs that it may run on (`0-1`); undefined: all. */
  readonly cpus?: string;
  readonly ids: readonly IdRange[];
  readonly mounts: readonly PreparedMount[];
  readonly cards: readonly PreparedCard[];
  /** Device numbers that it may use beyond the ordinary: `c 10:200 rw`. */
  readonly devices: readonly string[];
  /** Files that lxcfs offers, as paths below `lxcfsRoot` and below / inside. */
  readonly lxcfs: readonly string[];
  readonly seccomp: string;
  /** True where the kernel has AppArmor. */
  readonly apparmor: boolean;
}

export const lxcfsRoot = '/var/lib/lxcfs';
