import { Button } from '@patternfly/react-core';
import type { ResultOf } from '@ryokan/api/method.ts';
import { nodeNatBridgeLeases, nodeNatBridgeRemove, nodeNetwork } from '@ryokan/api/methods/nodes.ts';
import { useEffect, useState } from 'react';
import { onTaskEnd } from '../../api/live.ts';
import { useCall } from '../../api/query.ts';
import { run } from '../../api/run.ts';
import { api, may } from '../../api/session.ts';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { type Column, DataTable } from '../../components/data-table.tsx';
import { Empty } from '../../components/empty.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Facts, Panel } from '../../components/facts.tsx';
import { Loading } from '../../components/loading.tsx';
import { Time } from '../../components/time.tsx';
import { NatBridgeDialog } from '../../forms/nat-bridge-dialog.tsx';
import { useT } from '../../i18n/index.ts';
import type { NodeTabProps } from './node-page.tsx';

type Interface = ResultOf<typeof nodeNetwork>[number];
type Nat = ResultOf<typeof nodeNatBridgeLeases>;

export default function NodeNetwork({ node }: NodeTabProps) {
  const t = useT();
  const { data, error, refetch } = useCall(nodeNetwork, { node });
  const nat = useCall(nodeNatBridgeLeases, { node });
  const { refetch: refetchNat } = nat;
  useEffect(
    () =>
      onTaskEnd((task) => {
        if (task.node !== node || !task.type.startsWith('natbridge')) return;
        void refetch();
        void refetchNat();
      }),
    [node, refetch, refetchNat],
  );
  if (error && !data)
    return (
      <div className="ry-summary">
        <ErrorNotice error={error} onRetry={refetch} />
      </div>
    );
  if (!data) return <Loading />;
  const columns: Column<Interface>[] = [
    {
      key: 'iface',
      title: t('column.name'),
      sort: (one) => one.iface,
      render: (one) => <span className="ry-id">{one.iface}</span>,
    },
    { key: 'type', title: t('network.type'), wide: true, sort: (one) => one.type, render: (one) => one.type },
    {
      key: 'active',
      title: t('column.status'),
      sort: (one) => one.active ?? 0,
      render: (one) => (
        <span className={one.active ? 'ry-state-good' : 'ry-state-quiet'}>
          {one.active ? t('network.up') : t('network.down')}
        </span>
      ),
    },
    {
      key: 'address',
      title: t('network.address'),
      sort: (one) => one.cidr ?? one.cidr6,
      render: (one) => (
        <span className="ry-id">{[one.cidr, one.cidr6].filter(Boolean).join(', ') || '–'}</span>
      ),
    },
    {
      key: 'gateway',
      title: t('network.gateway'),
      wide: true,
      render: (one) => <span className="ry-id">{one.gateway ?? '–'}</span>,
    },
    {
      key: 'ports',
      title: t('network.ports'),
      wide: true,
      render: (one) => <span className="ry-id">{one.bridge_ports || '–'}</span>,
    },
  ];
  return (
    <div className="ry-summary">
      <Panel title={t('network.interfaces')} className="ry-span">
        <DataTable<Interface>
          inline
          label={t('network.interfaces')}
          rows={data}
          rowKey={(one) => one.iface}
          initialSort={{ key: 'iface' }}
          columns={columns}
          empty={<Empty title={t('network.none')} />}
        />
      </Panel>
      {nat.data ? <NatPanel node={node} nat={nat.data} /> : null}
    </div>
  );
}

function NatPanel({ node, nat }: { node: string; nat: Nat }) {
  const t = useT();
  const [open, setOpen] = useState<'create' | 'remove'>();
  const mayChange = may('nodes', 'Sys.Modify');
  return (
    <Panel
      title={t('natBridge.title')}
      className="ry-span"
      actions={
        nat.iface && mayChange ? (
          <Button variant="link" size="sm" isDanger onClick={() => setOpen('remove')}>
            {t('action.remove')}
          </Button>
        ) : null
      }
    >
      {nat.iface ? (
        <>
          <Facts
            rows={[
              [
                t('natBridge.name'),
                <span key="i" className="ry-id">
                  {nat.iface}
                </span>,
              ],
              [
                t('natBridge.cidr'),
                <span key="c" className="ry-id">
                  {nat.cidr}
                </span>,
              ],
              [t('column.status'), nat.active ? t('network.up') : t('network.down')],
            ]}
          />
          <DataTable<Nat['leases'][number]>
            inline
            label={t('natBridge.leases')}
            rows={nat.leases}
            rowKey={(lease) => lease.mac}
            empty={<p className="ry-subtle">{t('natBridge.noLeases')}</p>}
            columns={[
              {
                key: 'ip',
                title: t('network.address'),
                sort: (lease) => lease.ip,
                render: (lease) => <span className="ry-id">{lease.ip}</span>,
              },
              {
                key: 'mac',
                title: t('column.mac'),
                render: (lease) => <span className="ry-id">{lease.mac}</span>,
              },
              {
                key: 'host',
                title: t('column.name'),
                sort: (lease) => lease.hostname,
                render: (lease) => lease.hostname ?? '–',
              },
              {
                key: 'expires',
                title: t('natBridge.expires'),
                wide: true,
                render: (lease) => <Time at={lease.expires} />,
              },
            ]}
          />
        </>
      ) : (
        <Empty
          title={t('natBridge.absent')}
          action={
            mayChange ? <Button onClick={() => setOpen('create')}>{t('natBridge.offer')}</Button> : null
          }
        >
          {t('natBridge.explain')}
        </Empty>
      )}
      {open === 'create' ? <NatBridgeDialog node={node} onClose={() => setOpen(undefined)} /> : null}
      {open === 'remove' && nat.iface ? (
        <ConfirmDialog
          danger
          title={t('natBridge.removeTitle', { iface: nat.iface })}
          body={t('natBridge.removeBody')}
          confirm={t('action.remove')}
          onClose={() => setOpen(undefined)}
          onConfirm={() => {
            setOpen(undefined);
            const iface = nat.iface ?? '';
            void run(t('natBridge.removeFailed'), () => api.call(nodeNatBridgeRemove, { node, iface }));
          }}
        />
      ) : null}
    </Panel>
  );
}
