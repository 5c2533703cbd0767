import type { ResultOf } from '@ryokan/api/method.ts';
import { nodeStorageStatus, storageCreate, storageList, storageUpdate } from '@ryokan/api/methods/storage.ts';
import { useState } from 'react';
import { invalidate } from '../../api/query.ts';
import { api } from '../../api/session.ts';
import { Facts } from '../../components/facts.tsx';
import { CheckField, SelectField, TextField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';

/** A definition with the properties that the pages show. */
export type StorageDefinition = ResultOf<typeof storageList>[number] &
  Readonly<
    Partial<Record<'path' | 'server' | 'shared' | 'nodes' | 'disable' | 'is_mountpoint' | 'nocow', unknown>>
  >;

const types = ['dir', 'btrfs'] as const;
type StorageType = (typeof types)[number];

/** In the order in which people look for them. */
const contents = ['images', 'rootdir', 'iso', 'vztmpl', 'backup', 'snippets', 'import'] as const;

/** What a storage of each type is mostly for. */
const usual: Readonly<Record<StorageType, readonly string[]>> = {
  dir: ['images', 'rootdir', 'iso', 'vztmpl', 'snippets'],
  btrfs: ['images', 'rootdir'],
};

interface Draft {
  readonly content: readonly string[];
  /** Use it only while something is mounted at its path. */
  readonly mounted: boolean;
  readonly nocow: boolean;
  readonly enabled: boolean;
}

/** What the dialog changes of a definition. A path as `is_mountpoint` counts as yes. */
const draftOf = (definition: StorageDefinition): Draft => ({
  content: (definition.content ?? '').split(',').filter((one) => one !== '' && one !== 'none'),
  mounted: !['', '0', 'no', 'off', 'false'].includes(String(definition.is_mountpoint ?? '')),
  nocow: Boolean(Number(definition.nocow ?? 0)),
  enabled: !Number(definition.disable ?? 0),
});

/** Contents in the usual order; what is not among them stays where it stands. */
const contentText = (chosen: readonly string[]): string =>
  [
    ...contents.filter((one) => chosen.includes(one)),
    ...chosen.filter((one) => !(contents as readonly string[]).includes(one)),
  ].join(',');

/** Switches that differ, as the API takes them: `yes` and `1` set them, `delete` takes them back. */
function switches(before: Draft, after: Draft) {
  const pairs = [
    ['is_mountpoint', before.mounted, after.mounted],
    ['nocow', before.nocow, after.nocow],
    ['disable', !before.enabled, !after.enabled],
  ] as const;
  const gone = pairs.filter(([, was, is]) => was && !is).map(([key]) => key);
  const came = new Set(pairs.filter(([, was, is]) => !was && is).map(([key]) => key));
  return {
    ...(came.has('is_mountpoint') ? { is_mountpoint: 'yes' } : {}),
    ...(came.has('nocow') ? { nocow: true } : {}),
    ...(came.has('disable') ? { disable: true } : {}),
    ...(gone.length > 0 ? { delete: gone.join(',') } : {}),
  };
}

/** Defines a storage, or changes one; the node tries it out before it is saved. */
export function StorageDialog(props: { definition?: StorageDefinition | undefined; onClose: () => void }) {
  const t = useT();
  const { definition } = props;
  const [type, setType] = useState<string>(definition?.type ?? 'dir');
  const [name, setName] = useState(definition?.storage ?? '');
  const [path, setPath] = useState(String(definition?.path ?? ''));
  const before: Draft = definition
    ? draftOf(definition)
    : { content: [], mounted: false, nocow: false, enabled: true };
  const [draft, setDraft] = useState<Draft>(definition ? before : { ...before, content: usual.dir });
  const set = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const choose = (value: string) => {
    const chosen = types.find((one) => one === value) ?? 'dir';
    setType(chosen);
    set({ content: usual[chosen] });
  };
  const ready = /^[a-zA-Z][\w.-]*[a-zA-Z0-9]$/.test(name) && path.startsWith('/');
  const save = () => {
    const content = contentText(draft.content);
    if (!definition) {
      const { delete: _, ...options } = switches(before, draft);
      return api.call(storageCreate, { type, storage: name, path: path.trim(), content, ...options });
    }
    const { storage, digest } = definition;
    const changed = content === contentText(before.content) ? {} : { content };
    return api.call(storageUpdate, {
      storage,
      ...changed,
      ...switches(before, draft),
      ...(digest ? { digest } : {}),
    });
  };
  return (
    <FormDialog
      title={definition ? t('storage.editTitle', { storage: name }) : t('storage.add')}
      submit={t(definition ? 'action.save' : 'access.add')}
      ready={(definition !== undefined || ready) && draft.content.length > 0}
      onClose={props.onClose}
      onSubmit={async () => {
        await save();
        await invalidate(storageList, nodeStorageStatus);
      }}
    >
      {definition ? (
        <Facts
          rows={[
            [t('storage.type'), definition.type],
            [t('storage.folder'), path || undefined],
          ]}
        />
      ) : (
        <>
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
        </>
      )}
      <fieldset className="ry-form-rows">
        <legend className="ry-small-heading">{t('storage.content')}</legend>
        <div className="ry-form-checks">
          {contents.map((one) => (
            <CheckField
              key={one}
              id={`storage-content-${one}`}
              label={t(`content.${one}`)}
              value={draft.content.includes(one)}
              onChange={(on) =>
                set({
                  content: on ? [...draft.content, one] : draft.content.filter((other) => other !== one),
                })
              }
            />
          ))}
        </div>
      </fieldset>
      <CheckField
        id="storage-mounted"
        label={t('storage.mounted')}
        help={t('storage.mountedHelp')}
        value={draft.mounted}
        onChange={(mounted) => set({ mounted })}
      />
      {type === 'btrfs' ? (
        <CheckField
          id="storage-nocow"
          label={t('storage.nocow')}
          help={t('storage.nocowHelp')}
          value={draft.nocow}
          onChange={(nocow) => set({ nocow })}
        />
      ) : null}
      <CheckField
        id="storage-enabled"
        label={t('storage.enabled')}
        help={t('storage.enabledHelp')}
        value={draft.enabled}
        onChange={(enabled) => set({ enabled })}
      />
    </FormDialog>
  );
}
