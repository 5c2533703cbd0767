import { ExpandableSection } from '@patternfly/react-core';
import { pciMappings } from '@ryokan/api/methods/cluster-mapping.ts';
import { hardwareMdev, hardwarePci } from '@ryokan/api/methods/node-hardware.ts';
import { formatPropertyString } from '@ryokan/api/schema/property-string.ts';
import { hostpciFields } from '@ryokan/api/schema/qemu-options.ts';
import { useState } from 'react';
import { useCall } from '../../../api/query.ts';
import { CheckField } from '../../../forms/fields.tsx';
import { type FieldValues, SchemaFields } from '../../../forms/schema-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey, future } from '../config-model.ts';
import { changeOf } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import { pciWords } from './field-words.ts';
import { HostChoice, Ways } from './host-choice.tsx';
import { readFields } from './property-dialog.tsx';
import { TextDialog } from './text-dialog.tsx';

type Way = 'device' | 'mapping';

/** The address as the list has it: `0000:01:00.0` for `01:00`, `01:00.0` and `0000:01:00`. */
function listed(host: string): string {
  const address = /^[a-f0-9]{4,}:/.test(host) ? host : `0000:${host}`;
  return /\.\w$/.test(address) || host === '' ? (host === '' ? '' : address) : `${address}.0`;
}

const isWhole = (host: string) => host !== '' && !/\.\w$/.test(host);

export function PciDialog(props: DeviceDialogProps) {
  const t = useT();
  const { row, target, entries } = props;
  const { node } = target;
  const key = row?.id ?? freeKey('hostpci', new Set(entries.keys()));
  const text = row ? (row.next[row.id] ?? '') : '';
  const before = row && readFields(hostpciFields, text);
  const isQ35 = future(entries.get('machine'))?.includes('q35') ?? false;
  const [values, setValues] = useState<FieldValues>(before ?? (isQ35 ? { pcie: true } : {}));
  const [way, setWay] = useState<Way>(values.mapping === undefined ? 'device' : 'mapping');
  const devices = useCall(hardwarePci, { node });
  const mappings = useCall(pciMappings.list, { 'check-node': node });
  if (row && !before) return <TextDialog {...props} row={row} />;
  const host = String(values.host ?? '');
  const mapping = String(values.mapping ?? '');
  const device = devices.data?.find((one) => one.id === listed(host));
  const divisible = device?.mdev === 1 || mappings.data?.some((one) => one.id === mapping && one.mdev === 1);
  const choose = (part: FieldValues) =>
    setValues({ ...values, host: undefined, mapping: undefined, mdev: undefined, ...part });
  const set = host !== '' || mapping !== '';
  return (
    <ConfigDialog
      title={t('hardware.pci')}
      submit={row ? t('action.save') : t('hardware.addSubmit')}
      target={target}
      change={
        key && set
          ? changeOf({ [key]: text }, { [key]: formatPropertyString(hostpciFields, values) })
          : undefined
      }
      onClose={props.onClose}
    >
      {key ? null : <p>{t('hardware.busFull')}</p>}
      <Ways
        name="pci-way"
        value={way}
        onChange={(next) => {
          setWay(next);
          choose({});
        }}
        ways={[
          {
            key: 'device',
            label: t('pci.device'),
            help: t('pci.deviceHelp'),
            body: (
              <HostChoice
                id="pci-device"
                label={t('hardware.pci')}
                none={t('pci.none')}
                answer={devices}
                choice={(one) => ({
                  value: one.id,
                  label: [one.id, one.vendor_name, one.device_name].filter(Boolean).join(' '),
                })}
                value={listed(host)}
                onChange={(next) => choose({ host: next })}
              />
            ),
          },
          {
            key: 'mapping',
            label: t('host.mapping'),
            help: t('host.mappingHelp'),
            body: (
              <HostChoice
                id="pci-mapping"
                label={t('host.mapping')}
                none={t('host.noMapping')}
                answer={mappings}
                choice={(one) => ({
                  value: one.id,
                  label: [one.id, one.description].filter(Boolean).join(' – '),
                })}
                value={mapping}
                onChange={(next) => choose({ mapping: next })}
              />
            ),
          },
        ]}
      />
      {device?.iommugroup === -1 ? <p className="ry-pending-note">{t('pci.noIommu')}</p> : null}
      {divisible ? (
        <Mediated
          node={node}
          device={host || mapping}
          value={String(values.mdev ?? '')}
          onChange={(mdev) => setValues({ ...values, mdev })}
        />
      ) : null}
      {host ? (
        <CheckField
          id="pci-whole"
          label={t('pci.whole')}
          help={t('pci.wholeHelp')}
          value={isWhole(host)}
          onChange={(whole) =>
            setValues({ ...values, host: whole ? listed(host).replace(/\.\w$/, '') : listed(host) })
          }
        />
      ) : null}
      <SchemaFields
        fields={hostpciFields}
        words={isQ35 ? pciWords : { ...pciWords, pcie: { label: 'pci.pcie', help: 'pci.pcieNeedsQ35' } }}
        names={['pcie', 'x-vga', 'rombar']}
        values={values}
        onChange={setValues}
      />
      <ExpandableSection toggleText={t('hardware.advanced')}>
        <SchemaFields
          fields={hostpciFields}
          words={pciWords}
          names={['driver', 'romfile', 'vendor-id', 'device-id']}
          values={values}
          onChange={setValues}
        />
      </ExpandableSection>
    </ConfigDialog>
  );
}

/** Which part of a device that can be divided. */
function Mediated(props: { node: string; device: string; value: string; onChange: (mdev: string) => void }) {
  const t = useT();
  const answer = useCall(hardwareMdev, { node: props.node, 'pci-id-or-mapping': props.device });
  return (
    <HostChoice
      id="pci-mdev"
      label={t('pci.mdev')}
      none={t('pci.noMdev')}
      answer={answer}
      choice={(one) => ({
        value: one.type,
        label: t('pci.mdevText', { name: one.name ?? one.type, count: one.available }),
        disabled: one.available === 0,
      })}
      value={props.value}
      onChange={props.onChange}
    />
  );
}
