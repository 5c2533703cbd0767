import { guestAction } from '@ryokan/api/guest-actions.ts';
import { type ComponentType, Suspense, useMemo, useState } from 'react';
import { run } from '../../api/run.ts';
import { Empty } from '../../components/empty.tsx';
import { type MenuEntry, RowMenu } from '../../components/row-menu.tsx';
import { RunningTasks, useTasksOf } from '../../components/running-tasks.tsx';
import { Change, RowButton, ValueRow, ValueTable } from '../../components/value-table.tsx';
import { type PlainKey, useT } from '../../i18n/index.ts';
import { type Addable, AddMenu } from './add-menu.tsx';
import { applyChange, type DialogTarget } from './apply-change.ts';
import type { DeviceGroup } from './config-model.ts';
import { changeDrive } from './device-change.ts';
import type { DeviceDialogsProps, OpenDialog } from './device-dialogs.tsx';
import { DeviceIcon, DeviceValue, deviceName } from './device-text.tsx';
import type { GuestTabProps } from './guest-page.tsx';
import { reasonText } from './guest-run.ts';
import {
  canGrow,
  type DeviceLayout,
  deviceRows,
  type HardwareRow,
  hasMedium,
  hasVolume,
  isRemovable,
} from './hardware-model.ts';
import { dialogTarget, type Entries, revert } from './use-entries.ts';

/** Tasks that change disks for longer than a moment. */
const diskTasks = new Set(['qmmove', 'resize', 'qmconfig', 'move_volume']);

/** Devices of a guest with their pending changes, and what can be done with each. */
export function DeviceTable(
  props: GuestTabProps & {
    entries: Entries;
    label: string;
    layout: DeviceLayout;
    addable: readonly Addable[];
    /** Said in place of a table without rows. */
    empty?: { readonly title: string; readonly body: string };
    /** The forms; loaded when the first one opens. */
    Dialogs: ComponentType<DeviceDialogsProps>;
  },
) {
  const t = useT();
  const { guest, state, entries, layout, Dialogs } = props;
  const target = dialogTarget(guest, state, entries);
  const rows = useMemo(() => deviceRows(entries, layout), [entries, layout]);
  const running = useTasksOf(guest.vmid, diskTasks);
  // With what it was opened on: a change by somebody else in between is refused by its digest, not written over.
  const [dialog, setDialog] = useState<Omit<DeviceDialogsProps, 'onClose'>>();
  const openDialog = (open: OpenDialog) => setDialog({ open, target, entries });
  const edit = guestAction('edit', state);
  const reason = edit.reason ? reasonText(edit.reason.key, state.lock, t) : undefined;
  return (
    <div className="ry-hardware">
      <div className="ry-toolbar">
        <AddMenu
          addable={props.addable}
          disabled={!edit.allowed}
          entries={entries}
          onChoose={(group) => openDialog({ mode: 'add', group })}
        />
        <RunningTasks tasks={running} />
        {reason && running.length === 0 ? <span className="ry-subtle">{reason}</span> : null}
        {rows.some((row) => row.pending) ? (
          <span className="ry-pending-note" role="status">
            {t('hardware.pendingNote')}
          </span>
        ) : null}
      </div>
      {rows.length === 0 && props.empty ? (
        <Empty title={props.empty.title}>{props.empty.body}</Empty>
      ) : (
        <ValueTable label={props.label} name={t('hardware.device')} value={t('hardware.value')}>
          {rows.map((row) => (
            <ValueRow
              key={row.id}
              pending={row.pending}
              name={
                <span className="ry-device-name">
                  <DeviceIcon group={row.group} /> {deviceName(row, t)}
                </span>
              }
              actions={
                <DeviceActions
                  row={row}
                  allowed={edit.allowed}
                  target={target}
                  onOpen={openDialog}
                  onRevert={() =>
                    void revert(
                      guest,
                      row.keys.filter((key) => entries.has(key)),
                    )
                  }
                />
              }
            >
              <PendingValue row={row} />
            </ValueRow>
          ))}
        </ValueTable>
      )}
      <Suspense fallback={null}>
        {dialog ? <Dialogs {...dialog} onClose={() => setDialog(undefined)} /> : null}
      </Suspense>
    </div>
  );
}

/** Volumes with fixed contents, and the image that the node writes: there is nothing in them to edit. */
const notEdited = new Set(['efidisk', 'tpm', 'cloudinit']);

function DeviceActions(props: {
  row: HardwareRow;
  allowed: boolean;
  target: DialogTarget;
  onOpen: (open: OpenDialog) => void;
  onRevert: () => void;
}) {
  const t = useT();
  const { row, allowed, onOpen } = props;
  const device = deviceName(row, t);
  const going = Object.keys(row.next).length === 0 && isRemovable(row);
  return (
    <>
      {row.pending ? (
        <RowButton
          text={t('hardware.revert')}
          label={t('hardware.revertOf', { device })}
          disabled={!allowed}
          onClick={props.onRevert}
        />
      ) : null}
      {going || notEdited.has(row.group) ? null : (
        <RowButton
          text={row.group === 'unused' ? t('hardware.attach') : t('action.edit')}
          label={t('hardware.editOf', { device })}
          disabled={!allowed}
          onClick={() => onOpen({ mode: 'edit', row })}
        />
      )}
      {going || !allowed ? null : <DeviceMenu row={row} target={props.target} onOpen={onOpen} />}
    </>
  );
}

/** A disk of a VM can go with its data; a volume of a container is detached first. */
function removalWords(row: HardwareRow): PlainKey {
  if (row.group === 'disk') return 'disk.detachMenu';
  return row.group === 'mountpoint' && hasVolume(row) ? 'container.detachMenu' : 'hardware.removeMenu';
}

/** Disks that can go to another guest. */
const givable: ReadonlySet<DeviceGroup> = new Set(['disk', 'unused', 'mountpoint']);

/** What else can be done with a device. */
function DeviceMenu(props: { row: HardwareRow; target: DialogTarget; onOpen: (open: OpenDialog) => void }) {
  const t = useT();
  const { row, target, onOpen } = props;
  // Files that change while they are copied would be of no moment at all.
  const moveReason = target.type === 'lxc' && target.running ? t('reason.stillRunning') : undefined;
  const opening = (mode: 'resize' | 'move' | 'reassign' | 'remove', label: string): MenuEntry => ({
    key: mode,
    label,
    danger: mode === 'remove',
    reason: mode === 'move' ? moveReason : undefined,
    onClick: () => onOpen({ mode, row }),
  });
  const eject: MenuEntry = {
    key: 'eject',
    label: t('cdrom.eject'),
    onClick: () => {
      const text = row.next[row.id] ?? '';
      const change = { [row.id]: changeDrive(row.id, text, { file: 'none', size: undefined }) };
      void run(t('config.failed'), () => applyChange(target, change, false));
    },
  };
  const removal = t(removalWords(row));
  const entries = [
    ...(hasMedium(row) ? [eject] : []),
    ...(canGrow(row) ? [opening('resize', t('disk.growMenu'))] : []),
    ...(hasVolume(row) ? [opening('move', t('disk.moveMenu'))] : []),
    ...(givable.has(row.group) && hasVolume(row) ? [opening('reassign', t('disk.reassignMenu'))] : []),
    ...(isRemovable(row) ? [opening('remove', removal)] : []),
  ];
  return <RowMenu label={t('hardware.moreOf', { device: deviceName(row, t) })} entries={entries} />;
}

function PendingValue({ row }: { row: HardwareRow }) {
  const t = useT();
  const value = (values: HardwareRow['now']) => <DeviceValue group={row.group} id={row.id} values={values} />;
  if (!row.pending) return value(row.now);
  // Built-in devices are never new or gone: without a value they have their default.
  const added = isRemovable(row) && Object.keys(row.now).length === 0;
  const removed = isRemovable(row) && Object.keys(row.next).length === 0;
  return (
    <Change
      before={added ? undefined : value(row.now)}
      after={removed ? t('hardware.removing') : value(row.next)}
      beforeLabel={t('hardware.now')}
      afterLabel={t('hardware.next')}
      reasons={row.reasons}
    />
  );
}
