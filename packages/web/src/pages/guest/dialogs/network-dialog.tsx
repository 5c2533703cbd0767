import { ExpandableSection } from '@patternfly/react-core';
import { type NetModel, type QemuNet, qemuNetFields } from '@ryokan/api/schema/qemu-net.ts';
import { useEffect, useState } from 'react';
import { BridgeField, useBridges } from '../../../forms/bridge-field.tsx';
import { SelectField, TextField } from '../../../forms/fields.tsx';
import { nicModels } from '../../../forms/nic-models.ts';
import { type FieldValues, SchemaFields } from '../../../forms/schema-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey, readNet } from '../config-model.ts';
import { netString } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import { netWords } from './field-words.ts';

export function NetworkDialog({ target, entries, row, onClose }: DeviceDialogProps) {
  const t = useT();
  const text = row ? (row.next[row.id] ?? row.now[row.id] ?? '') : '';
  const [net, setNet] = useState<QemuNet>(() => readNet(text) ?? { model: 'virtio' });
  const [touched, setTouched] = useState(row !== undefined);
  const { bridges } = useBridges(target.node);
  const first = bridges[0];
  useEffect(() => {
    if (!touched && first) setNet((before) => ({ ...before, bridge: first }));
  }, [touched, first]);
  const set = (part: Partial<QemuNet>) => {
    setTouched(true);
    setNet({ ...net, ...part });
  };
  const key = row?.id ?? freeKey('net', new Set(entries.keys()));
  const next = netString(net);
  const fields = {
    fields: qemuNetFields,
    words: netWords,
    values: net as FieldValues,
    onChange: (values: FieldValues) => set(values as Partial<QemuNet>),
  };
  const models = nicModels.some((one) => one.value === net.model)
    ? nicModels
    : [...nicModels, { value: net.model, label: net.model }];
  return (
    <ConfigDialog
      title={row ? t('hardware.editNet', { key: row.id }) : t('hardware.addNet')}
      submit={row ? t('action.save') : t('hardware.addSubmit')}
      target={target}
      change={key && next !== text ? { [key]: next } : undefined}
      onClose={onClose}
    >
      <BridgeField
        id="bridge"
        node={target.node}
        value={net.bridge ?? ''}
        onChange={(bridge) => set({ bridge: bridge || undefined })}
      />
      <div className="ry-form-grid">
        <SelectField
          id="model"
          label={t('hardware.model')}
          value={net.model}
          onChange={(model) => set({ model: model as NetModel })}
          choices={models}
        />
        <TextField
          id="mac"
          label={t('column.mac')}
          mono
          placeholder={t('hardware.macAuto')}
          value={net.macaddr ?? ''}
          onChange={(mac) => set({ macaddr: mac.trim() || undefined })}
        />
      </div>
      <SchemaFields
        {...fields}
        names={net.bridge ? ['tag', 'firewall', 'link_down'] : ['firewall', 'link_down']}
      />
      <ExpandableSection toggleText={t('hardware.advanced')}>
        <SchemaFields {...fields} names={['rate', 'mtu', 'queues', ...(net.bridge ? ['trunks'] : [])]} />
      </ExpandableSection>
    </ConfigDialog>
  );
}
