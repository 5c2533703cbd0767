/** `./ryokan down`: stops the daemon, and with it the gateway. Guests are processes of their own and go on. */

import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '@ryokan/api/errors.ts';
import { runningVmids } from '@ryokan/server/guests/running.ts';
import { run } from '@ryokan/server/host/exec.ts';
import type { DataPaths } from '@ryokan/server/host/paths.ts';
import type { ProcessId } from '@ryokan/server/host/pidfile.ts';
import { isAlive } from '@ryokan/server/host/procfs.ts';
import { pathsOf, runningDaemon } from './node-settings.ts';
import { inProject, note, Problem, parseOptions, say } from './terminal.ts';

/** Seconds that the daemon has to end by itself, and that guests have to shut down unless --timeout says otherwise. */
const daemonPatience = 30;
const guestPatience = 120;

export async function down(args: string[]): Promise<number> {
  const { values } = parseOptions(args, {
    data: { type: 'string' },
    guests: { type: 'boolean' },
    timeout: { type: 'string', default: String(guestPatience) },
  });
  const patience = Number(values.timeout);
  if (!Number.isInteger(patience) || patience < 0) {
    throw new Problem(`--timeout takes seconds, not '${values.timeout}'`, 2);
  }
  const paths = pathsOf(values.data);
  const daemon = runningDaemon(paths);
  if (values.guests) await shutDownGuests(paths, daemon, patience);
  if (daemon) {
    await stop(daemon);
    say(`the node at ${paths.root} is down`);
  } else say(`no node runs at ${paths.root}`);
  const guests = runningVmids(paths);
  if (guests.length > 0) {
    const what = guests.length === 1 ? '1 guest goes' : `${guests.length} guests go`;
    say(`${what} on running (${guests.join(' ')}); './ryokan down --guests' shuts guests down first`);
  }
  return 0;
}

async function stop(daemon: ProcessId): Promise<void> {
  process.kill(daemon.pid, 'SIGTERM');
  if (await ended(daemon, daemonPatience)) return;
  note(`the daemon did not end within ${daemonPatience} s; killing it (it loses no state by that)`);
  process.kill(daemon.pid, 'SIGKILL');
  if (!(await ended(daemon, 5))) throw new Problem(`process ${daemon.pid} cannot be killed`);
}

/** Node.js has no pidfd, so the state is read a few times a second. */
async function ended(id: ProcessId, seconds: number): Promise<boolean> {
  const end = Date.now() + seconds * 1000;
  while (isAlive(id.pid, id.startTime)) {
    if (Date.now() > end) return false;
    await sleep(25);
  }
  return true;
}

/** Every running guest, in the reverse of their startup order; one that does not follow is stopped hard. */
async function shutDownGuests(
  paths: DataPaths,
  daemon: ProcessId | undefined,
  patience: number,
): Promise<void> {
  const guests = runningVmids(paths);
  if (guests.length === 0) return;
  if (!daemon) {
    throw new Problem(
      `guests run (${guests.join(' ')}), but the node does not; start it with './ryokan up' to shut them down`,
    );
  }
  note(`shutting down guests: ${guests.join(' ')} (up to ${patience} s each)`);
  const stopall = ['pvenode', 'stopall', '--timeout', String(patience), '--data', paths.root];
  await run(process.execPath, [inProject('dist', 'cli.cjs'), ...stopall]).catch((error: unknown) =>
    note(messageOf(error)),
  );
  const left = runningVmids(paths);
  if (left.length > 0) throw new Problem(`still running: ${left.join(' ')}; nothing else was stopped`);
}
