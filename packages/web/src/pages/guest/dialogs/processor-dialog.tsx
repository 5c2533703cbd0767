import { ExpandableSection } from '@patternfly/react-core';
import { formatPropertyString, parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { cpuFields } from '@ryokan/api/schema/qemu-options.ts';
import { useState } from 'react';
import { CpuModelField } from '../../../forms/cpu-model-field.tsx';
import { CheckField, NumberField, TextField } from '../../../forms/fields.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { changeOf } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import { cpuModel } from '../device-text.tsx';

/** The `cpu` text with another model; flags and the rest stay. */
function withModel(text: string | undefined, model: string): string {
  try {
    return formatPropertyString(cpuFields, { ...parsePropertyString(cpuFields, text ?? ''), cputype: model });
  } catch {
    return model;
  }
}

export function ProcessorDialog({ row, target, onClose }: DeviceDialogProps) {
  const t = useT();
  const before = row?.next ?? {};
  const [values, setValues] = useState({
    sockets: before.sockets ?? '1',
    cores: before.cores ?? '1',
    cpu: before.cpu ?? '',
    vcpus: before.vcpus ?? '',
    cpulimit: before.cpulimit ?? '',
    cpuunits: before.cpuunits ?? '',
    affinity: before.affinity ?? '',
    numa: before.numa ?? '',
  });
  const set = (part: Partial<typeof values>) => setValues({ ...values, ...part });
  const total = Number(values.sockets) * Number(values.cores);
  return (
    <ConfigDialog
      title={t('hardware.processors')}
      target={target}
      change={changeOf({ sockets: '1', cores: '1', ...before }, values)}
      onClose={onClose}
    >
      <div className="ry-form-grid">
        <NumberField
          id="sockets"
          label={t('hardware.sockets')}
          min={1}
          value={values.sockets}
          onChange={(sockets) => set({ sockets })}
        />
        <NumberField
          id="cores"
          label={t('hardware.cores')}
          min={1}
          value={values.cores}
          onChange={(cores) => set({ cores })}
        />
      </div>
      <p role="status">{t('wizard.cpuTotal', { count: Number.isFinite(total) ? total : 0 })}</p>
      <CpuModelField
        node={target.node}
        value={cpuModel(values.cpu)}
        onChange={(model) => set({ cpu: withModel(values.cpu, model) })}
      />
      <ExpandableSection toggleText={t('hardware.advanced')}>
        <div className="ry-form-rows">
          <NumberField
            id="vcpus"
            label={t('hardware.vcpus')}
            min={1}
            placeholder={String(total || 1)}
            value={values.vcpus}
            onChange={(vcpus) => set({ vcpus })}
          />
          <NumberField
            id="cpulimit"
            label={t('hardware.cpulimit')}
            help={t('hardware.cpulimitHelp')}
            min={0}
            step={0.5}
            value={values.cpulimit}
            onChange={(cpulimit) => set({ cpulimit })}
          />
          <NumberField
            id="cpuunits"
            label={t('hardware.cpuunits')}
            help={t('hardware.cpuunitsHelp')}
            min={1}
            placeholder="100"
            value={values.cpuunits}
            onChange={(cpuunits) => set({ cpuunits })}
          />
          <TextField
            id="affinity"
            label={t('hardware.affinity')}
            help={t('hardware.affinityHelp')}
            mono
            placeholder="0,4-7"
            value={values.affinity}
            onChange={(affinity) => set({ affinity })}
          />
          <CheckField
            id="numa"
            label={t('hardware.numa')}
            value={values.numa === '1'}
            onChange={(numa) => set({ numa: numa ? '1' : before.numa === undefined ? '' : '0' })}
          />
        </div>
      </ExpandableSection>
    </ConfigDialog>
  );
}
