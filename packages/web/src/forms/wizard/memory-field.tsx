import { useResources } from '../../api/hooks.ts';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import { NumberField } from '../fields.tsx';
import type { GuestWizard } from './general-fields.tsx';
import { problemText } from './wizard-state.ts';

/** The guest's memory beside what its node has. */
export function MemoryField({ wizard }: { wizard: GuestWizard }) {
  const t = useT();
  const format = useFormat();
  const { draft, change, problems } = wizard;
  const { rows } = useResources();
  const total = rows.find((row) => row.type === 'node' && row.node === draft.node)?.maxmem;
  const bytes = Number(draft.memory) * 1024 ** 2;
  const tooMuch = total !== undefined && bytes > total;
  return (
    <NumberField
      id="memory-size"
      label={t('column.memory')}
      unit="MiB"
      min={16}
      step={256}
      value={draft.memory}
      onChange={(memory) => change({ memory })}
      help={
        total
          ? t('wizard.memoryHelp', { size: format.bytes(bytes || 0), total: format.bytes(total) })
          : format.bytes(bytes || 0)
      }
      problem={
        tooMuch
          ? t('wizard.memoryTooMuch', { total: format.bytes(total) })
          : problemText(problems, 'memory', t)
      }
    />
  );
}
