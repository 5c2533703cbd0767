import { type ReactNode, useMemo } from 'react';
import { Link } from 'react-router';
import { condition, isGuest, labelOf, pathOf, type Resource, tagsOf } from '../api/rows.ts';
import { type Translate, useT } from '../i18n/index.ts';
import { useFormat } from '../util/use-format.ts';
import { type Column, DataTable } from './data-table.tsx';
import { UseCell } from './meter.tsx';
import { kindWord, ObjectIcon, StateText } from './object-icon.tsx';
import { Tags } from './tags.tsx';

const filterBy = (t: Translate) => (row: Resource) => [
  row.vmid,
  row.name ?? row.storage ?? row.node,
  row.node,
  row.type,
  kindWord(row, t),
  condition(row),
  row.tags,
  row.pool,
  row.lock,
];

/** Use of what runs; nothing for storages and for guests that stand still. */
function Use({ row, share, label }: { row: Resource; share: number | undefined; label: string }) {
  const idle = row.type === 'storage' || ['stopped', 'offline', 'unknown'].includes(row.status ?? 'unknown');
  return idle ? <span className="ry-subtle">–</span> : <UseCell share={share} label={label} />;
}

/** Guests, nodes and storages in one table. */
export function ResourceTable(props: {
  rows: readonly Resource[];
  label: string;
  empty: ReactNode;
  actions?: ReactNode;
  hideNode?: boolean;
}) {
  const t = useT();
  const format = useFormat();
  const filter = useMemo(() => filterBy(t), [t]);
  const columns: Column<Resource>[] = [
    {
      key: 'id',
      title: t('column.id'),
      width: '5.5rem',
      sort: (row) => row.vmid,
      render: (row) => <span className="ry-id">{row.vmid ?? ''}</span>,
    },
    {
      key: 'name',
      title: t('column.name'),
      sort: (row) => row.name ?? labelOf(row),
      render: (row) => (
        <Link to={pathOf(row)} className="ry-object-link">
          <ObjectIcon row={row} bare />
          <span className="ry-ellipsis">{isGuest(row) ? (row.name ?? row.vmid) : labelOf(row)}</span>
        </Link>
      ),
    },
    {
      key: 'status',
      title: t('column.status'),
      width: '8rem',
      sort: condition,
      render: (row) => <StateText row={row} />,
    },
    ...(props.hideNode
      ? []
      : [
          {
            key: 'node',
            title: t('column.node'),
            width: '8rem',
            wide: true,
            sort: (row: Resource) => row.node,
            render: (row: Resource) => row.node,
          },
        ]),
    {
      key: 'cpu',
      title: t('column.cpu'),
      width: '8rem',
      wide: true,
      sort: (row) => row.cpu,
      render: (row) => <Use row={row} share={row.cpu} label={t('column.cpu')} />,
    },
    {
      key: 'memory',
      title: t('column.memory'),
      width: '8rem',
      wide: true,
      sort: (row) => (row.maxmem ? (row.mem ?? 0) / row.maxmem : undefined),
      render: (row) => (
        <Use
          row={row}
          share={row.maxmem ? (row.mem ?? 0) / row.maxmem : undefined}
          label={t('column.memory')}
        />
      ),
    },
    {
      key: 'size',
      title: t('column.disk'),
      width: '7rem',
      numeric: true,
      wide: true,
      sort: (row) => row.maxdisk,
      render: (row) => (row.maxdisk ? format.bytes(row.maxdisk) : '–'),
    },
    {
      key: 'uptime',
      title: t('column.uptime'),
      width: '7rem',
      numeric: true,
      wide: true,
      sort: (row) => row.uptime,
      render: (row) => (row.uptime ? format.duration(row.uptime) : '–'),
    },
    {
      key: 'tags',
      title: t('guest.tags'),
      width: '12rem',
      wide: true,
      sort: (row) => row.tags,
      render: (row) => <Tags tags={tagsOf(row)} />,
    },
  ];
  return (
    <DataTable<Resource>
      label={props.label}
      rows={props.rows}
      rowKey={(row) => row.id}
      filterBy={filter}
      initialSort={{ key: 'id' }}
      columns={columns}
      empty={props.empty}
      actions={props.actions}
    />
  );
}
