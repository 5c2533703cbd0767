import { Button, Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import { guestAction } from '@ryokan/api/guest-actions.ts';
import { qemuConfigGet, qemuConfigSet, qemuPending } from '@ryokan/api/methods/qemu.ts';
import { lazy, Suspense, useMemo, useState } from 'react';
import { useGuestConfig } from '../../api/hooks.ts';
import { invalidate, useCall } from '../../api/query.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { useT } from '../../i18n/index.ts';
import { type DeviceGroup, deviceGroup, entriesOf } from './config-model.ts';
import type { DeviceDialogProps } from './device-dialogs.tsx';
import { DeviceIcon, DeviceValue, deviceName } from './device-text.tsx';
import type { GuestTabProps } from './guest-page.tsx';
import { reasonText } from './guest-run.ts';
import { type HardwareRow, hardwareRows, isRemovable } from './hardware-model.ts';

const DeviceDialog = lazy(() => import('./device-dialogs.tsx'));
const RemoveDeviceDialog = lazy(() => import('./remove-device-dialog.tsx'));

type Open =
  | Pick<DeviceDialogProps, 'mode' | 'group' | 'row'>
  | { readonly mode: 'remove'; readonly row: HardwareRow };

const addable: readonly DeviceGroup[] = ['disk', 'cdrom', 'network', 'efidisk', 'serial', 'rng'];

export default function Hardware({ guest, state }: GuestTabProps) {
  const t = useT();
  const { node, vmid } = guest;
  const { data, error, refetch } = useCall(qemuPending, { node, vmid });
  const { data: config } = useGuestConfig(node, vmid);
  const entries = useMemo(() => entriesOf(data ?? []), [data]);
  const rows = useMemo(() => hardwareRows(entries), [entries]);
  const [open, setOpen] = useState<Open>();
  if (error && !data)
    return (
      <div className="ry-summary">
        <ErrorNotice error={error} onRetry={refetch} />
      </div>
    );
  if (!data) return <Loading />;
  const edit = guestAction('edit', state);
  const target = { node, vmid, digest: config?.digest };
  const revert = (row: HardwareRow) =>
    run(t('config.failed'), async () => {
      await api.call(qemuConfigSet, {
        node,
        vmid,
        revert: row.keys.filter((key) => entries.has(key)).join(','),
      });
      await invalidate(qemuPending, qemuConfigGet);
    });
  const pending = rows.some((row) => row.pending);
  return (
    <div className="ry-hardware">
      <div className="ry-toolbar">
        <AddMenu
          disabled={!edit.allowed}
          taken={entries}
          onChoose={(group) => setOpen({ mode: 'add', group, row: undefined })}
        />
        {edit.reason ? <span className="ry-subtle">{reasonText(edit.reason.key, state.lock, t)}</span> : null}
        {pending ? (
          <span className="ry-pending-note" role="status">
            {t('hardware.pendingNote')}
          </span>
        ) : null}
      </div>
      <div className="ry-table-scroller" tabIndex={0} role="region" aria-label={t('tab.hardware')}>
        <table className="ry-table ry-hardware-table">
          <caption className="ry-hidden">{t('tab.hardware')}</caption>
          <thead>
            <tr>
              <th scope="col" className="ry-device-column">
                {t('hardware.device')}
              </th>
              <th scope="col">{t('hardware.value')}</th>
              <th scope="col" className="ry-actions-column">
                <span className="ry-hidden">{t('hardware.actions')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.id} className={row.pending ? 'ry-row-pending' : undefined}>
                <th scope="row">
                  <span className="ry-device-name">
                    <DeviceIcon group={row.group} /> {deviceName(row, t)}
                  </span>
                </th>
                <td>
                  <PendingValue row={row} />
                </td>
                <td className="ry-actions-cell">
                  {row.pending ? (
                    <Button
                      variant="link"
                      size="sm"
                      isInline
                      onClick={() => void revert(row)}
                      aria-label={t('hardware.revertOf', { device: deviceName(row, t) })}
                    >
                      {t('hardware.revert')}
                    </Button>
                  ) : null}
                  <Button
                    variant="link"
                    size="sm"
                    isInline
                    isDisabled={!edit.allowed}
                    onClick={() => setOpen({ mode: 'edit', group: row.group, row })}
                    aria-label={t('hardware.editOf', { device: deviceName(row, t) })}
                  >
                    {row.group === 'unused' ? t('hardware.attach') : t('action.edit')}
                  </Button>
                  {isRemovable(row) ? (
                    <Button
                      variant="link"
                      size="sm"
                      isInline
                      isDanger
                      isDisabled={!edit.allowed}
                      onClick={() => setOpen({ mode: 'remove', row })}
                      aria-label={t('hardware.removeOf', { device: deviceName(row, t) })}
                    >
                      {t('hardware.remove')}
                    </Button>
                  ) : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Suspense fallback={null}>
        {open?.mode === 'remove' ? (
          <RemoveDeviceDialog target={target} row={open.row} onClose={() => setOpen(undefined)} />
        ) : open ? (
          <DeviceDialog {...open} target={target} entries={entries} onClose={() => setOpen(undefined)} />
        ) : null}
      </Suspense>
    </div>
  );
}

/** The value; with a pending change the old one struck out and the new one below, both said in words too. */
function PendingValue({ row }: { row: HardwareRow }) {
  const t = useT();
  if (!row.pending) return <DeviceValue group={row.group} id={row.id} values={row.now} />;
  // Built-in devices are never new or gone: without a value they have their default.
  const added = isRemovable(row) && Object.keys(row.now).length === 0;
  const removed = isRemovable(row) && Object.keys(row.next).length === 0;
  return (
    <span className="ry-pending">
      {added ? null : (
        <del>
          <span className="ry-hidden">{t('hardware.now')}: </span>
          <DeviceValue group={row.group} id={row.id} values={row.now} />
        </del>
      )}
      {removed ? (
        <ins>{t('hardware.removing')}</ins>
      ) : (
        <ins>
          <span className="ry-hidden">{t('hardware.next')}: </span>
          <DeviceValue group={row.group} id={row.id} values={row.next} />
        </ins>
      )}
    </span>
  );
}

function AddMenu(props: {
  disabled: boolean;
  taken: ReadonlyMap<string, unknown>;
  onChoose: (group: DeviceGroup) => void;
}) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const once = { efidisk: 'efidisk0', rng: 'rng0' } as const;
  const isTaken = (group: DeviceGroup) =>
    group in once &&
    props.taken.has(once[group as keyof typeof once]) &&
    deviceGroup(once[group as keyof typeof once], '') === group;
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          size="sm"
          variant="primary"
          icon={<PlusIcon />}
          isDisabled={props.disabled}
          isExpanded={open}
          onClick={() => setOpen(!open)}
        >
          {t('hardware.add')}
        </MenuToggle>
      )}
    >
      <DropdownList>
        {addable.map((group) => (
          <DropdownItem
            key={group}
            isAriaDisabled={isTaken(group)}
            description={isTaken(group) ? t('hardware.onlyOne') : undefined}
            onClick={() => {
              setOpen(false);
              props.onChoose(group);
            }}
          >
            {deviceName({ id: group, group }, t)}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}
