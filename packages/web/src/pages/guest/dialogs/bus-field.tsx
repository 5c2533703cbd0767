import { SelectField } from '../../../forms/fields.tsx';
import { useT } from '../../../i18n/index.ts';

export const diskBuses = ['scsi', 'virtio', 'sata', 'ide'] as const;
export type DiskBus = (typeof diskBuses)[number];
/** VirtIO Block knows no CD-ROMs. */
export const cdromBuses = ['ide', 'sata', 'scsi'] as const satisfies readonly DiskBus[];

const names: Readonly<Record<DiskBus, string>> = {
  scsi: 'SCSI',
  virtio: 'VirtIO Block',
  sata: 'SATA',
  ide: 'IDE',
};

/** The bus of a new drive, with the key that it becomes or a word that the bus is full. */
export function BusField<B extends DiskBus = DiskBus>(props: {
  bus: B;
  buses?: readonly B[];
  /** The first free key on it. */
  freeKey: string | undefined;
  onChange: (bus: B) => void;
}) {
  const t = useT();
  const { freeKey } = props;
  return (
    <SelectField
      id="bus"
      label={t('hardware.bus')}
      help={freeKey ? t('hardware.asKey', { key: freeKey }) : undefined}
      problem={freeKey ? undefined : t('hardware.busFull')}
      value={props.bus}
      onChange={(bus) => props.onChange(bus as B)}
      choices={(props.buses ?? diskBuses).map((bus) => ({ value: bus, label: names[bus] }))}
    />
  );
}
