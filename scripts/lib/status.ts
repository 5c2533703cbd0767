/** `./ryokan status` */
import { accessSync, constants } from 'node:fs';
import { runningVmids } from '@ryokan/server/guests/running.ts';
import { errorCode } from '@ryokan/server/host/files.ts';
import type { DataPaths } from '@ryokan/server/host/paths.ts';
import { pathsOf, readReady, runningDaemon, storedSettings } from './node-settings.ts';
import { Problem, parseOptions, say } from './terminal.ts';

/** Exit code for "does not run", as of init scripts. */
const notRunning = 3;

export function status(args: string[]): number {
  const { values } = parseOptions(args, {
    data: { type: 'string' },
    'output-format': { type: 'string', default: 'text' },
  });
  const format = values['output-format'];
  if (format !== 'text' && format !== 'json') throw new Problem('--output-format takes text or json', 2);
  const paths = pathsOf(values.data);
  const daemon = runningDaemon(paths);
  const ready = daemon && readReady(paths, daemon.pid);
  const guests = mayCountGuests(paths) ? runningVmids(paths) : undefined;
  const node = storedSettings(paths)?.node;
  if (format === 'json') {
    say(
      JSON.stringify({
        running: daemon !== undefined,
        ready: ready !== undefined,
        node: node ?? null,
        url: ready?.url ?? null,
        pid: daemon?.pid ?? null,
        data: paths.root,
        guests: guests?.length ?? null,
      }),
    );
  } else if (daemon) {
    say(`node ${String(node)} runs (pid ${daemon.pid}, data ${paths.root})`);
    say(ready ? `URL: ${ready.url}` : 'it is still starting');
    say(`running guests: ${guests?.length ?? 'only root can see them'}`);
  } else {
    say(
      node === undefined
        ? `no node at ${paths.root}`
        : `node ${String(node)} does not run (data ${paths.root})`,
    );
    if (guests && guests.length > 0) say(`running guests: ${guests.length} (${guests.join(' ')})`);
  }
  return daemon ? 0 : notRunning;
}

/** False when this user may not look into the folder; one that is not there is an empty one. */
function mayCountGuests(paths: DataPaths): boolean {
  try {
    accessSync(paths.qemuRun, constants.R_OK);
    return true;
  } catch (error) {
    return errorCode(error) !== 'EACCES';
  }
}
