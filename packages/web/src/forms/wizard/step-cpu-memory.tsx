import { useT } from '../../i18n/index.ts';
import { CpuModelField } from '../cpu-model-field.tsx';
import { CheckField, NumberField } from '../fields.tsx';
import { MemoryField } from './memory-field.tsx';
import { useWizard } from './vm-model.ts';
import { problemText } from './wizard-state.ts';

export function CpuStep() {
  const t = useT();
  const { draft, change, problems } = useWizard();
  const total = Number(draft.sockets) * Number(draft.cores);
  return (
    <>
      <div className="ry-form-grid">
        <NumberField
          id="sockets"
          label={t('hardware.sockets')}
          min={1}
          value={draft.sockets}
          onChange={(sockets) => change({ sockets })}
          problem={problemText(problems, 'sockets', t)}
        />
        <NumberField
          id="cores"
          label={t('hardware.cores')}
          min={1}
          value={draft.cores}
          onChange={(cores) => change({ cores })}
          problem={problemText(problems, 'cores', t)}
        />
      </div>
      <p role="status">{t('wizard.cpuTotal', { count: Number.isFinite(total) ? total : 0 })}</p>
      <CpuModelField
        node={draft.node}
        value={draft.cpu}
        onChange={(cpu) => change({ cpu })}
        problem={problemText(problems, 'cpu', t)}
      />
    </>
  );
}

export function MemoryStep() {
  const t = useT();
  const wizard = useWizard();
  const { draft, change, problems } = wizard;
  return (
    <>
      <MemoryField wizard={wizard} />
      <CheckField
        id="ballooning"
        label={t('hardware.ballooning')}
        help={t('hardware.ballooningHelp')}
        value={draft.ballooning}
        onChange={(ballooning) => change({ ballooning })}
      />
      {draft.ballooning ? (
        <NumberField
          id="balloon"
          label={t('hardware.minMemory')}
          unit="MiB"
          min={16}
          placeholder={draft.memory}
          value={draft.balloon}
          onChange={(balloon) => change({ balloon })}
          problem={problemText(problems, 'balloon', t)}
        />
      ) : null}
    </>
  );
}
