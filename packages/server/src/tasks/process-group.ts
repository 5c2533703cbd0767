/** Programs that a worker has started share its process group; those of a dead worker must not go on working. */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { processStat } from '../host/procfs.ts';

/** How long killed processes may take to vanish (ms); one that hangs in the kernel takes for ever. */
const patience = 3000;

/**
 * Ends what is left of the group that the worker `pid`, started at `pstart`, was the leader of. Guests are not in it:
 * QEMU runs in a session of its own.
 */
export async function endGroup(pid: number, pstart: number): Promise<void> {
  const leader = processStat(pid);
  // The number names another process now, so the group had ended: a group's number is not given away while it exists.
  if (leader && leader.startTime !== pstart) return;
  for (const deadline = Date.now() + patience; Date.now() < deadline; await sleep(5)) {
    const members = livingMembers(pid);
    if (members.length === 0) return;
    for (const member of members) {
      try {
        process.kill(member, 'SIGKILL');
      } catch {
        // It ended in between.
      }
    }
  }
}

function livingMembers(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = processStat(pid);
      return stat !== undefined && stat.group === group && stat.state !== 'Z' && stat.state !== 'X';
    });
}
