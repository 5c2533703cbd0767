import { ExpandableSection } from '@patternfly/react-core';
import { type LxcNet, lxcConfigFields, lxcNetFields } from '@ryokan/api/schema/lxc-config.ts';
import { formatPropertyString, readPropertyString } from '@ryokan/api/schema/property-string.ts';
import { useEffect, useState } from 'react';
import { BridgeField, useBridges } from '../../../forms/bridge-field.tsx';
import { SelectField, TextField } from '../../../forms/fields.tsx';
import { type FieldValues, SchemaFields } from '../../../forms/schema-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { freeKey, future } from '../config-model.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import { TextDialog } from '../dialogs/text-dialog.tsx';
import type { Entries } from '../use-entries.ts';
import { type AddressWay, addressWay, freeCardName } from './container-model.ts';
import { cardWords } from './words.ts';

const write = (net: LxcNet) => formatPropertyString(lxcNetFields, net);

/** Names of the cards that the container has or gets. */
function cardNames(entries: Entries): Set<string> {
  const texts = [...entries.values()].filter(({ key }) => /^net\d+$/.test(key)).map(future);
  return new Set(texts.flatMap((text) => readPropertyString(lxcNetFields, text ?? '').value?.name ?? []));
}

/** A network card: its bridge, its addresses, its limits. They change while the container runs. */
export function CardDialog(props: DeviceDialogProps) {
  const t = useT();
  const { target, entries, row, onClose } = props;
  const text = row ? (row.next[row.id] ?? row.now[row.id] ?? '') : '';
  const before = row ? readPropertyString(lxcNetFields, text).value : undefined;
  const [net, setNet] = useState<LxcNet>(
    () => before ?? { name: freeCardName(cardNames(entries)), ip: 'dhcp' },
  );
  const [touched, setTouched] = useState(row !== undefined);
  const first = useBridges(target.node).bridges[0];
  useEffect(() => {
    if (!touched && first) setNet((card) => ({ ...card, bridge: first }));
  }, [touched, first]);
  // A text that the schema does not know is edited as it is written.
  if (row && !before) return <TextDialog {...props} row={row} />;
  const set = (part: Partial<LxcNet>) => {
    setTouched(true);
    setNet({ ...net, ...part });
  };
  const key = row?.id ?? freeKey('net', new Set(entries.keys()), lxcConfigFields);
  const next = write({ ...net, name: net.name.trim() });
  const changed = !before || next !== write(before);
  const complete = net.name.trim() !== '' && net.ip !== '' && net.ip6 !== '';
  const fields = {
    fields: lxcNetFields,
    words: cardWords,
    values: net as FieldValues,
    onChange: (values: FieldValues) => set(values as Partial<LxcNet>),
  };
  return (
    <ConfigDialog
      title={row ? t('hardware.editNet', { key: row.id }) : t('hardware.addNet')}
      submit={row ? t('action.save') : t('hardware.addSubmit')}
      target={target}
      change={key && changed && complete ? { [key]: next } : undefined}
      onClose={onClose}
    >
      <div className="ry-form-grid">
        <TextField
          id="name"
          label={t('container.cardName')}
          mono
          required
          value={net.name}
          onChange={(name) => set({ name })}
        />
        <BridgeField
          id="bridge"
          node={target.node}
          bridgesOnly
          value={net.bridge ?? ''}
          onChange={(bridge) => set({ bridge: bridge || undefined })}
        />
      </div>
      <AddressFields
        id="ip"
        label="IPv4"
        ways={['dhcp', 'static', 'none']}
        placeholder="192.168.1.10/24"
        address={net.ip}
        gateway={net.gw}
        onChange={(ip, gw) => set({ ip, gw })}
      />
      <AddressFields
        id="ip6"
        label="IPv6"
        ways={['none', 'auto', 'dhcp', 'static']}
        placeholder="2001:db8::10/64"
        address={net.ip6}
        gateway={net.gw6}
        onChange={(ip6, gw6) => set({ ip6, gw6 })}
      />
      <SchemaFields {...fields} names={['tag', 'firewall', 'link_down']} />
      <ExpandableSection toggleText={t('hardware.advanced')}>
        <div className="ry-form-rows">
          <TextField
            id="mac"
            label={t('column.mac')}
            mono
            placeholder={t('hardware.macAuto')}
            value={net.hwaddr ?? ''}
            onChange={(mac) => set({ hwaddr: mac.trim() || undefined })}
          />
          <SchemaFields {...fields} names={['rate', 'mtu', 'trunks', 'host-managed']} />
        </div>
      </ExpandableSection>
    </ConfigDialog>
  );
}

/** How the card gets its addresses of one family, and which when they are given here. */
function AddressFields(props: {
  id: string;
  label: string;
  ways: readonly AddressWay[];
  placeholder: string;
  address: string | undefined;
  gateway: string | undefined;
  onChange: (address: string | undefined, gateway: string | undefined) => void;
}) {
  const t = useT();
  const { id, label, gateway, onChange } = props;
  const way = addressWay(props.address);
  const labels: Readonly<Record<AddressWay, string>> = {
    none: t('container.noAddress'),
    dhcp: id === 'ip6' ? 'DHCPv6' : 'DHCP',
    auto: t('container.slaac'),
    static: t('container.static'),
  };
  const choose = (next: AddressWay) =>
    onChange(next === 'none' ? undefined : next === 'static' ? '' : next, undefined);
  return (
    <div className="ry-form-grid">
      <SelectField
        id={`${id}-way`}
        label={label}
        value={way}
        onChange={(next) => choose(next as AddressWay)}
        choices={props.ways.map((one) => ({ value: one, label: labels[one] }))}
      />
      {way === 'static' ? (
        <>
          <TextField
            id={id}
            label={t('container.address')}
            placeholder={props.placeholder}
            required
            mono
            value={props.address ?? ''}
            onChange={(address) => onChange(address.trim(), gateway)}
          />
          <TextField
            id={`${id}-gateway`}
            label={t('container.gateway')}
            mono
            value={gateway ?? ''}
            onChange={(next) => onChange(props.address, next.trim() || undefined)}
          />
        </>
      ) : null}
    </div>
  );
}
