/** Opening consoles of containers: terminals, and pictures of terminals for clients that speak VNC. */
import type { ParamsOf } from '@ryokan/api/method.ts';
import { lxcTermproxy, lxcVncproxy, lxcVncwebsocket } from '@ryokan/api/methods/lxc-consoles.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { readGuest } from '../../guests/guest-store.ts';
import { demandRunning, lxcName } from '../../guests/lxc/power.ts';
import type { ConsoleTarget } from '../console/sessions.ts';
import { programTarget } from '../console/shell.ts';
import { demandConsoleFont, vncTarget } from '../console/vnc-target.ts';
import { RelayReply } from '../dispatcher.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { openConsole } from './consoles.ts';

/** Pixels of a screen whose size was not asked for: 100 columns, 30 rows. */
const defaultSize = { width: 800, height: 480 };

export function lxcConsoleHandlers(table: HandlerTable, services: DaemonServices): void {
  const { certificate, consoles, log, settings, store } = services;
  const demandConsole = (vmid: number) => {
    const { properties } = readGuest(store, 'lxc', settings.node, vmid).file;
    demandRunning(services, vmid);
    return properties;
  };
  const terminalOf = (vmid: number) => {
    const { cmode } = demandConsole(vmid);
    return programTarget(...consoleProgram(cmode, lxcName(services, vmid)));
  };
  const open = (call: Call, vmid: number, target: ConsoleTarget) =>
    openConsole(services, call, { path: `/vms/${vmid}`, type: 'vncproxy', id: String(vmid), target });

  table.on(lxcTermproxy, ({ vmid }, call) => open(call, vmid, terminalOf(vmid)), {
    plan: ({ vmid }) => void demandConsole(vmid),
  });

  const demandScreen = ({ vmid }: ParamsOf<typeof lxcVncproxy>) => {
    demandConsole(vmid);
    demandConsoleFont();
  };
  table.on(
    lxcVncproxy,
    (params, call) => {
      demandScreen(params);
      const { vmid, width = defaultSize.width, height = defaultSize.height } = params;
      const name = `CT ${vmid} - ${demandConsole(vmid).hostname ?? `CT${vmid}`}`;
      const target = vncTarget(terminalOf(vmid), { name, width, height }, log);
      return { ...open(call, vmid, target), cert: certificate.pem };
    },
    { plan: demandScreen },
  );

  table.on(lxcVncwebsocket, ({ vmid, port, vncticket }, call) => {
    return new RelayReply(consoles.admit(call, `/vms/${vmid}`, port, vncticket)) as never;
  });
}

/** The program behind a console, by the option cmode. */
function consoleProgram(cmode: string | undefined, name: readonly string[]): [string, string[]] {
  if (cmode === 'shell') return ['lxc-attach', [...name, '--clear-env']];
  // No key leads out of the console: the window is closed instead.
  const terminal = cmode === 'console' ? ['--tty', '0'] : [];
  return ['lxc-console', [...name, '--escape=-1', ...terminal]];
}
