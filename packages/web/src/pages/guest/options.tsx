import { Button } from '@patternfly/react-core';
import { guestAction } from '@ryokan/api/guest-actions.ts';
import { qemuConfigGet, qemuConfigSet, qemuPending } from '@ryokan/api/methods/qemu.ts';
import { lazy, Suspense, useMemo, useState } from 'react';
import { useGuestConfig } from '../../api/hooks.ts';
import { invalidate, useCall } from '../../api/query.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { type Translate, useT } from '../../i18n/index.ts';
import { bootOrder, type ConfigEntry, entriesOf, future, hasPending } from './config-model.ts';
import type { GuestTabProps } from './guest-page.tsx';
import { reasonText } from './guest-run.ts';
import { localtimePreset, type OptionRow, optionRows, readHotplug, readStartup } from './option-list.ts';

const OptionDialog = lazy(() => import('./option-dialog.tsx'));

export default function Options({ guest, state }: GuestTabProps) {
  const t = useT();
  const { node, vmid } = guest;
  const { data, error, refetch } = useCall(qemuPending, { node, vmid });
  const { data: config } = useGuestConfig(node, vmid);
  const entries = useMemo(() => entriesOf(data ?? []), [data]);
  const [open, setOpen] = useState<OptionRow>();
  if (error && !data)
    return (
      <div className="ry-summary">
        <ErrorNotice error={error} onRetry={refetch} />
      </div>
    );
  if (!data) return <Loading />;
  const edit = guestAction('edit', state);
  const revert = (key: string) =>
    run(t('config.failed'), async () => {
      await api.call(qemuConfigSet, { node, vmid, revert: key });
      await invalidate(qemuPending, qemuConfigGet);
    });
  return (
    <div className="ry-hardware">
      {edit.reason ? (
        <p className="ry-toolbar ry-subtle">{reasonText(edit.reason.key, state.lock, t)}</p>
      ) : null}
      <div className="ry-table-scroller" tabIndex={0} role="region" aria-label={t('tab.options')}>
        <table className="ry-table ry-hardware-table">
          <caption className="ry-hidden">{t('tab.options')}</caption>
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
            {optionRows.map((row) => {
              const entry = entries.get(row.key);
              const pending = entry !== undefined && hasPending(entry);
              return (
                <tr key={row.key} className={pending ? 'ry-row-pending' : undefined}>
                  <th scope="row">{t(row.label)}</th>
                  <td>
                    <OptionValue row={row} entry={entry} ostype={future(entries.get('ostype'))} />
                  </td>
                  <td className="ry-actions-cell">
                    {pending ? (
                      <Button
                        variant="link"
                        size="sm"
                        isInline
                        onClick={() => void revert(row.key)}
                        aria-label={t('hardware.revertOf', { device: t(row.label) })}
                      >
                        {t('hardware.revert')}
                      </Button>
                    ) : null}
                    <Button
                      variant="link"
                      size="sm"
                      isInline
                      isDisabled={!edit.allowed}
                      onClick={() => setOpen(row)}
                      aria-label={t('hardware.editOf', { device: t(row.label) })}
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
        {open ? (
          <OptionDialog
            row={open}
            entries={entries}
            target={{ node, vmid, digest: config?.digest, running: state.status !== 'stopped' }}
            onClose={() => setOpen(undefined)}
          />
        ) : null}
      </Suspense>
    </div>
  );
}

function OptionValue({
  row,
  entry,
  ostype,
}: {
  row: OptionRow;
  entry: ConfigEntry | undefined;
  ostype: string | undefined;
}) {
  const t = useT();
  const now = optionText(row, entry?.value, ostype, t);
  if (!entry || !hasPending(entry)) return <>{now}</>;
  return (
    <span className="ry-pending">
      <del>
        <span className="ry-hidden">{t('hardware.now')}: </span>
        {now}
      </del>
      <ins>
        <span className="ry-hidden">{t('hardware.next')}: </span>
        {optionText(row, future(entry), ostype, t)}
      </ins>
    </span>
  );
}

/** A value in words; what is not set shows its default as such. */
function optionText(
  row: OptionRow,
  value: string | undefined,
  ostype: string | undefined,
  t: Translate,
): string {
  const { option } = row;
  const yesNo = (on: boolean) => (on ? t('options.yes') : t('options.no'));
  switch (option.kind) {
    case 'flag': {
      const preset = row.key === 'localtime' ? localtimePreset(ostype) : option.preset;
      return value === undefined ? t('hardware.default', { value: yesNo(preset) }) : yesNo(value === '1');
    }
    case 'choice': {
      const found = option.choices.find((one) => one.value === (value ?? option.preset));
      const label = found?.label ?? value ?? '';
      return value === undefined ? t('hardware.default', { value: label }) : label;
    }
    case 'boot': {
      const order = bootOrder(value);
      if (order) return order.join(', ') || t('options.bootNone');
      return value ?? t('options.bootDefault');
    }
    case 'startup': {
      const startup = readStartup(value);
      if (value === undefined) return t('options.startupAny');
      return t('options.startupText', {
        order: startup.order || '–',
        up: startup.up || '0',
        down: startup.down || '–',
      });
    }
    case 'hotplug': {
      const features = readHotplug(value).join(', ') || t('options.no');
      return value === undefined ? t('hardware.default', { value: features }) : features;
    }
    case 'agent':
      if (value === undefined) return t('hardware.default', { value: t('options.no') });
      return /^(enabled=)?(1|on|yes|true)\b/.test(value)
        ? `${t('options.yes')} ${value.split(',').slice(1).join(', ')}`.trim()
        : t('options.no');
    default:
      return value ?? '–';
  }
}
