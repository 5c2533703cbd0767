import { useState } from 'react';
import { useVolumes, volumeName } from '../../../api/volumes.ts';
import { SelectField } from '../../../forms/fields.tsx';
import { useT } from '../../../i18n/index.ts';
import { useFormat } from '../../../util/use-format.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey, readDrive } from '../config-model.ts';
import { driveString } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import { BusField, cdromBuses } from './bus-field.tsx';
import { Ways } from './host-choice.tsx';

type Medium = 'image' | 'none' | 'cdrom';

export function CdromDialog({ target, entries, row, onClose }: DeviceDialogProps) {
  const t = useT();
  const format = useFormat();
  const before = row ? (readDrive(row.id, row.next[row.id] ?? row.now[row.id] ?? '')?.file ?? 'none') : '';
  const [medium, setMedium] = useState<Medium>(before === 'none' || before === 'cdrom' ? before : 'image');
  const [iso, setIso] = useState(before === 'none' || before === 'cdrom' ? '' : before);
  const [bus, setBus] = useState<(typeof cdromBuses)[number]>('ide');
  const { volumes, loaded } = useVolumes(target.node, 'iso');
  const key = row?.id ?? freeKey(bus, new Set(entries.keys()));
  const file = medium === 'image' ? iso : medium;
  const sorted = [...volumes].sort((a, b) => (a.volid < b.volid ? -1 : 1));
  const known = sorted.some((one) => one.volid === iso);
  return (
    <ConfigDialog
      title={row ? t('cdrom.changeTitle', { key: row.id }) : t('cdrom.add')}
      submit={row ? t('cdrom.insert') : t('hardware.addSubmit')}
      target={target}
      change={
        key && file && file !== before ? { [key]: driveString(key, { file, media: 'cdrom' }) } : undefined
      }
      onClose={onClose}
    >
      {row ? null : <BusField bus={bus} buses={cdromBuses} freeKey={key} onChange={setBus} />}
      <Ways
        name="medium"
        value={medium}
        onChange={setMedium}
        ways={[
          {
            key: 'image',
            label: t('wizard.iso'),
            body: (
              <SelectField
                id="iso"
                label={t('wizard.iso')}
                value={known ? iso : ''}
                onChange={setIso}
                help={loaded && sorted.length === 0 ? t('wizard.noIso') : undefined}
                choices={[
                  { value: '', label: loaded ? t('wizard.chooseIso') : t('page.loading'), disabled: true },
                  ...sorted.map((one) => ({
                    value: one.volid,
                    label: `${volumeName(one.volid)} (${one.volid.split(':')[0]}, ${format.bytes(one.size ?? 0)})`,
                  })),
                ]}
              />
            ),
          },
          { key: 'none', label: t('hardware.emptyDrive') },
          { key: 'cdrom', label: t('hardware.hostDrive') },
        ]}
      />
      {target.running && row ? <p className="ry-subtle">{t('cdrom.swapHelp')}</p> : null}
    </ConfigDialog>
  );
}
