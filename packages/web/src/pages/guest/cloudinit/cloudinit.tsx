import { Button } from '@patternfly/react-core';
import { guestAction } from '@ryokan/api/guest-actions.ts';
import { qemuConfigGet, qemuConfigSet, qemuPending } from '@ryokan/api/methods/qemu.ts';
import { cloudInitPending, cloudInitUpdate } from '@ryokan/api/methods/qemu-cloudinit.ts';
import { lazy, Suspense, useMemo, useState } from 'react';
import { useGuestConfig } from '../../../api/hooks.ts';
import { invalidate, useCall } from '../../../api/query.ts';
import { run } from '../../../api/run.ts';
import { api, may } from '../../../api/session.ts';
import { Empty } from '../../../components/empty.tsx';
import { ErrorNotice } from '../../../components/error-notice.tsx';
import { Loading } from '../../../components/loading.tsx';
import { toast } from '../../../components/toasts.tsx';
import { type Translate, useT } from '../../../i18n/index.ts';
import { type ConfigEntry, entriesOf, future, hasPending } from '../config-model.ts';
import type { GuestTabProps } from '../guest-page.tsx';
import { reasonText } from '../guest-run.ts';
import {
  type CloudInitRow,
  cloudInitDrive,
  cloudInitRows,
  keyNames,
  readFiles,
  readKeys,
} from './cloudinit-model.ts';

const CloudInitDialog = lazy(() => import('./cloudinit-dialogs.tsx'));
const PreviewDialog = lazy(() => import('./preview-dialog.tsx'));
const DriveDialog = lazy(() => import('../dialogs/cloudinit-drive-dialog.tsx'));

type Open = { readonly kind: 'edit'; readonly row: CloudInitRow } | { readonly kind: 'preview' | 'drive' };

/** What the guest is told at its start: user, keys, addresses, own files; with what its image still has from before. */
export default function CloudInit({ guest, state }: GuestTabProps) {
  const t = useT();
  const { node, vmid } = guest;
  const pending = useCall(qemuPending, { node, vmid });
  const image = useCall(cloudInitPending, { node, vmid });
  const { data: config } = useGuestConfig(node, vmid);
  const [open, setOpen] = useState<Open>();
  const entries = useMemo(() => entriesOf(pending.data ?? []), [pending.data]);
  const inImage = useMemo(() => entriesOf(image.data ?? []), [image.data]);
  const rows = useMemo(() => cloudInitRows(entries), [entries]);
  if (pending.error && !pending.data)
    return (
      <div className="ry-summary">
        <ErrorNotice error={pending.error} onRetry={pending.refetch} />
      </div>
    );
  if (!pending.data) return <Loading />;
  const edit = guestAction('edit', state);
  const allowed = edit.allowed && may('vms', 'VM.Config.Cloudinit');
  const drive = cloudInitDrive(entries);
  const target = { node, vmid, digest: config?.digest, running: state.status === 'running' };
  const dirty = rows.some((row) => changeOf(row.key, entries, inImage) !== undefined);
  const regenerate = () =>
    run(t('cloudinit.regenerateFailed'), async () => {
      await api.call(cloudInitUpdate, { node, vmid });
      await invalidate(cloudInitPending, qemuPending, qemuConfigGet);
      toast({ variant: 'success', title: t('cloudinit.regenerated') });
    });
  const revert = (key: string) =>
    run(t('config.failed'), async () => {
      await api.call(qemuConfigSet, { node, vmid, revert: key });
      await invalidate(qemuPending, qemuConfigGet, cloudInitPending);
    });
  return (
    <div className="ry-hardware">
      <div className="ry-toolbar">
        {drive ? (
          <>
            <Button size="sm" variant="secondary" onClick={() => setOpen({ kind: 'preview' })}>
              {t('cloudinit.preview')}
            </Button>
            <Button size="sm" variant="secondary" isDisabled={!allowed} onClick={() => void regenerate()}>
              {t('cloudinit.regenerate')}
            </Button>
          </>
        ) : null}
        {edit.reason ? <span className="ry-subtle">{reasonText(edit.reason.key, state.lock, t)}</span> : null}
        {drive && dirty ? (
          <span className="ry-pending-note" role="status">
            {t('cloudinit.dirty')}
          </span>
        ) : null}
      </div>
      {drive ? null : (
        <Empty
          title={t('cloudinit.noDrive')}
          action={
            <Button isDisabled={!allowed} onClick={() => setOpen({ kind: 'drive' })}>
              {t('cloudinit.addDrive')}
            </Button>
          }
        >
          {t('cloudinit.noDriveBody')}
        </Empty>
      )}
      <div className="ry-table-scroller" tabIndex={0} role="region" aria-label={t('tab.cloudinit')}>
        <table className="ry-table ry-hardware-table">
          <caption className="ry-hidden">{t('tab.cloudinit')}</caption>
          <thead>
            <tr>
              <th scope="col" className="ry-device-column">
                {t('options.option')}
              </th>
              <th scope="col">{t('hardware.value')}</th>
              <th scope="col" className="ry-actions-column">
                <span className="ry-hidden">{t('hardware.actions')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => {
              const name = nameOfRow(row, t);
              const entry = entries.get(row.key);
              const change = changeOf(row.key, entries, inImage);
              return (
                <tr key={row.key} className={change ? 'ry-row-pending' : undefined}>
                  <th scope="row">{name}</th>
                  <td>
                    <Value row={row} change={change} value={future(entry)} />
                  </td>
                  <td className="ry-actions-cell">
                    {entry && hasPending(entry) ? (
                      <Button
                        variant="link"
                        size="sm"
                        isInline
                        onClick={() => void revert(row.key)}
                        aria-label={t('hardware.revertOf', { device: name })}
                      >
                        {t('hardware.revert')}
                      </Button>
                    ) : null}
                    <Button
                      variant="link"
                      size="sm"
                      isInline
                      isDisabled={!allowed}
                      onClick={() => setOpen({ kind: 'edit', row })}
                      aria-label={t('hardware.editOf', { device: name })}
                    >
                      {t('action.edit')}
                    </Button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <Suspense fallback={null}>
        {open?.kind === 'edit' ? (
          <CloudInitDialog
            row={open.row}
            title={nameOfRow(open.row, t)}
            value={future(entries.get(open.row.key))}
            target={target}
            onClose={() => setOpen(undefined)}
          />
        ) : open?.kind === 'preview' ? (
          <PreviewDialog node={node} vmid={vmid} onClose={() => setOpen(undefined)} />
        ) : open ? (
          <DriveDialog
            mode="add"
            group="cdrom"
            row={undefined}
            target={target}
            entries={entries}
            onClose={() => setOpen(undefined)}
          />
        ) : null}
      </Suspense>
    </div>
  );
}

interface Change {
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What the image has and what it will have; undefined when both are the same. */
function changeOf(
  key: string,
  entries: ReadonlyMap<string, ConfigEntry>,
  inImage: ReadonlyMap<string, ConfigEntry>,
): Change | undefined {
  const entry = entries.get(key);
  if (entry && hasPending(entry)) return { before: entry.value, after: future(entry) };
  const made = inImage.get(key);
  return made && hasPending(made) ? { before: made.value, after: future(made) } : undefined;
}

function nameOfRow(row: CloudInitRow, t: Translate): string {
  return row.label ? t(row.label) : t('cloudinit.addressesOf', { card: `net${/\d+$/.exec(row.key)?.[0]}` });
}

function Value(props: { row: CloudInitRow; value: string | undefined; change: Change | undefined }) {
  const t = useT();
  const { row, value, change } = props;
  if (!change) return <Text row={row} value={value} />;
  return (
    <span className="ry-pending">
      {change.before === undefined ? null : (
        <del>
          <span className="ry-hidden">{t('cloudinit.inImage')}: </span>
          <Text row={row} value={change.before} />
        </del>
      )}
      <ins>
        <span className="ry-hidden">{t('cloudinit.nextImage')}: </span>
        <Text row={row} value={change.after} />
      </ins>
    </span>
  );
}

function Text({ row, value }: { row: CloudInitRow; value: string | undefined }) {
  const t = useT();
  if (row.kind === 'flag') {
    const word = value === '0' ? t('options.no') : t('options.yes');
    return value === undefined ? t('hardware.default', { value: word }) : word;
  }
  if (value === undefined || value === '') {
    if (row.kind === 'form') return t('cloudinit.typeDefault');
    return <span className="ry-subtle">{row.kind === 'addresses' ? t('cloudinit.noAddresses') : '–'}</span>;
  }
  switch (row.kind) {
    case 'password':
      return t('cloudinit.passwordSet');
    case 'keys':
      return keyNames(readKeys(value)).join(', ');
    case 'files':
      return (
        <ul className="ry-id-list">
          {Object.entries(readFiles(value)).map(([kind, file]) => (
            <li key={kind}>
              {kind}: <span className="ry-id">{file}</span>
            </li>
          ))}
        </ul>
      );
    default:
      return <span className="ry-id">{value}</span>;
  }
}
