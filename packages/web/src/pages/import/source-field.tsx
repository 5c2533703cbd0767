import { Button } from '@patternfly/react-core';
import UploadIcon from '@patternfly/react-icons/dist/esm/icons/upload-icon';
import { lazy, Suspense, useState } from 'react';
import { useNodeNames } from '../../api/hooks.ts';
import { may } from '../../api/session.ts';
import { useStorages, useVolumes, volumeName } from '../../api/volumes.ts';
import { SelectField } from '../../forms/fields.tsx';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';

const UploadDialog = lazy(() =>
  import('../../forms/upload-dialog.tsx').then((all) => ({ default: all.UploadDialog })),
);

/** The file to import: one that is there, or an upload. */
export function SourceField(props: {
  node: string;
  volume: string;
  onChange: (choice: { node?: string; volume: string }) => void;
}) {
  const t = useT();
  const format = useFormat();
  const { node, volume, onChange } = props;
  const nodes = useNodeNames();
  const { storages, loaded: knowsStorages } = useStorages(node, 'import');
  const { volumes, loaded, refetch } = useVolumes(node, 'import');
  const [uploading, setUploading] = useState(false);
  const known = volumes.some((one) => one.volid === volume);
  const empty = loaded && volumes.length === 0 ? t('import.noFiles') : t('import.choose');
  return (
    <>
      {nodes.length > 1 ? (
        <SelectField
          id="node"
          label={t('column.node')}
          value={node}
          onChange={(next) => onChange({ node: next, volume: '' })}
          choices={nodes.map((one) => ({ value: one, label: one }))}
        />
      ) : null}
      <SelectField
        id="volume"
        label={t('import.file')}
        help={t('import.fileHelp')}
        value={known ? volume : ''}
        onChange={(next) => onChange({ volume: next })}
        problem={knowsStorages && storages.length === 0 ? t('import.noStorage') : undefined}
        choices={[
          ...(known ? [] : [{ value: '', label: loaded ? empty : t('page.loading'), disabled: true }]),
          ...volumes.map((one) => ({
            value: one.volid,
            label: `${volumeName(one.volid)} (${one.volid.split(':')[0]}, ${format.bytes(one.size)})`,
          })),
        ]}
      >
        {storages.length > 0 && may('storage', 'Datastore.AllocateTemplate') ? (
          <Button variant="secondary" icon={<UploadIcon />} onClick={() => setUploading(true)}>
            {t('upload.open')}
          </Button>
        ) : null}
      </SelectField>
      {uploading ? (
        <Suspense fallback={null}>
          <UploadDialog
            node={node}
            storages={storages.map((one) => one.storage)}
            content="import"
            onClose={() => setUploading(false)}
            onDone={(volid) => {
              refetch();
              onChange({ volume: volid });
            }}
          />
        </Suspense>
      ) : null}
    </>
  );
}
