import { Button } from '@patternfly/react-core';
import { guestAction } from '@ryokan/api/guest-actions.ts';
import { cloudInitPending, cloudInitUpdate } from '@ryokan/api/methods/qemu-cloudinit.ts';
import { lazy, Suspense, useMemo, useState } from 'react';
import { invalidate, useCall } from '../../../api/query.ts';
import { run } from '../../../api/run.ts';
import { api, may } from '../../../api/session.ts';
import { Empty } from '../../../components/empty.tsx';
import { Loaded } from '../../../components/loaded.tsx';
import { toast } from '../../../components/toasts.tsx';
import { Change, RowButton, ValueRow, ValueTable } from '../../../components/value-table.tsx';
import { type Translate, useT } from '../../../i18n/index.ts';
import { entriesOf, future, hasPending } from '../config-model.ts';
import type { GuestTabProps } from '../guest-page.tsx';
import { reasonText } from '../guest-run.ts';
import { configReads, dialogTarget, type Entries, revert, useEntries } from '../use-entries.ts';
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
export default function CloudInit(props: GuestTabProps) {
  const answer = useEntries(props.guest);
  return <Loaded answer={answer}>{(entries) => <CloudInitTable {...props} entries={entries} />}</Loaded>;
}

function CloudInitTable({ guest, state, entries }: GuestTabProps & { entries: Entries }) {
  const t = useT();
  const { node, vmid } = guest;
  const image = useCall(cloudInitPending, { node, vmid });
  const target = dialogTarget(guest, state, entries);
  const [open, setOpen] = useState<Open>();
  const inImage = useMemo(() => entriesOf(image.data ?? []), [image.data]);
  const rows = useMemo(() => cloudInitRows(entries), [entries]);
  const edit = guestAction('edit', state);
  const allowed = edit.allowed && may('vms', 'VM.Config.Cloudinit');
  const drive = cloudInitDrive(entries);
  const dirty = rows.some((row) => changeOf(row.key, entries, inImage) !== undefined);
  const regenerate = () =>
    run(t('cloudinit.regenerateFailed'), async () => {
      await api.call(cloudInitUpdate, { node, vmid });
      await invalidate(...configReads);
      toast({ variant: 'success', title: t('cloudinit.regenerated') });
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
      <ValueTable label={t('tab.cloudinit')} name={t('options.option')} value={t('hardware.value')}>
        {rows.map((row) => {
          const device = nameOfRow(row, t);
          const entry = entries.get(row.key);
          const change = changeOf(row.key, entries, inImage);
          return (
            <ValueRow
              key={row.key}
              name={device}
              pending={change !== undefined}
              actions={
                <>
                  {entry && hasPending(entry) ? (
                    <RowButton
                      text={t('hardware.revert')}
                      label={t('hardware.revertOf', { device })}
                      onClick={() => void revert(guest, [row.key])}
                    />
                  ) : null}
                  <RowButton
                    text={t('action.edit')}
                    label={t('hardware.editOf', { device })}
                    disabled={!allowed}
                    onClick={() => setOpen({ kind: 'edit', row })}
                  />
                </>
              }
            >
              <Value row={row} change={change} value={future(entry)} />
            </ValueRow>
          );
        })}
      </ValueTable>
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
            group="cloudinit"
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

/** What the image of a guest has and what its next one will have. */
interface ImageChange {
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What the image has and what it will have; undefined when both are the same. */
function changeOf(key: string, entries: Entries, inImage: Entries): ImageChange | undefined {
  const entry = entries.get(key);
  if (entry && hasPending(entry)) return { before: entry.value, after: future(entry) };
  const made = inImage.get(key);
  return made && hasPending(made) ? { before: made.value, after: future(made) } : undefined;
}

function nameOfRow(row: CloudInitRow, t: Translate): string {
  return row.label ? t(row.label) : t('cloudinit.addressesOf', { card: `net${/\d+$/.exec(row.key)?.[0]}` });
}

function Value(props: { row: CloudInitRow; value: string | undefined; change: ImageChange | undefined }) {
  const t = useT();
  const { row, value, change } = props;
  if (!change) return <Text row={row} value={value} />;
  return (
    <Change
      before={change.before === undefined ? undefined : <Text row={row} value={change.before} />}
      after={<Text row={row} value={change.after} />}
      beforeLabel={t('cloudinit.inImage')}
      afterLabel={t('cloudinit.nextImage')}
    />
  );
}

function Text({ row, value }: { row: CloudInitRow; value: string | undefined }) {
  const t = useT();
  if (row.kind === 'flag') {
    const word = value === '0' ? t('word.no') : t('word.yes');
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
