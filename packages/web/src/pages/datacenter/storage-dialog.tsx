import { storageCreate, storageList } from '@ryokan/api/methods/storage.ts';
import { useState } from 'react';
import { invalidate } from '../../api/query.ts';
import { api } from '../../api/session.ts';
import { CheckField, SelectField, TextField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';

const types = ['dir', 'btrfs'] as const;
type StorageType = (typeof types)[number];

/** In the order in which people look for them. */
const contents = ['images', 'rootdir', 'iso', 'vztmpl', 'backup', 'snippets', 'import'] as const;

/** What a storage of each type is mostly for. */
const usual: Readonly<Record<StorageType, readonly string[]>> = {
  dir: ['images', 'rootdir', 'iso', 'vztmpl', 'snippets'],
  btrfs: ['images', 'rootdir'],
};

/** Defines a storage; the node tries it out before it is saved. */
export function AddStorageDialog({ onClose }: { onClose: () => void }) {
  const t = useT();
  const [type, setType] = useState<StorageType>('dir');
  const [name, setName] = useState('');
  const [path, setPath] = useState('');
  const [content, setContent] = useState<readonly string[]>(usual.dir);
  const [mounted, setMounted] = useState(false);
  const [nocow, setNocow] = useState(false);
  const choose = (value: string) => {
    const chosen = types.find((one) => one === value) ?? 'dir';
    setType(chosen);
    setContent(usual[chosen]);
  };
  return (
    <FormDialog
      title={t('storage.add')}
      submit={t('access.add')}
      ready={/^[a-zA-Z][\w.-]*[a-zA-Z0-9]$/.test(name) && path.startsWith('/') && content.length > 0}
      onClose={onClose}
      onSubmit={async () => {
        await api.call(storageCreate, {
          type,
          storage: name,
          path: path.trim(),
          content: contents.filter((one) => content.includes(one)).join(','),
          ...(mounted ? { is_mountpoint: 'yes' } : {}),
          ...(type === 'btrfs' && nocow ? { nocow } : {}),
        });
        await invalidate(storageList);
      }}
    >
      <SelectField
        id="storage-type"
        label={t('storage.type')}
        help={t(type === 'btrfs' ? 'storage.btrfsHelp' : 'storage.dirHelp')}
        value={type}
        onChange={choose}
        choices={types.map((one) => ({
          value: one,
          label: t(one === 'dir' ? 'storage.dir' : 'storage.btrfs'),
        }))}
      />
      <TextField
        id="storage-name"
        label={t('column.name')}
        help={t('storage.nameHelp')}
        required
        mono
        value={name}
        onChange={setName}
      />
      <TextField
        id="storage-path"
        label={t('storage.folder')}
        help={t('storage.folderHelp')}
        required
        mono
        placeholder={type === 'btrfs' ? '/mnt/pool' : '/mnt/data'}
        value={path}
        onChange={setPath}
      />
      <fieldset className="ry-form-rows">
        <legend className="ry-small-heading">{t('storage.content')}</legend>
        <div className="ry-form-checks">
          {contents.map((one) => (
            <CheckField
              key={one}
              id={`storage-content-${one}`}
              label={t(`content.${one}`)}
              value={content.includes(one)}
              onChange={(on) => setContent(on ? [...content, one] : content.filter((other) => other !== one))}
            />
          ))}
        </div>
      </fieldset>
      <CheckField
        id="storage-mounted"
        label={t('storage.mounted')}
        help={t('storage.mountedHelp')}
        value={mounted}
        onChange={setMounted}
      />
      {type === 'btrfs' ? (
        <CheckField
          id="storage-nocow"
          label={t('storage.nocow')}
          help={t('storage.nocowHelp')}
          value={nocow}
          onChange={setNocow}
        />
      ) : null}
    </FormDialog>
  );
}
