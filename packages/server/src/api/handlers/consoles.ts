/** Opening consoles: screens and serial ports of guests, shells of the node. */
import { randomBytes } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ParamsOf } from '@ryokan/api/method.ts';
import { nodeTermproxy, nodeVncwebsocket } from '@ryokan/api/methods/nodes.ts';
import { qemuTermproxy, qemuVncproxy, qemuVncwebsocket } from '@ryokan/api/methods/qemu.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { readGuest } from '../../guests/guest-store.ts';
import { demandRunning } from '../../guests/qemu/power.ts';
import { qemuRunPaths } from '../../guests/qemu/run-paths.ts';
import { type ConsoleTarget, unixTarget } from '../console/sessions.ts';
import { shellTarget } from '../console/shell.ts';
import { RelayReply } from '../dispatcher.ts';
import type { Call, HandlerTable } from '../handler-table.ts';

/** Seconds within which whoever asked for a screen must have opened it. */
const vncPasswordLife = 30;

/**
 * Passwords of screens. QEMU knows one for a guest: whoever asks while an earlier caller may still be on his way gets the
 * same, so that neither finds himself refused. It keeps nobody out whom the console's ticket would let in.
 */
class VncPasswords {
  private readonly given = new Map<number, { readonly password: string; readonly until: number }>();

  of(vmid: number): string {
    const now = Date.now();
    const known = this.given.get(vmid);
    const password = known && known.until > now ? known.password : randomBytes(6).toString('base64url');
    this.given.set(vmid, { password, until: now + vncPasswordLife * 1000 });
    return password;
  }
}

export interface NewConsole {
  /** ACL path. */
  readonly path: string;
  /** Type and id of its task. */
  readonly type: string;
  readonly id: string;
  readonly target: ConsoleTarget;
}

/** A console is a task as long as it is open. */
export function openConsole(
  { consoles, tasks }: DaemonServices,
  call: Call,
  { path, type, id, target }: NewConsole,
) {
  const task = tasks.inline(type, id, call.user, () => consoles.end(session));
  const session = consoles.create(call, path, target, () => task.end('OK'));
  const { user, ticket, port } = session;
  return { user, ticket, port, upid: task.upid };
}

export function consoleHandlers(table: HandlerTable, services: DaemonServices): void {
  const { consoles, settings, store } = services;
  const vncPasswords = new VncPasswords();

  const open = (call: Call, path: string, type: string, id: string, target: ConsoleTarget) =>
    openConsole(services, call, { path, type, id, target });

  const demandScreen = (vmid: number) => {
    readGuest(store, 'qemu', settings.node, vmid);
    demandRunning(services, vmid);
  };
  const openScreen = async (params: ParamsOf<typeof qemuVncproxy>, call: Call) => {
    const { vmid } = params;
    demandScreen(vmid);
    const { vnc } = qemuRunPaths(services.paths, vmid);
    const opened = open(call, `/vms/${vmid}`, 'vncproxy', String(vmid), unixTarget(vnc, false));
    // VNC passwords have 8 characters; clients that ask for none of their own use the ticket.
    const password = params['generate-password'] ? vncPasswords.of(vmid) : opened.ticket;
    const qmp = await services.monitor.connection(vmid);
    await qmp.execute('set_password', { protocol: 'vnc', password });
    await qmp.execute('expire_password', { protocol: 'vnc', time: `+${vncPasswordLife}` });
    const { pem } = services.certificate;
    return { ...opened, cert: pem, ...(params['generate-password'] ? { password } : {}) };
  };
  table.on(qemuVncproxy, openScreen, { plan: ({ vmid }) => demandScreen(vmid) });

  const serialSocket = ({ vmid, serial }: ParamsOf<typeof qemuTermproxy>): string => {
    const { properties } = readGuest(store, 'qemu', settings.node, vmid).file;
    demandRunning(services, vmid);
    const key =
      serial ?? ['serial0', 'serial1', 'serial2', 'serial3'].find((one) => properties[one] === 'socket');
    if (key === undefined || properties[key] !== 'socket') {
      throw new RyokanError(
        'state',
        `VM ${vmid} has no serial console: add a serial port of type socket (serial0) and start it again`,
      );
    }
    return qemuRunPaths(services.paths, vmid).serial(Number(key.slice('serial'.length)));
  };
  table.on(
    qemuTermproxy,
    (params, call) => {
      const target = unixTarget(serialSocket(params), true);
      return open(call, `/vms/${params.vmid}`, 'vncproxy', String(params.vmid), target);
    },
    { plan: (params) => void serialSocket(params) },
  );

  table.on(qemuVncwebsocket, ({ vmid, port, vncticket }, call) => {
    return new RelayReply(consoles.admit(call, `/vms/${vmid}`, port, vncticket)) as never;
  });

  const demandShell = ({ cmd = 'login' }: ParamsOf<typeof nodeTermproxy>) => {
    if (cmd !== 'login')
      throw new RyokanError('unsupported', `'${cmd}' is not possible here: open a shell (cmd=login) instead`);
  };
  table.on(
    nodeTermproxy,
    (params, call) => {
      demandShell(params);
      return open(call, `/nodes/${params.node}`, 'vncshell', '', shellTarget(call.user));
    },
    { plan: demandShell },
  );

  table.on(nodeVncwebsocket, ({ node, port, vncticket }, call) => {
    return new RelayReply(consoles.admit(call, `/nodes/${node}`, port, vncticket)) as never;
  });
}
