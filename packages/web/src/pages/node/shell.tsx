import { nodeTermproxy, nodeVncwebsocket } from '@ryokan/api/methods/nodes.ts';
import { api } from '../../api/session.ts';
import { Terminal } from '../../components/console/lazy-terminal.tsx';
import { consoleUrl } from '../../components/console/websocket-url.ts';
import { useT } from '../../i18n/index.ts';
import type { NodeTabProps } from './node-page.tsx';

export default function NodeShell({ node }: NodeTabProps) {
  const t = useT();
  return (
    <Terminal
      id={node}
      label={t('console.shellLabel', { node })}
      available
      once
      open={async () => {
        const access = await api.call(nodeTermproxy, { node });
        return {
          user: access.user,
          ticket: access.ticket,
          url: consoleUrl(nodeVncwebsocket.path, { node }, access),
        };
      }}
    />
  );
}
