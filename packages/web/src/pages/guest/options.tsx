import { guestAction } from '@ryokan/api/guest-actions.ts';
import { featureFields } from '@ryokan/api/schema/lxc-config.ts';
import { readPropertyString } from '@ryokan/api/schema/property-string.ts';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { Loaded } from '../../components/loaded.tsx';
import { Change, RowButton, ValueRow, ValueTable } from '../../components/value-table.tsx';
import { type Translate, useT } from '../../i18n/index.ts';
import { bootOrder, type ConfigEntry, future, hasPending } from './config-model.ts';
import { featureNames } from './container/container-model.ts';
import type { GuestTabProps } from './guest-page.tsx';
import { reasonText } from './guest-run.ts';
import {
  localtimePreset,
  type OptionRow,
  optionRows,
  readHotplug,
  readStartup,
  variableLines,
} from './option-list.ts';
import { dialogTarget, type Entries, revert, useEntries } from './use-entries.ts';

const OptionDialog = lazy(() => import('./option-dialog.tsx'));

/** The options of a virtual machine. */
export default function Options(props: GuestTabProps) {
  const t = useT();
  return <OptionTable {...props} label={t('tab.options')} rows={optionRows} />;
}

interface OptionTableProps extends GuestTabProps {
  readonly label: string;
  readonly rows: readonly OptionRow[];
  /** Stands above the table. */
  readonly note?: ReactNode;
}

/** Options of a guest with their pending changes, each with its form. */
export function OptionTable(props: OptionTableProps) {
  const answer = useEntries(props.guest);
  return <Loaded answer={answer}>{(entries) => <Table {...props} entries={entries} />}</Loaded>;
}

function Table({ guest, state, entries, label, rows, note }: OptionTableProps & { entries: Entries }) {
  const t = useT();
  const target = dialogTarget(guest, state, entries);
  const [open, setOpen] = useState<OptionRow>();
  const edit = guestAction('edit', state);
  return (
    <div className="ry-hardware">
      {edit.reason ? (
        <p className="ry-toolbar ry-subtle">{reasonText(edit.reason.key, state.lock, t)}</p>
      ) : null}
      {note}
      <ValueTable label={label} name={t('options.option')} value={t('hardware.value')}>
        {rows.map((row) => {
          const entry = entries.get(row.key);
          const pending = entry !== undefined && hasPending(entry);
          const device = t(row.label);
          return (
            <ValueRow
              key={row.key}
              name={device}
              pending={pending}
              actions={
                <>
                  {pending ? (
                    <RowButton
                      text={t('hardware.revert')}
                      label={t('hardware.revertOf', { device })}
                      onClick={() => void revert(guest, [row.key])}
                    />
                  ) : null}
                  {row.fixed ? null : (
                    <RowButton
                      text={t('action.edit')}
                      label={t('hardware.editOf', { device })}
                      disabled={!edit.allowed}
                      onClick={() => setOpen(row)}
                    />
                  )}
                </>
              }
            >
              <OptionValue row={row} entry={entry} ostype={future(entries.get('ostype'))} />
              {row.fixed && row.help ? <p className="ry-subtle">{t(row.help)}</p> : null}
            </ValueRow>
          );
        })}
      </ValueTable>
      <Suspense fallback={null}>
        {open ? (
          <OptionDialog row={open} entries={entries} target={target} onClose={() => setOpen(undefined)} />
        ) : null}
      </Suspense>
    </div>
  );
}

function OptionValue(props: { row: OptionRow; entry: ConfigEntry | undefined; ostype: string | undefined }) {
  const t = useT();
  const { row, entry, ostype } = props;
  const now = optionText(row, entry?.value, ostype, t);
  if (!entry || !hasPending(entry)) return <>{now}</>;
  return (
    <Change
      before={now}
      after={optionText(row, future(entry), ostype, t)}
      beforeLabel={t('hardware.now')}
      afterLabel={t('hardware.next')}
      reasons={entry.reason === undefined ? [] : [entry.reason]}
    />
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
  const yesNo = (on: boolean) => (on ? t('word.yes') : t('word.no'));
  switch (option.kind) {
    case 'flag': {
      const preset = row.key === 'localtime' ? localtimePreset(ostype) : option.preset;
      return value === undefined ? t('hardware.default', { value: yesNo(preset) }) : yesNo(value === '1');
    }
    case 'choice': {
      const found = option.choices.find((one) => one.value === (value ?? option.preset));
      const label = found?.words ? t(found.words) : (found?.label ?? value ?? '–');
      return value === undefined && option.preset !== undefined
        ? t('hardware.default', { value: label })
        : label;
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
      const features = readHotplug(value).join(', ') || t('word.no');
      return value === undefined ? t('hardware.default', { value: features }) : features;
    }
    case 'number':
      return value ?? t('hardware.default', { value: option.preset });
    case 'features':
      return value === undefined
        ? '–'
        : featureNames(readPropertyString(featureFields, value).value ?? {}).join(', ') || '–';
    case 'variables':
      return value === undefined ? '–' : variableLines(value).split('\n').join(', ');
    case 'agent':
      if (value === undefined) return t('hardware.default', { value: t('word.no') });
      return /^(enabled=)?(1|on|yes|true)\b/.test(value)
        ? `${t('word.yes')} ${value.split(',').slice(1).join(', ')}`.trim()
        : t('word.no');
    default:
      return value ?? (option.empty ? t(option.empty) : '–');
  }
}
