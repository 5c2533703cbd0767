import { lxcTermproxy, lxcVncwebsocket } from '@ryokan/api/methods/lxc-consoles.ts';
import { qemuTermproxy, qemuVncwebsocket } from '@ryokan/api/methods/qemu.ts';
import type { ReactNode } from 'react';
import { type GuestRef, nameOf } from '../../api/guest-kinds.ts';
import { api } from '../../api/session.ts';
import { Terminal } from '../../components/console/lazy-terminal.tsx';
import type { TerminalAccess } from '../../components/console/terminal.tsx';
import { consoleUrl } from '../../components/console/websocket-url.ts';
import { useT } from '../../i18n/index.ts';

const serialPorts = ['serial0', 'serial1', 'serial2', 'serial3'] as const;
type SerialPort = (typeof serialPorts)[number];

/** A terminal on a serial port of a VM, or on the console of a container. */
export function GuestTerminal(props: {
  guest: GuestRef;
  /** Only of a VM; its first port when absent. */
  port?: string;
  available: boolean;
  off: ReactNode;
  actions?: ReactNode;
  /** True: when its shell was left, offer a new one instead of starting it. */
  once?: boolean;
}) {
  const t = useT();
  const { guest, once } = props;
  const port = serialPorts.find((one) => one === props.port) ?? 'serial0';
  const device = guest.type === 'lxc' ? t('tab.console') : port;
  return (
    <Terminal
      id={`${guest.node}/${guest.vmid}/${device}`}
      label={t('console.terminalLabel', { device, name: nameOf(guest) })}
      available={props.available}
      off={props.off}
      actions={props.actions}
      once={once ?? false}
      open={() => openTerminal(guest, port)}
    />
  );
}

async function openTerminal({ type, node, vmid }: GuestRef, serial: SerialPort): Promise<TerminalAccess> {
  const access =
    type === 'lxc'
      ? await api.call(lxcTermproxy, { node, vmid })
      : await api.call(qemuTermproxy, { node, vmid, serial });
  const { path } = type === 'lxc' ? lxcVncwebsocket : qemuVncwebsocket;
  return { user: access.user, ticket: access.ticket, url: consoleUrl(path, { node, vmid }, access) };
}
