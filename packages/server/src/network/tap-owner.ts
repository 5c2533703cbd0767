/**
 * Whose network device it is. Several nodes can share one network namespace (a test, a second installation), and the
 * device of guest 100 has the same name on each. Devices that a node makes carry its data folder as their alias; another
 * node's device in use is neither taken nor removed.
 */
import { readFileSync } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';

const mark = 'ryokan ';

/** The alias of a device of the node with this data folder. `ip link` shows it. */
export function ownerAlias(dataDir: string): string {
  // The kernel keeps 255 bytes; the end of a longer path tells nodes apart.
  return `${mark}${dataDir.slice(-200)}`;
}

function readDevice(ifname: string, file: string): string | undefined {
  try {
    return readFileSync(`/sys/class/net/${ifname}/${file}`, 'utf8').trim();
  } catch {
    // Gone, or (carrier) not up.
    return undefined;
  }
}

/** True unless another node made it. */
export function isOwnDevice(ifname: string, dataDir: string): boolean {
  const alias = readDevice(ifname, 'ifalias') ?? '';
  return !alias.startsWith(mark) || alias === ownerAlias(dataDir);
}

/** Does a process have the tap open? A tap has a carrier as long as that is so. */
function isOpened(ifname: string): boolean {
  return readDevice(ifname, 'carrier') === '1';
}

/** Throws RyokanError 'state' when another node's guest uses the device. */
export function demandOwnDevice(ifname: string, dataDir: string): void {
  if (isOwnDevice(ifname, dataDir) || !isOpened(ifname)) return;
  const other = (readDevice(ifname, 'ifalias') ?? '').slice(mark.length);
  throw new RyokanError(
    'state',
    `network device ${ifname} belongs to a running guest of the node with data folder ${other}, which shares this ` +
      'network: give the guest another VMID, or run the nodes in network namespaces of their own',
    { context: { tap: ifname, other } },
  );
}
