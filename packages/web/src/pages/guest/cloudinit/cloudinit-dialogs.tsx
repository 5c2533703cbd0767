/** One dialog for each cloud-init value. Loaded when the first of them opens. */

import { useState } from 'react';
import { AreaField, CheckField, SelectField, TextField } from '../../../forms/fields.tsx';
import { type PlainKey, useT } from '../../../i18n/index.ts';
import type { ConfigChange, DialogTarget } from '../apply-change.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { changeOf } from '../device-change.ts';
import {
  type Addresses,
  addressesReady,
  type CloudInitRow,
  type Mode6,
  readAddresses,
  readKeys,
  writeAddresses,
  writeKeys,
} from './cloudinit-model.ts';
import { FilesForm } from './files-form.tsx';

export interface CloudInitFormProps {
  readonly row: CloudInitRow;
  readonly title: string;
  readonly value: string | undefined;
  readonly target: DialogTarget;
  readonly onClose: () => void;
}

export default function CloudInitDialog(props: CloudInitFormProps) {
  switch (props.row.kind) {
    case 'password':
      return <PasswordForm {...props} />;
    case 'keys':
      return <KeysForm {...props} />;
    case 'flag':
      return <UpgradeForm {...props} />;
    case 'addresses':
      return <AddressForm {...props} />;
    case 'form':
      return <TypeForm {...props} />;
    case 'files':
      return <FilesForm {...props} />;
    default:
      return <TextForm {...props} />;
  }
}

function Dialog(props: CloudInitFormProps & { change: ConfigChange | undefined; children: React.ReactNode }) {
  return (
    <ConfigDialog title={props.title} target={props.target} change={props.change} onClose={props.onClose}>
      {props.children}
    </ConfigDialog>
  );
}

/** The value of a key as one text; empty takes the key away. */
const one = (props: CloudInitFormProps, text: string) =>
  changeOf({ [props.row.key]: props.value }, { [props.row.key]: text });

function TextForm(props: CloudInitFormProps) {
  const t = useT();
  const [text, setText] = useState(props.value ?? '');
  return (
    <Dialog {...props} change={one(props, text)}>
      <TextField
        id="text"
        label={props.title}
        help={props.row.help ? t(props.row.help) : undefined}
        value={text}
        onChange={setText}
      />
    </Dialog>
  );
}

/** The password is never shown; the server keeps only its hash. */
function PasswordForm(props: CloudInitFormProps) {
  const t = useT();
  const [text, setText] = useState('');
  const [remove, setRemove] = useState(false);
  const { key } = props.row;
  const change = remove ? { delete: key } : text === '' ? undefined : { [key]: text };
  return (
    <Dialog {...props} change={change}>
      <TextField
        id="text"
        type="password"
        label={t('cloudinit.password')}
        help={props.value ? t('cloudinit.passwordKeep') : t('cloudinit.passwordHelp')}
        disabled={remove}
        value={text}
        onChange={setText}
      />
      {props.value ? (
        <CheckField id="remove" label={t('cloudinit.passwordRemove')} value={remove} onChange={setRemove} />
      ) : null}
    </Dialog>
  );
}

function KeysForm(props: CloudInitFormProps) {
  const t = useT();
  const [text, setText] = useState(readKeys(props.value));
  const bad = text
    .split('\n')
    .find(
      (line) =>
        line.trim() !== '' && !/^(?:#|(?:[\w,="@. -]+\s)?(?:ssh-|ecdsa-|sk-)\S+\s+\S{16,})/.test(line.trim()),
    );
  return (
    <Dialog
      {...props}
      change={
        bad === undefined && text.trim() !== readKeys(props.value) ? one(props, writeKeys(text)) : undefined
      }
    >
      <AreaField
        id="keys"
        label={t('cloudinit.keys')}
        help={t('cloudinit.keysHelp')}
        problem={bad === undefined ? undefined : t('cloudinit.keysBad', { line: bad.slice(0, 40) })}
        mono
        rows={8}
        placeholder="ssh-ed25519 AAAA… name@host"
        value={text}
        onChange={setText}
      />
    </Dialog>
  );
}

function UpgradeForm(props: CloudInitFormProps) {
  const t = useT();
  const [on, setOn] = useState(props.value !== '0');
  const next = on ? '1' : '0';
  return (
    <Dialog {...props} change={next === (props.value ?? '1') ? undefined : { [props.row.key]: next }}>
      <CheckField
        id="upgrade"
        label={t('cloudinit.upgrade')}
        help={t('cloudinit.upgradeHelp')}
        value={on}
        onChange={setOn}
      />
    </Dialog>
  );
}

const modes: Readonly<Record<Mode6, PlainKey>> = {
  none: 'cloudinit.modeNone',
  dhcp: 'cloudinit.modeDhcp',
  auto: 'cloudinit.modeAuto',
  static: 'cloudinit.modeStatic',
};

const families = [
  {
    title: 'IPv4',
    mode: 'mode4',
    modes: ['none', 'dhcp', 'static'],
    fields: [
      { key: 'ip', label: 'cloudinit.address', example: '192.0.2.10/24' },
      { key: 'gw', label: 'network.gateway', example: '192.0.2.1' },
    ],
  },
  {
    title: 'IPv6',
    mode: 'mode6',
    modes: ['none', 'auto', 'dhcp', 'static'],
    fields: [
      { key: 'ip6', label: 'cloudinit.address', example: '2001:db8::10/64' },
      { key: 'gw6', label: 'network.gateway', example: '2001:db8::1' },
    ],
  },
] as const;

function AddressForm(props: CloudInitFormProps) {
  const t = useT();
  const [addresses, setAddresses] = useState(() => readAddresses(props.value));
  const set = (part: Partial<Addresses>) => setAddresses({ ...addresses, ...part });
  return (
    <Dialog {...props} change={addressesReady(addresses) ? one(props, writeAddresses(addresses)) : undefined}>
      {families.map(({ title, mode, modes: possible, fields }) => (
        <fieldset key={mode} className="ry-card">
          <legend>{title}</legend>
          <SelectField
            id={mode}
            label={t('cloudinit.mode')}
            value={addresses[mode]}
            onChange={(value) => set({ [mode]: value })}
            choices={possible.map((kind) => ({ value: kind, label: t(modes[kind]) }))}
          />
          {addresses[mode] === 'static' ? (
            <div className="ry-form-grid">
              {fields.map(({ key, label, example }) => (
                <TextField
                  key={key}
                  id={key}
                  label={t(label)}
                  mono
                  placeholder={example}
                  value={addresses[key]}
                  onChange={(value) => set({ [key]: value })}
                />
              ))}
            </div>
          ) : null}
        </fieldset>
      ))}
    </Dialog>
  );
}

function TypeForm(props: CloudInitFormProps) {
  const t = useT();
  const [type, setType] = useState(props.value ?? '');
  return (
    <Dialog {...props} change={one(props, type)}>
      <SelectField
        id="citype"
        label={t('cloudinit.type')}
        value={type}
        onChange={setType}
        choices={[
          { value: '', label: t('cloudinit.typeDefault') },
          { value: 'nocloud', label: 'NoCloud' },
          { value: 'configdrive2', label: 'ConfigDrive v2' },
          { value: 'opennebula', label: 'OpenNebula' },
        ]}
      />
    </Dialog>
  );
}
