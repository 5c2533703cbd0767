import { firewallLogLevels } from '@ryokan/api/schema/firewall.ts';
import { useState } from 'react';
import { useCall } from '../../../api/query.ts';
import { api } from '../../../api/session.ts';
import { Panel } from '../../../components/facts.tsx';
import { Loaded } from '../../../components/loaded.tsx';
import { RowButton, ValueRow, ValueTable } from '../../../components/value-table.tsx';
import { SelectField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { type PlainKey, type Translate, useT } from '../../../i18n/index.ts';
import { changed, mayChange, type Options, type Target } from './firewall-calls.ts';

type Key = Exclude<keyof Options, 'digest'>;

interface OptionRow {
  readonly key: Key;
  readonly label: PlainKey;
  readonly kind: 'switch' | 'policy' | 'log';
  /** What holds without it. */
  readonly preset: string;
}

const rows: readonly OptionRow[] = [
  { key: 'enable', label: 'firewall.optionEnable', kind: 'switch', preset: '0' },
  { key: 'policy_in', label: 'firewall.optionPolicyIn', kind: 'policy', preset: 'DROP' },
  { key: 'policy_out', label: 'firewall.optionPolicyOut', kind: 'policy', preset: 'ACCEPT' },
  { key: 'log_level_in', label: 'firewall.logLevelIn', kind: 'log', preset: 'nolog' },
  { key: 'log_level_out', label: 'firewall.logLevelOut', kind: 'log', preset: 'nolog' },
  { key: 'dhcp', label: 'firewall.optionDhcp', kind: 'switch', preset: '1' },
  { key: 'ndp', label: 'firewall.optionNdp', kind: 'switch', preset: '1' },
  { key: 'radv', label: 'firewall.optionRadv', kind: 'switch', preset: '0' },
  { key: 'macfilter', label: 'firewall.optionMacfilter', kind: 'switch', preset: '1' },
  { key: 'ipfilter', label: 'firewall.optionIpfilter', kind: 'switch', preset: '0' },
];

const values: Readonly<Record<OptionRow['kind'], readonly string[]>> = {
  switch: ['1', '0'],
  policy: ['ACCEPT', 'DROP', 'REJECT'],
  log: firewallLogLevels,
};

function valueText(t: Translate, kind: OptionRow['kind'], value: string): string {
  if (kind === 'switch') return value === '1' ? t('firewall.enabled') : t('firewall.disabled');
  return value === 'nolog' ? t('firewall.logOff') : value;
}

const defaultText = (t: Translate, { kind, preset }: OptionRow): string =>
  t('firewall.default', { value: valueText(t, kind, preset) });

export function FirewallOptions({ target }: { target: Target }) {
  const t = useT();
  const answer = useCall(target.calls.options.get, target.path);
  const [open, setOpen] = useState<OptionRow>();
  return (
    <Panel title={t('firewall.options')}>
      <Loaded answer={answer}>
        {(options) => (
          <>
            <ValueTable label={t('firewall.options')} name={t('options.option')} value={t('hardware.value')}>
              {rows.map((row) => {
                const name = t(row.label);
                const value = options[row.key];
                return (
                  <ValueRow
                    key={row.key}
                    name={name}
                    actions={
                      <RowButton
                        text={t('action.edit')}
                        label={t('firewall.edit', { name })}
                        disabled={!mayChange()}
                        onClick={() => setOpen(row)}
                      />
                    }
                  >
                    {value === undefined ? defaultText(t, row) : valueText(t, row.kind, String(value))}
                  </ValueRow>
                );
              })}
            </ValueTable>
            {open ? (
              <OptionDialog target={target} row={open} options={options} onClose={() => setOpen(undefined)} />
            ) : null}
          </>
        )}
      </Loaded>
    </Panel>
  );
}

function OptionDialog(props: { target: Target; row: OptionRow; options: Options; onClose: () => void }) {
  const t = useT();
  const { target, row, options, onClose } = props;
  const stored = options[row.key];
  const [value, setValue] = useState(stored === undefined ? '' : String(stored));
  const save = () => {
    const given = row.kind === 'switch' ? value === '1' : value;
    const change = value === '' ? { delete: row.key } : { [row.key]: given };
    return changed(api.call(target.calls.options.set, { ...target.path, digest: options.digest, ...change }));
  };
  return (
    <FormDialog title={t(row.label)} submit={t('action.save')} ready onClose={onClose} onSubmit={save}>
      <SelectField
        id="value"
        label={t('hardware.value')}
        value={value}
        onChange={setValue}
        choices={[
          { value: '', label: defaultText(t, row) },
          ...values[row.kind].map((one) => ({ value: one, label: valueText(t, row.kind, one) })),
        ]}
      />
    </FormDialog>
  );
}
