import { qemuTermproxy, qemuVncwebsocket } from '@ryokan/api/methods/qemu.ts';
import type { ReactNode } from 'react';
import { api } from '../../api/session.ts';
import { Terminal } from '../../components/console/terminal.tsx';
import { consoleUrl } from '../../components/console/websocket-url.ts';
import { useT } from '../../i18n/index.ts';

const serialPorts = ['serial0', 'serial1', 'serial2', 'serial3'] as const;

export function SerialTerminal(props: {
  node: string;
  vmid: number;
  port: string;
  available: boolean;
  off: ReactNode;
  actions?: ReactNode;
}) {
  const t = useT();
  const { node, vmid } = props;
  const port = serialPorts.find((one) => one === props.port) ?? 'serial0';
  return (
    <Terminal
      id={`${node}/${vmid}/${port}`}
      label={t('console.serialLabel', { port, vmid })}
      available={props.available}
      off={props.off}
      actions={props.actions}
      open={async () => {
        const access = await api.call(qemuTermproxy, { node, vmid, serial: port });
        return {
          user: access.user,
          ticket: access.ticket,
          url: consoleUrl(qemuVncwebsocket.path, { node, vmid }, access),
        };
      }}
    />
  );
}
