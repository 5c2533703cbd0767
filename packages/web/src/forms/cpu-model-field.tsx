import { capabilitiesCpu } from '@ryokan/api/methods/node-capabilities.ts';
import { useCall } from '../api/query.ts';
import { useT } from '../i18n/index.ts';
import { SelectField } from './fields.tsx';

/** Models that fit most guests come first; the rest by name. */
const preferred = ['x86-64-v2-AES', 'x86-64-v3', 'x86-64-v4', 'x86-64-v2', 'host', 'max', 'kvm64', 'qemu64'];

export function CpuModelField(props: {
  node: string;
  value: string;
  onChange: (model: string) => void;
  problem?: string | undefined;
}) {
  const t = useT();
  const { data } = useCall(
    capabilitiesCpu,
    { node: props.node },
    { enabled: props.node !== '', staleTime: 600_000 },
  );
  const names = new Set([...(data ?? []).map((one) => one.name), props.value]);
  const ordered = [
    ...preferred.filter((one) => names.has(one)),
    ...[...names].filter((one) => !preferred.includes(one)).sort(),
  ];
  return (
    <SelectField
      id="cpu-model"
      label={t('hardware.cpuModel')}
      help={t('hardware.cpuModelHelp')}
      value={props.value}
      onChange={props.onChange}
      problem={props.problem}
      choices={ordered.map((one) => ({ value: one, label: one }))}
    />
  );
}
