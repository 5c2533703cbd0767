import { Link } from 'react-router';
import { useNodeNames, useResources } from '../../api/hooks.ts';
import { isGuest, labelOf, pathOf, type Resource } from '../../api/rows.ts';
import { DataTable } from '../../components/data-table.tsx';
import { Facts, Panel } from '../../components/facts.tsx';
import { Loading } from '../../components/loading.tsx';
import { Meter, UseCell } from '../../components/meter.tsx';
import { NoGuests } from '../../components/no-guests.tsx';
import { NodeWarnings } from '../../components/node-warnings.tsx';
import { ObjectIcon, StateText } from '../../components/object-icon.tsx';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import { totalsOf } from './totals.ts';

export default function DatacenterSummary() {
  const t = useT();
  const format = useFormat();
  const { rows, loaded } = useResources();
  const nodeNames = useNodeNames();
  if (!loaded) return <Loading />;
  const totals = totalsOf(rows);
  const nodes = rows.filter((row) => row.type === 'node');
  const share = (one: { used: number; total: number }) => (one.total > 0 ? one.used / one.total : undefined);
  const bytes = (one: { used: number; total: number }) =>
    t('summary.of', { used: format.bytes(one.used), total: format.bytes(one.total) });
  const hasGuests = rows.some(isGuest);
  return (
    <div className="ry-summary">
      {nodeNames.map((node) => (
        <NodeWarnings key={node} node={node} />
      ))}
      <Panel
        title={t('summary.guests')}
        actions={
          hasGuests ? (
            <span className="ry-subtle">
              {t('summary.machineCount', { count: totals.guests.machines })},{' '}
              {t('summary.containerCount', { count: totals.guests.containers })}
            </span>
          ) : null
        }
      >
        {hasGuests ? (
          <Facts
            rows={[
              [t('state.running'), <Count key="r" value={totals.guests.running} />],
              [t('state.paused'), <Count key="p" value={totals.guests.paused} />],
              [t('state.stopped'), <Count key="s" value={totals.guests.stopped} />],
              [t('state.template'), <Count key="t" value={totals.guests.templates} />],
              totals.guests.troubled > 0
                ? [t('summary.troubled'), <Count key="e" value={totals.guests.troubled} />]
                : undefined,
            ]}
          />
        ) : (
          <NoGuests />
        )}
      </Panel>
      <Panel title={t('summary.use')}>
        <Meter
          label={t('column.cpu')}
          share={share(totals.cpu)}
          detail={t('summary.cpusUsed', { used: format.number(totals.cpu.used, 1), total: totals.cpu.total })}
        />
        <Meter
          label={t('column.memory')}
          share={share(totals.memory)}
          detail={bytes(totals.memory)}
          warnAt={0.95}
        />
        <Meter
          label={t('column.storage')}
          share={share(totals.storage)}
          detail={bytes(totals.storage)}
          warnAt={0.9}
        />
      </Panel>
      <Panel title={t('summary.nodes')} className="ry-span">
        <DataTable<Resource>
          inline
          label={t('summary.nodes')}
          rows={nodes}
          rowKey={(row) => row.id}
          empty={null}
          initialSort={{ key: 'name' }}
          columns={[
            {
              key: 'name',
              title: t('column.name'),
              sort: (row) => row.node,
              render: (row) => (
                <Link to={pathOf(row)} className="ry-object-link">
                  <ObjectIcon row={row} bare /> {labelOf(row)}
                </Link>
              ),
            },
            {
              key: 'status',
              title: t('column.status'),
              sort: (row) => row.status,
              render: (row) => <StateText row={row} />,
            },
            {
              key: 'cpu',
              title: t('column.cpu'),
              sort: (row) => row.cpu,
              render: (row) => <UseCell share={row.cpu} label={t('column.cpu')} />,
            },
            {
              key: 'memory',
              title: t('column.memory'),
              sort: (row) => row.mem,
              render: (row) => (
                <UseCell
                  share={row.maxmem ? (row.mem ?? 0) / row.maxmem : undefined}
                  label={t('column.memory')}
                />
              ),
            },
            {
              key: 'uptime',
              title: t('column.uptime'),
              numeric: true,
              wide: true,
              sort: (row) => row.uptime,
              render: (row) => (row.uptime ? format.duration(row.uptime) : '–'),
            },
          ]}
        />
      </Panel>
    </div>
  );
}

function Count({ value }: { value: number }) {
  const format = useFormat();
  return <span className="ry-number">{format.number(value)}</span>;
}
