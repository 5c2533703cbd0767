import { Button } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import { useMemo, useState } from 'react';
import { useNodeNames } from '../../../api/hooks.ts';
import { invalidate, useCall } from '../../../api/query.ts';
import { run } from '../../../api/run.ts';
import { api } from '../../../api/session.ts';
import { ConfirmDialog } from '../../../components/confirm-dialog.tsx';
import { DataTable } from '../../../components/data-table.tsx';
import { Empty } from '../../../components/empty.tsx';
import { type Answer, Loaded } from '../../../components/loaded.tsx';
import { RowButton } from '../../../components/value-table.tsx';
import { useT } from '../../../i18n/index.ts';
import { MappingDialog } from './mapping-dialog.tsx';
import { entryText, type MappingRow, mappingKinds, mappingLists, mappingRow } from './mapping-kinds.ts';

type Open = { readonly mode: 'add' } | { readonly mode: 'edit' | 'remove'; readonly row: MappingRow };

/** Names of the cluster for devices and directories of its nodes, so that a guest finds its own wherever it runs. */
export default function Mappings() {
  const t = useT();
  const answer = useMappings();
  const [open, setOpen] = useState<Open>();
  const button = (row: MappingRow, mode: 'edit' | 'remove', text: string) => (
    <RowButton text={text} label={`${text}: ${row.id}`} onClick={() => setOpen({ mode, row })} />
  );
  return (
    <>
      <Loaded answer={answer}>
        {(rows) => (
          <DataTable<MappingRow>
            label={t('tab.mappings')}
            rows={rows}
            rowKey={(row) => `${row.kind}/${row.id}`}
            filterBy={(row) => [row.id, row.description, ...row.map]}
            initialSort={{ key: 'id' }}
            columns={[
              {
                key: 'id',
                title: t('column.name'),
                width: 'min(12rem, 25vw)',
                sort: (row) => row.id,
                render: (row) => <span className="ry-id">{row.id}</span>,
              },
              {
                key: 'kind',
                title: t('mappings.kind'),
                width: '10rem',
                wide: true,
                sort: (row) => row.kind,
                render: (row) => t(mappingKinds[row.kind].label),
              },
              { key: 'map', title: t('mappings.entries'), render: (row) => <Entries row={row} /> },
              {
                key: 'description',
                title: t('access.comment'),
                width: '12rem',
                wide: true,
                render: (row) => row.description,
              },
              {
                key: 'actions',
                title: '',
                width: 'min(10rem, 40vw)',
                render: (row) => (
                  <span className="ry-inline-list">
                    {button(row, 'edit', t('action.edit'))}
                    {button(row, 'remove', t('action.remove'))}
                  </span>
                ),
              },
            ]}
            empty={<Empty title={t('mappings.none')}>{t('mappings.noneBody')}</Empty>}
            actions={
              <Button size="sm" icon={<PlusIcon />} onClick={() => setOpen({ mode: 'add' })}>
                {t('mappings.add')}
              </Button>
            }
          />
        )}
      </Loaded>
      {open?.mode === 'remove' ? (
        <RemoveMapping row={open.row} onClose={() => setOpen(undefined)} />
      ) : open ? (
        <MappingDialog row={open.mode === 'edit' ? open.row : undefined} onClose={() => setOpen(undefined)} />
      ) : null}
    </>
  );
}

/** All mappings, with what is wrong with them on the first node. */
function useMappings(): Answer<readonly MappingRow[]> {
  const [node] = useNodeNames();
  const params = node === undefined ? {} : { 'check-node': node };
  const pci = useCall(mappingKinds.pci.methods.list, params);
  const usb = useCall(mappingKinds.usb.methods.list, params);
  const dir = useCall(mappingKinds.dir.methods.list, params);
  const data = useMemo(
    () =>
      pci.data && usb.data && dir.data
        ? [
            ...pci.data.map((one) => mappingRow('pci', one)),
            ...usb.data.map((one) => mappingRow('usb', one)),
            ...dir.data.map((one) => mappingRow('dir', one)),
          ]
        : undefined,
    [pci.data, usb.data, dir.data],
  );
  const refetch = () => Promise.all([pci.refetch(), usb.refetch(), dir.refetch()]);
  return { data, error: pci.error ?? usb.error ?? dir.error, refetch };
}

function Entries({ row }: { row: MappingRow }) {
  return (
    <span title={row.problems.join('\n')}>
      <span className="ry-id">{row.map.map((text) => entryText(row.kind, text)).join(', ')}</span>
      {row.problems.length > 0 ? <span className="ry-pending-note"> {row.problems.join('; ')}</span> : null}
    </span>
  );
}

function RemoveMapping({ row, onClose }: { row: MappingRow; onClose: () => void }) {
  const t = useT();
  return (
    <ConfirmDialog
      danger
      title={t('access.removeTitle', { name: row.id })}
      body={t('mappings.removeBody')}
      confirm={t('action.remove')}
      onClose={onClose}
      onConfirm={() => {
        onClose();
        void run(t('access.removeFailed', { name: row.id }), async () => {
          await api.call(mappingKinds[row.kind].methods.remove, { id: row.id });
          await invalidate(...mappingLists);
        });
      }}
    />
  );
}
