import { ExpandableSection } from '@patternfly/react-core';
import type { NetModel, QemuNet } from '@ryokan/api/schema/qemu-net.ts';
import { useEffect, useState } from 'react';
import { BridgeField, useBridges } from '../../../forms/bridge-field.tsx';
import { CheckField, NumberField, SelectField, TextField } from '../../../forms/fields.tsx';
import { nicModels } from '../../../forms/nic-models.ts';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey, readNet } from '../config-model.ts';
import { netString } from '../device-change.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';

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
  const number = (value: string) => (value === '' ? undefined : Number(value));
  const key = row?.id ?? freeKey('net', new Set(entries.keys()));
  const next = netString(net);
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
          label={t('hardware.mac')}
          mono
          placeholder={t('hardware.macAuto')}
          value={net.macaddr ?? ''}
          onChange={(mac) => set({ macaddr: mac.trim() || undefined })}
        />
        {net.bridge ? (
          <NumberField
            id="tag"
            label={t('hardware.vlan')}
            placeholder={t('hardware.vlanNone')}
            min={1}
            max={4094}
            value={net.tag === undefined ? '' : String(net.tag)}
            onChange={(tag) => set({ tag: number(tag) })}
          />
        ) : null}
      </div>
      <div className="ry-form-checks">
        <CheckField
          id="firewall"
          label={t('hardware.firewall')}
          value={net.firewall === true}
          onChange={(firewall) => set({ firewall })}
        />
        <CheckField
          id="link"
          label={t('hardware.linkDown')}
          value={net.link_down === true}
          onChange={(down) => set({ link_down: down })}
        />
      </div>
      <ExpandableSection toggleText={t('hardware.advanced')}>
        <div className="ry-form-grid">
          <NumberField
            id="rate"
            label={t('hardware.rate')}
            unit="MB/s"
            min={0}
            placeholder={t('hardware.noLimit')}
            value={net.rate === undefined ? '' : String(net.rate)}
            onChange={(rate) => set({ rate: number(rate) })}
          />
          <NumberField
            id="mtu"
            label="MTU"
            help={t('hardware.mtuHelp')}
            min={1}
            max={65520}
            value={net.mtu === undefined ? '' : String(net.mtu)}
            onChange={(mtu) => set({ mtu: number(mtu) })}
          />
          <NumberField
            id="queues"
            label={t('hardware.queues')}
            min={0}
            max={64}
            value={net.queues === undefined ? '' : String(net.queues)}
            onChange={(queues) => set({ queues: number(queues) })}
          />
        </div>
      </ExpandableSection>
    </ConfigDialog>
  );
}
