import { ExpandableSection } from '@patternfly/react-core';
import { qemuConfigFields } from '@ryokan/api/schema/qemu-config.ts';
import { Type } from '@ryokan/api/schema/types.ts';
import { useState } from 'react';
import { CheckField, NumberField } from '../../../forms/fields.tsx';
import { type FieldValue, type FieldValues, SchemaFields } from '../../../forms/schema-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { useFormat } from '../../../util/use-format.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { changeOf } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import { memoryWords } from './field-words.ts';

const { shares, hugepages, keephugepages } = qemuConfigFields;
const memoryFields = Type.Object({ shares, hugepages, keephugepages });

export function MemoryDialog({ row, target, onClose }: DeviceDialogProps) {
  const t = useT();
  const format = useFormat();
  const before = row?.next ?? {};
  const [memory, setMemory] = useState(before.memory ?? '512');
  const [ballooning, setBallooning] = useState(before.balloon !== '0');
  const [balloon, setBalloon] = useState(before.balloon === '0' ? '' : (before.balloon ?? ''));
  const [more, setMore] = useState<FieldValues>({
    shares: before.shares === undefined ? undefined : Number(before.shares),
    hugepages: before.hugepages,
    keephugepages: before.keephugepages === '1' || undefined,
  });
  const text = (value: FieldValue) => (value === undefined ? '' : value === true ? '1' : String(value));
  return (
    <ConfigDialog
      title={t('column.memory')}
      target={target}
      change={changeOf(before, {
        memory,
        balloon: ballooning ? balloon : '0',
        shares: text(more.shares),
        hugepages: text(more.hugepages),
        keephugepages: text(more.keephugepages),
      })}
      onClose={onClose}
    >
      <NumberField
        id="memory"
        label={t('column.memory')}
        unit="MiB"
        min={16}
        step={256}
        value={memory}
        onChange={setMemory}
        help={format.bytes(Number(memory) * 1024 ** 2 || 0)}
      />
      <CheckField
        id="ballooning"
        label={t('hardware.ballooning')}
        help={t('hardware.ballooningHelp')}
        value={ballooning}
        onChange={setBallooning}
      />
      {ballooning ? (
        <NumberField
          id="balloon"
          label={t('hardware.minMemory')}
          unit="MiB"
          min={16}
          placeholder={memory}
          value={balloon}
          onChange={setBalloon}
        />
      ) : null}
      <ExpandableSection toggleText={t('hardware.advanced')}>
        <SchemaFields
          fields={memoryFields}
          words={memoryWords}
          names={ballooning ? ['shares', 'hugepages', 'keephugepages'] : ['hugepages', 'keephugepages']}
          values={more}
          onChange={setMore}
        />
      </ExpandableSection>
    </ConfigDialog>
  );
}
