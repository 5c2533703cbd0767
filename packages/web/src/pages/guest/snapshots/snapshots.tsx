import { Button, Label } from '@patternfly/react-core';
import CameraIcon from '@patternfly/react-icons/dist/esm/icons/camera-icon';
import { guestAction } from '@ryokan/api/guest-actions.ts';
import { lazy, Suspense, useMemo, useState } from 'react';
import { useCall } from '../../../api/query.ts';
import { may } from '../../../api/session.ts';
import { Empty } from '../../../components/empty.tsx';
import { type Answer, Loaded } from '../../../components/loaded.tsx';
import { StateText } from '../../../components/object-icon.tsx';
import { type MenuEntry, RowMenu } from '../../../components/row-menu.tsx';
import { RunningTasks, useTasksOf } from '../../../components/running-tasks.tsx';
import { Time } from '../../../components/time.tsx';
import { RowButton, ValueRow, ValueTable } from '../../../components/value-table.tsx';
import { useT } from '../../../i18n/index.ts';
import { copyCalls, useHindrance } from '../copy-calls.ts';
import type { GuestTabProps } from '../guest-page.tsx';
import { reasonText } from '../guest-run.ts';
import { type Snapshot, type SnapshotRow, snapshotRows } from './snapshot-tree.ts';

const SnapshotDialogs = lazy(() => import('./snapshot-dialogs.tsx'));
const CloneDialog = lazy(() => import('../clone-dialog.tsx'));

export type OpenSnapshotDialog =
  | { readonly kind: 'take' }
  | { readonly kind: 'edit' | 'rollback' | 'delete' | 'clone'; readonly snapshot: Snapshot };

const taskTypes = new Set([
  ...['qmsnapshot', 'qmdelsnapshot', 'qmrollback'],
  ...['vzsnapshot', 'vzdelsnapshot', 'vzrollback'],
]);

/** The snapshots of a guest as a graph in time, with the present state where it belongs. */
export default function Snapshots(props: GuestTabProps) {
  const { node, vmid } = props.guest;
  const answer: Answer<readonly Snapshot[]> = useCall(copyCalls(props.guest).snapshots, { node, vmid });
  return <Loaded answer={answer}>{(list) => <SnapshotTable {...props} list={list} />}</Loaded>;
}

function SnapshotTable({ guest, state, list }: GuestTabProps & { list: readonly Snapshot[] }) {
  const t = useT();
  const rows = useMemo(() => snapshotRows(list), [list]);
  const [open, setOpen] = useState<OpenSnapshotDialog>();
  const running = useTasksOf(guest.vmid, taskTypes);
  const reason = (action: 'snapshot' | 'rollback' | 'clone'): string | undefined => {
    const privilege = action === 'clone' ? 'VM.Clone' : 'VM.Snapshot';
    if (!may('vms', privilege) && !(action === 'rollback' && may('vms', 'VM.Snapshot.Rollback')))
      return t('reason.noPermission');
    const why = guestAction(action, state).reason;
    return why ? reasonText(why.key, state.lock, t) : undefined;
  };
  const none = rows.every((row) => row.isCurrent);
  // Where a storage cannot, there is no offer: a sentence says which volume is why.
  const hindrance = useHindrance(guest, 'snapshot');
  const take = hindrance ? null : (
    <Button
      size="sm"
      icon={<CameraIcon />}
      isDisabled={reason('snapshot') !== undefined}
      onClick={() => setOpen({ kind: 'take' })}
    >
      {t('guest.snapshot')}
    </Button>
  );
  return (
    <div className="ry-hardware">
      <div className="ry-toolbar">
        {none && running.length === 0 ? null : take}
        {hindrance && !none ? <span className="ry-subtle">{hindrance}</span> : null}
        {reason('snapshot') && !hindrance && running.length === 0 ? (
          <span className="ry-subtle">{reason('snapshot')}</span>
        ) : null}
        <RunningTasks tasks={running} />
      </div>
      {none ? (
        <Empty
          title={hindrance ? t('snapshot.impossible') : t('snapshot.none')}
          action={running.length === 0 ? take : null}
        >
          {hindrance ?? t('snapshot.noneBody')}
        </Empty>
      ) : (
        <ValueTable
          label={t('tab.snapshots')}
          name={t('column.name')}
          value={t('snapshot.description')}
          className="ry-snapshots"
          nameClass="ry-snapshot-column"
        >
          {rows.map((row) => (
            <Row key={row.snapshot.name} row={row} guest={guest} reason={reason} onOpen={setOpen} />
          ))}
        </ValueTable>
      )}
      <Suspense fallback={null}>
        {open?.kind === 'clone' ? (
          <CloneDialog
            guest={guest}
            template={false}
            snapshot={open.snapshot.name}
            onClose={() => setOpen(undefined)}
          />
        ) : open ? (
          <SnapshotDialogs
            guest={guest}
            state={state}
            list={list}
            open={open}
            onClose={() => setOpen(undefined)}
          />
        ) : null}
      </Suspense>
    </div>
  );
}

function Row(props: {
  row: SnapshotRow;
  guest: GuestTabProps['guest'];
  reason: (action: 'snapshot' | 'rollback' | 'clone') => string | undefined;
  onOpen: (open: OpenSnapshotDialog) => void;
}) {
  const t = useT();
  const { row, guest, reason, onOpen } = props;
  const { snapshot } = row;
  const { name } = snapshot;
  const menu: MenuEntry[] = [
    {
      key: 'edit',
      label: t('snapshot.edit'),
      reason: may('vms', 'VM.Snapshot') ? undefined : t('reason.noPermission'),
      onClick: () => onOpen({ kind: 'edit', snapshot }),
    },
    {
      key: 'clone',
      label: t('snapshot.clone'),
      reason: reason('clone'),
      onClick: () => onOpen({ kind: 'clone', snapshot }),
    },
    {
      key: 'delete',
      label: t('snapshot.delete'),
      danger: true,
      reason: reason('snapshot'),
      onClick: () => onOpen({ kind: 'delete', snapshot }),
    },
  ];
  return (
    <ValueRow
      className={row.isCurrent ? 'ry-snapshot-now' : undefined}
      style={{ ['--ry-lane' as string]: row.lane }}
      name={<Name row={row} guest={guest} />}
      actions={
        row.isCurrent ? null : (
          <>
            <RowButton
              text={t('guest.rollback')}
              label={t('snapshot.rollbackTo', { name })}
              disabled={reason('rollback') !== undefined}
              onClick={() => onOpen({ kind: 'rollback', snapshot })}
            />
            <RowMenu label={t('snapshot.more', { name })} entries={menu} />
          </>
        )
      }
    >
      {row.isCurrent ? <span className="ry-subtle">{t('snapshot.nowBody')}</span> : snapshot.description}
    </ValueRow>
  );
}

function Name({ row, guest }: { row: SnapshotRow; guest: GuestTabProps['guest'] }) {
  const t = useT();
  const { snapshot } = row;
  return (
    <>
      <Graph row={row} />
      {row.isCurrent ? (
        <span>
          {t('snapshot.now')} <StateText row={guest} />
        </span>
      ) : (
        <>
          <span className="ry-id">{snapshot.name}</span>
          {snapshot.vmstate ? (
            <Label isCompact className="ry-snapshot-ram">
              {t('snapshot.ram')}
            </Label>
          ) : null}
          {snapshot.snaptime ? (
            <span className="ry-subtle ry-snapshot-time">
              <Time at={snapshot.snaptime} />
            </span>
          ) : null}
        </>
      )}
      <span className="ry-hidden">
        {snapshot.parent ? t('snapshot.after', { name: snapshot.parent }) : ''}
      </span>
    </>
  );
}

/** Dot and lines of a row; what hangs on what is told to screen readers in words. */
function Graph({ row }: { row: SnapshotRow }) {
  return (
    <span className="ry-graph" aria-hidden>
      {Array.from({ length: row.lane }, (_, lane) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lanes have nothing but their number
        <i key={lane} className="ry-graph-line" style={{ ['--ry-at' as string]: lane }} />
      ))}
      {row.link === 'straight' ? <i className="ry-graph-line ry-graph-above" /> : null}
      {row.hasChildren ? <i className="ry-graph-line ry-graph-below" /> : null}
      {row.link === 'branch' ? <i className="ry-graph-branch" /> : null}
      <i className="ry-graph-dot" />
    </span>
  );
}
