/**
 * Tap devices: the host's end of a guest's network card. Made for the guests' user, so that QEMU opens them without
 * any right of its own.
 */
import { chmodSync, statSync } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import { ExecError, run } from '../host/exec.ts';
import { interfaceExists, isBridge } from './bridge.ts';

/** Longest interface name: IFNAMSIZ less its closing zero. */
const nameLimit = 15;

export interface TapOptions {
  readonly bridge: string;
  /** Who may open the device: the user of QEMU. */
  readonly uid: number;
  /** Default: that of the bridge. */
  readonly mtu?: number;
  /** True: QEMU opens it several times, once a queue. */
  readonly multiQueue?: boolean;
}

/** `tap100i0` is the host's end of net0 of guest 100. */
export function tapName(vmid: number, index: number): string {
  const name = `tap${vmid}i${index}`;
  if (name.length > nameLimit) {
    throw new RyokanError('parameter', `VMID ${vmid} is too long for network card net${index}: ${name}`);
  }
  return name;
}

/**
 * Makes a tap, puts it into the bridge and takes it up, all by one process. A tap of that name left by a guest that
 * ended is replaced. Rejects with RyokanError 'not-found' (no such bridge) or 'failed'; nothing stays then.
 */
export async function createTap(name: string, options: TapOptions): Promise<void> {
  const { bridge, uid, mtu } = options;
  if (!isBridge(bridge)) {
    const what = interfaceExists(bridge) ? 'is no bridge' : 'does not exist';
    throw new RyokanError('not-found', `bridge '${bridge}' ${what}`, { context: { bridge } });
  }
  const queues = options.multiQueue ? ' multi_queue' : '';
  const lines = [
    ...(interfaceExists(name) ? [`link delete dev ${name}`] : []),
    `tuntap add dev ${name} mode tap user ${uid}${queues}`,
    `link set dev ${name}${mtu === undefined ? '' : ` mtu ${mtu}`} master ${bridge} up`,
  ];
  try {
    await run('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
    letEverybodyOpenTun();
  } catch (cause) {
    await removeTap(name);
    const reason = cause instanceof ExecError ? cause.stderr.trim().split('\n')[0] : String(cause);
    throw new RyokanError(
      'failed',
      `network device ${name} on bridge ${bridge} could not be made: ${reason}`,
      {
        context: { bridge, tap: name },
        cause,
      },
    );
  }
}

const tunDevice = '/dev/net/tun';

/**
 * The mode that udev gives this device on Debian. Without udev only root may open it, and QEMU is not root. Opening it
 * gives no rights: the kernel then hands over only interfaces that belong to the caller.
 */
function letEverybodyOpenTun(): void {
  const { mode } = statSync(tunDevice);
  if ((mode & 0o006) !== 0o006) chmodSync(tunDevice, 0o666);
}

/** Removes a tap; no error when it is not there. */
export async function removeTap(name: string): Promise<void> {
  if (!interfaceExists(name)) return;
  try {
    await run('ip', ['link', 'delete', 'dev', name]);
  } catch (error) {
    // Gone in the meantime: a QEMU that ended took it along.
    if (interfaceExists(name)) throw error;
  }
}
