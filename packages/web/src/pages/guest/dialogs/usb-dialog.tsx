import { usbMappings } from '@ryokan/api/methods/cluster-mapping.ts';
import { hardwareUsb } from '@ryokan/api/methods/node-hardware.ts';
import { formatPropertyString } from '@ryokan/api/schema/property-string.ts';
import { usbFields } from '@ryokan/api/schema/qemu-options.ts';
import { useState } from 'react';
import { useCall } from '../../../api/query.ts';
import { type FieldValues, SchemaFields } from '../../../forms/schema-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey } from '../config-model.ts';
import { changeOf } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import { usbWords } from './field-words.ts';
import { HostChoice, Ways } from './host-choice.tsx';
import { readFields } from './property-dialog.tsx';
import { TextDialog } from './text-dialog.tsx';

type Way = 'device' | 'port' | 'mapping' | 'spice';

/** Class of hubs (USB class codes, usb.org): what hangs on them is of interest, not they. */
export const hubClass = 9;

function wayOf(values: FieldValues): Way {
  if (values.mapping !== undefined) return 'mapping';
  const host = String(values.host ?? '');
  if (/^spice$/i.test(host)) return 'spice';
  return /^\d+-/.test(host) ? 'port' : 'device';
}

export function UsbDialog(props: DeviceDialogProps) {
  const t = useT();
  const { row, target, entries } = props;
  const key = row?.id ?? freeKey('usb', new Set(entries.keys()));
  const text = row ? (row.next[row.id] ?? '') : '';
  const before = readFields(usbFields, text);
  const [values, setValues] = useState<FieldValues>(before ?? {});
  const [way, setWay] = useState<Way>(() => wayOf(values));
  const { node } = target;
  const devices = useCall(hardwareUsb, { node });
  const mappings = useCall(usbMappings.list, { 'check-node': node });
  if (row && !before) return <TextDialog {...props} row={row} />;
  const real = { ...devices, data: devices.data?.filter((one) => one.class !== hubClass) };
  const nameOf = (one: { manufacturer?: string; product?: string }) =>
    [one.manufacturer, one.product].filter(Boolean).join(' ');
  const choose = (part: FieldValues) =>
    setValues({ ...values, host: undefined, mapping: undefined, ...part });
  const set = values.host !== undefined || values.mapping !== undefined;
  const next = formatPropertyString(usbFields, values);
  const host = String(values.host ?? '');
  return (
    <ConfigDialog
      title={t('hardware.usb')}
      submit={row ? t('action.save') : t('hardware.addSubmit')}
      target={target}
      change={key && set ? changeOf({ [key]: text }, { [key]: next }) : undefined}
      onClose={props.onClose}
    >
      {key ? null : <p>{t('hardware.busFull')}</p>}
      <Ways
        name="usb-way"
        value={way}
        onChange={(next) => {
          setWay(next);
          choose(next === 'spice' ? { host: 'spice' } : {});
        }}
        ways={[
          {
            key: 'device',
            label: t('usb.device'),
            help: t('usb.deviceHelp'),
            body: (
              <HostChoice
                id="usb-device"
                label={t('hardware.usb')}
                none={t('usb.none')}
                answer={real}
                choice={(one) => {
                  const id = `${one.vendid}:${one.prodid}`;
                  return { value: id, label: `${id} ${nameOf(one)}` };
                }}
                value={host}
                onChange={(next) => choose({ host: next })}
              />
            ),
          },
          {
            key: 'port',
            label: t('usb.port'),
            help: t('usb.portHelp'),
            body: (
              <HostChoice
                id="usb-port"
                label={t('usb.port')}
                none={t('usb.none')}
                answer={real}
                choice={(one) => {
                  const id = `${one.busnum}-${one.usbpath ?? one.port}`;
                  return { value: id, label: `${id} ${nameOf(one)}` };
                }}
                value={host}
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
                id="usb-mapping"
                label={t('host.mapping')}
                none={t('host.noMapping')}
                answer={mappings}
                choice={(one) => ({
                  value: one.id,
                  label: [one.id, one.description].filter(Boolean).join(' – '),
                })}
                value={String(values.mapping ?? '')}
                onChange={(next) => choose({ mapping: next })}
              />
            ),
          },
          { key: 'spice', label: t('usb.spice'), help: t('usb.spiceHelp') },
        ]}
      />
      <SchemaFields
        fields={usbFields}
        words={usbWords}
        names={['usb3']}
        values={values}
        onChange={setValues}
      />
    </ConfigDialog>
  );
}
