/** One dialog for each cloud-init value. Loaded when the first of them opens. */

import { cloudInitPending } from '@ryokan/api/methods/qemu-cloudinit.ts';
import { useState } from 'react';
import { invalidate } from '../../../api/query.ts';
import { useVolumes, volumeName } from '../../../api/volumes.ts';
import { AreaField, CheckField, SelectField, TextField } from '../../../forms/fields.tsx';
import { type PlainKey, useT } from '../../../i18n/index.ts';
import { type ConfigChange, ConfigDialog, type DialogTarget } from '../config-dialog.tsx';
import { changeOf } from '../device-change.ts';
import {
  type Addresses,
  addressesReady,
  type CloudInitRow,
  type FileKind,
  fileKinds,
  type Mode4,
  type Mode6,
  readAddresses,
  readFiles,
  readKeys,
  writeAddresses,
  writeFiles,
  writeKeys,
} from './cloudinit-model.ts';

interface Props {
  readonly row: CloudInitRow;
  readonly title: string;
  readonly value: string | undefined;
  readonly target: DialogTarget;
  readonly onClose: () => void;
}

export default function CloudInitDialog(props: Props) {
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

function Dialog(props: Props & { change: ConfigChange | undefined; children: React.ReactNode }) {
  return (
    <ConfigDialog
      title={props.title}
      target={props.target}
      change={props.change}
      onClose={() => {
        void invalidate(cloudInitPending);
        props.onClose();
      }}
    >
      {props.children}
    </ConfigDialog>
  );
}

/** The value of a key as one text; empty takes the key away. */
const one = (props: Props, text: string) =>
  changeOf({ [props.row.key]: props.value }, { [props.row.key]: text });

function TextForm(props: Props) {
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
function PasswordForm(props: Props) {
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

function KeysForm(props: Props) {
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

function UpgradeForm(props: Props) {
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

function AddressForm(props: Props) {
  const t = useT();
  const [addresses, setAddresses] = useState(() => readAddresses(props.value));
  const set = (part: Partial<Addresses>) => setAddresses({ ...addresses, ...part });
  const choices = (kinds: readonly Mode6[]) => kinds.map((kind) => ({ value: kind, label: t(modes[kind]) }));
  return (
    <Dialog {...props} change={addressesReady(addresses) ? one(props, writeAddresses(addresses)) : undefined}>
      <fieldset className="ry-card">
        <legend>IPv4</legend>
        <SelectField
          id="mode4"
          label={t('cloudinit.mode')}
          value={addresses.mode4}
          onChange={(mode) => set({ mode4: mode as Mode4 })}
          choices={choices(['none', 'dhcp', 'static'])}
        />
        {addresses.mode4 === 'static' ? (
          <div className="ry-form-grid">
            <TextField
              id="ip"
              label={t('cloudinit.address')}
              mono
              placeholder="192.0.2.10/24"
              value={addresses.ip}
              onChange={(ip) => set({ ip })}
            />
            <TextField
              id="gw"
              label={t('network.gateway')}
              mono
              placeholder="192.0.2.1"
              value={addresses.gw}
              onChange={(gw) => set({ gw })}
            />
          </div>
        ) : null}
      </fieldset>
      <fieldset className="ry-card">
        <legend>IPv6</legend>
        <SelectField
          id="mode6"
          label={t('cloudinit.mode')}
          value={addresses.mode6}
          onChange={(mode) => set({ mode6: mode as Mode6 })}
          choices={choices(['none', 'auto', 'dhcp', 'static'])}
        />
        {addresses.mode6 === 'static' ? (
          <div className="ry-form-grid">
            <TextField
              id="ip6"
              label={t('cloudinit.address')}
              mono
              placeholder="2001:db8::10/64"
              value={addresses.ip6}
              onChange={(ip6) => set({ ip6 })}
            />
            <TextField
              id="gw6"
              label={t('network.gateway')}
              mono
              placeholder="2001:db8::1"
              value={addresses.gw6}
              onChange={(gw6) => set({ gw6 })}
            />
          </div>
        ) : null}
      </fieldset>
    </Dialog>
  );
}

function TypeForm(props: Props) {
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

const fileLabels: Readonly<Record<FileKind, PlainKey>> = {
  user: 'cloudinit.fileUser',
  network: 'cloudinit.fileNetwork',
  meta: 'cloudinit.fileMeta',
  vendor: 'cloudinit.fileVendor',
};

/** Snippets in the place of what the node would generate. */
function FilesForm(props: Props) {
  const t = useT();
  const [files, setFiles] = useState(() => readFiles(props.value));
  const { volumes, loaded } = useVolumes(props.target.node, 'snippets');
  const known = volumes.map((volume) => volume.volid);
  return (
    <Dialog {...props} change={one(props, writeFiles(files))}>
      <p>{t('cloudinit.filesHelp')}</p>
      {loaded && known.length === 0 ? <p className="ry-subtle">{t('cloudinit.noSnippets')}</p> : null}
      {fileKinds.map((kind) => {
        const value = files[kind] ?? '';
        return (
          <SelectField
            key={kind}
            id={`file-${kind}`}
            label={t(fileLabels[kind])}
            value={value}
            onChange={(file) => setFiles({ ...files, [kind]: file })}
            choices={[
              { value: '', label: t('cloudinit.generated') },
              ...(value === '' || known.includes(value) ? known : [value, ...known]).map((volid) => ({
                value: volid,
                label: `${volumeName(volid)} (${volid.split(':')[0]})`,
              })),
            ]}
          />
        );
      })}
    </Dialog>
  );
}
