/** Snippets in the place of what the node would generate: choosing one, editing it, making a new one. */
import { Button } from '@patternfly/react-core';
import { lazy, Suspense, useState } from 'react';
import { may } from '../../../api/session.ts';
import { useStorages, useVolumes, volumeName } from '../../../api/volumes.ts';
import { SelectField } from '../../../forms/fields.tsx';
import { type PlainKey, useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { changeOf } from '../device-change.ts';
import type { CloudInitFormProps } from './cloudinit-dialogs.tsx';
import { type FileKind, fileKinds, readFiles, writeFiles } from './cloudinit-model.ts';

const SnippetDialog = lazy(() => import('./snippet-dialog.tsx'));

export const fileLabels: Readonly<Record<FileKind, PlainKey>> = {
  user: 'cloudinit.fileUser',
  network: 'cloudinit.fileNetwork',
  meta: 'cloudinit.fileMeta',
  vendor: 'cloudinit.fileVendor',
};

export function FilesForm(props: CloudInitFormProps) {
  const t = useT();
  const { target, row } = props;
  const [files, setFiles] = useState(() => readFiles(props.value));
  const [editing, setEditing] = useState<FileKind>();
  const { volumes, loaded, refetch } = useVolumes(target.node, 'snippets');
  const { storages, loaded: asked } = useStorages(target.node, 'snippets');
  const known = volumes.map((volume) => volume.volid);
  const mayWrite = storages.length > 0 && may('storage', 'Datastore.AllocateTemplate');
  const set = (kind: FileKind, file: string) => setFiles({ ...files, [kind]: file });
  // One dialog at a time: the snippet's takes the place of this one and comes back to it.
  if (editing)
    return (
      <Suspense fallback={null}>
        <SnippetDialog
          target={target}
          kind={editing}
          volid={files[editing] || undefined}
          storages={storages.map((one) => one.storage)}
          taken={known}
          onClose={() => setEditing(undefined)}
          onSaved={(volid) => {
            set(editing, volid);
            refetch();
          }}
        />
      </Suspense>
    );
  return (
    <ConfigDialog
      title={props.title}
      target={target}
      change={changeOf({ [row.key]: props.value }, { [row.key]: writeFiles(files) })}
      onClose={props.onClose}
    >
      <p>{t('cloudinit.filesHelp')}</p>
      {asked && storages.length === 0 ? <p className="ry-subtle">{t('cloudinit.noSnippets')}</p> : null}
      {fileKinds.map((kind) => {
        const value = files[kind] ?? '';
        return (
          <SelectField
            key={kind}
            id={`file-${kind}`}
            label={t(fileLabels[kind])}
            value={value}
            onChange={(file) => set(kind, file)}
            choices={[
              { value: '', label: t('cloudinit.generated') },
              ...(value === '' || known.includes(value) ? known : [value, ...known]).map((volid) => ({
                value: volid,
                label: `${volumeName(volid)} (${volid.split(':')[0]})`,
              })),
            ]}
          >
            <Button
              variant="secondary"
              isDisabled={!mayWrite || !loaded}
              aria-label={`${value ? t('cloudinit.editSnippet') : t('cloudinit.newSnippet')}: ${t(fileLabels[kind])}`}
              onClick={() => setEditing(kind)}
            >
              {value ? t('cloudinit.editSnippet') : t('cloudinit.newSnippet')}
            </Button>
          </SelectField>
        );
      })}
    </ConfigDialog>
  );
}
