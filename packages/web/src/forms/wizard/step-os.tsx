import { Button, Radio } from '@patternfly/react-core';
import { lazy, Suspense, useEffect, useState } from 'react';
import { useStorages, useVolumes, type Volume, volumeName } from '../../api/volumes.ts';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import { SelectField } from '../fields.tsx';
import { type OsType, withIso, withOsType } from './draft.ts';
import { useWizard } from './vm-model.ts';
import { problemText } from './wizard-state.ts';

const UploadDialog = lazy(() =>
  import('../upload-dialog.tsx').then((all) => ({ default: all.UploadDialog })),
);

/** The image that came last is the one that is wanted most often; a choice by the person stays. */
export function useNewestIso(): void {
  const { draft, change } = useWizard();
  const { volumes, loaded } = useVolumes(draft.node, 'iso');
  const newest = loaded ? newestOf(volumes) : undefined;
  const wanted = draft.media === 'iso' && draft.iso === '';
  useEffect(() => {
    if (wanted && newest !== undefined) change(withIso(draft, newest));
  }, [wanted, newest, draft, change]);
}

function newestOf(volumes: readonly Volume[]): string | undefined {
  return [...volumes].sort((a, b) => (b.ctime ?? 0) - (a.ctime ?? 0))[0]?.volid;
}

export function OsStep() {
  const t = useT();
  const format = useFormat();
  const { draft, change, problems } = useWizard();
  const { volumes, loaded, refetch } = useVolumes(draft.node, 'iso');
  const { storages } = useStorages(draft.node, 'iso');
  const [uploading, setUploading] = useState(false);
  const sorted = [...volumes].sort((a, b) => (a.volid < b.volid ? -1 : 1));
  const known = sorted.some((one) => one.volid === draft.iso);
  return (
    <>
      <Radio
        id="media-iso"
        name="media"
        label={t('wizard.mediaIso')}
        isChecked={draft.media === 'iso'}
        onChange={() => change({ media: 'iso' })}
        body={
          draft.media === 'iso' ? (
            <div className="ry-form-rows">
              <SelectField
                id="iso"
                label={t('wizard.iso')}
                value={known ? draft.iso : ''}
                onChange={(iso) => change(withIso(draft, iso))}
                help={loaded && sorted.length === 0 ? t('wizard.noIso') : undefined}
                problem={problemText(problems, 'ide2', t)}
                choices={[
                  { value: '', label: loaded ? t('wizard.chooseIso') : t('page.loading'), disabled: true },
                  ...sorted.map((one) => ({
                    value: one.volid,
                    label: `${volumeName(one.volid)} (${one.volid.split(':')[0]}, ${format.bytes(one.size ?? 0)})`,
                  })),
                ]}
              >
                {storages.length > 0 ? (
                  <Button variant="secondary" onClick={() => setUploading(true)}>
                    {t('upload.open')}
                  </Button>
                ) : null}
              </SelectField>
            </div>
          ) : null
        }
      />
      <Radio
        id="media-none"
        name="media"
        label={t('wizard.mediaNone')}
        description={t('wizard.mediaNoneHelp')}
        isChecked={draft.media === 'none'}
        onChange={() => change({ media: 'none' })}
      />
      <SelectField
        id="ostype"
        label={t('wizard.ostype')}
        help={draft.ostype.startsWith('win') ? t('wizard.windowsHelp') : t('wizard.ostypeHelp')}
        value={draft.ostype}
        onChange={(value) => change({ ...withOsType(draft, value as OsType), ostypeChosen: true })}
        choices={[
          { value: 'l26', label: 'Linux' },
          { value: 'win11', label: 'Windows 11 / Server 2022, 2025' },
          { value: 'win10', label: 'Windows 10 / Server 2016, 2019' },
          { value: 'win8', label: 'Windows 8 / Server 2012' },
          { value: 'other', label: t('wizard.otherOs') },
        ]}
      />
      {uploading ? (
        <Suspense fallback={null}>
          <UploadDialog
            node={draft.node}
            storages={storages.map((one) => one.storage)}
            content="iso"
            onClose={() => setUploading(false)}
            onDone={(iso) => {
              refetch();
              change(withIso(draft, iso));
            }}
          />
        </Suspense>
      ) : null}
    </>
  );
}
