/** Memory, swap and CPU of a container: they change at once, also while it runs. */
import { useState } from 'react';
import { NumberField } from '../../../forms/fields.tsx';
import { useT } from '../../../i18n/index.ts';
import { useFormat } from '../../../util/use-format.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { changeOf } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';

const preset = '512';

/** `memory` or `swap`, whichever the row is. */
export function MemoryDialog({ group, row, target, onClose }: DeviceDialogProps) {
  const t = useT();
  const format = useFormat();
  const key = group === 'swap' ? 'swap' : 'memory';
  const before = row?.next[key] ?? preset;
  const [value, setValue] = useState(before);
  const label = t(key === 'swap' ? 'container.swap' : 'column.memory');
  return (
    <ConfigDialog
      title={label}
      target={target}
      change={changeOf({ [key]: before }, { [key]: value })}
      onClose={onClose}
    >
      <NumberField
        id={key}
        label={label}
        unit="MiB"
        min={key === 'swap' ? 0 : 16}
        step={128}
        value={value}
        onChange={setValue}
        help={
          key === 'swap' && value === '0'
            ? t('container.noSwap')
            : format.bytes(Number(value) * 1024 ** 2 || 0)
        }
      />
    </ConfigDialog>
  );
}

export function CpuDialog({ row, target, onClose }: DeviceDialogProps) {
  const t = useT();
  const before = row?.next ?? {};
  const [values, setValues] = useState({
    cores: before.cores ?? '',
    cpulimit: before.cpulimit ?? '',
    cpuunits: before.cpuunits ?? '',
  });
  const set = (part: Partial<typeof values>) => setValues({ ...values, ...part });
  return (
    <ConfigDialog
      title={t('hardware.processors')}
      target={target}
      change={changeOf(before, values)}
      onClose={onClose}
    >
      <NumberField
        id="cores"
        label={t('container.cores')}
        help={t('container.coresHelp')}
        min={1}
        placeholder={t('container.allCores')}
        value={values.cores}
        onChange={(cores) => set({ cores })}
      />
      <NumberField
        id="cpulimit"
        label={t('hardware.cpulimit')}
        help={t('hardware.cpulimitHelp')}
        min={0}
        step={0.5}
        placeholder={t('hardware.noLimit')}
        value={values.cpulimit}
        onChange={(cpulimit) => set({ cpulimit })}
      />
      <NumberField
        id="cpuunits"
        label={t('hardware.cpuunits')}
        help={t('hardware.cpuunitsHelp')}
        min={0}
        placeholder="100"
        value={values.cpuunits}
        onChange={(cpuunits) => set({ cpuunits })}
      />
    </ConfigDialog>
  );
}
