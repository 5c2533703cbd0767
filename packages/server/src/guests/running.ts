/** Which guests run on this node, as their pid files tell, whether or not a daemon does. */
import type { DataPaths } from '../host/paths.ts';
import { runningContainers } from './lxc/process.ts';
import { runningGuests } from './qemu/process.ts';

/** VMIDs of virtual machines and containers, in order. */
export function runningVmids(paths: DataPaths): number[] {
  return [...runningGuests(paths), ...runningContainers(paths)].sort((a, b) => a - b);
}
