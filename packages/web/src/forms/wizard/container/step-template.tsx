import { Button } from '@patternfly/react-core';
import { lazy, Suspense, useEffect, useState } from 'react';
import { may } from '../../../api/session.ts';
import { useStorages, useVolumes, volumeName } from '../../../api/volumes.ts';
import { useT } from '../../../i18n/index.ts';
import { useFormat } from '../../../util/use-format.ts';
import { SelectField } from '../../fields.tsx';
import { problemText } from '../wizard-state.ts';
import { useContainer } from './container-model.ts';

const UploadDialog = lazy(() =>
  import('../../upload-dialog.tsx').then((all) => ({ default: all.UploadDialog })),
);
const CatalogueDialog = lazy(() => import('../../templates/catalogue-dialog.tsx'));
const OciDialog = lazy(() => import('../../templates/oci-dialog.tsx'));

/** Where there is one template only, nobody has to choose it. */
export function useOnlyTemplate(): void {
  const { draft, change } = useContainer();
  const { volumes, loaded } = useVolumes(draft.node, 'vztmpl');
  const only = loaded && volumes.length === 1 ? volumes[0]?.volid : undefined;
  useEffect(() => {
    if (draft.template === '' && only !== undefined) change({ template: only });
  }, [draft.template, only, change]);
}

export function TemplateStep() {
  const t = useT();
  const format = useFormat();
  const { draft, change, problems } = useContainer();
  const { volumes, loaded, refetch } = useVolumes(draft.node, 'vztmpl');
  const { storages } = useStorages(draft.node, 'vztmpl');
  const [open, setOpen] = useState<'catalogue' | 'oci' | 'upload'>();
  const sorted = [...volumes].sort((a, b) => (a.volid < b.volid ? -1 : 1));
  const known = sorted.some((one) => one.volid === draft.template);
  const problem = problemText(problems, 'ostemplate', t);
  const none = loaded && sorted.length === 0 ? t('newct.noTemplate') : undefined;
  const gone = loaded && draft.template !== '' && !known;
  const dialog = {
    node: draft.node,
    storages: storages.map((one) => one.storage),
    onClose: () => setOpen(undefined),
    onDone: (template: string) => {
      refetch();
      change({ template });
    },
  };
  return (
    <>
      <SelectField
        id="ostemplate"
        label={t('newct.template')}
        required
        value={known ? draft.template : ''}
        onChange={(template) => change({ template })}
        help={none ?? t('newct.templateHelp')}
        problem={
          gone
            ? t('newct.templateGone', { template: volumeName(draft.template) })
            : problem && (none ?? problem)
        }
        choices={[
          { value: '', label: t(loaded ? 'newct.chooseTemplate' : 'page.loading'), disabled: true },
          ...sorted.map((one) => ({
            value: one.volid,
            label: `${volumeName(one.volid)} (${one.volid.split(':')[0]}, ${format.bytes(one.size ?? 0)})`,
          })),
        ]}
      />
      {storages.length > 0 && may('storage', 'Datastore.AllocateTemplate') ? (
        <fieldset className="ry-card">
          <legend>{t('newct.getTemplate')}</legend>
          <div className="ry-form-checks">
            <Button variant="secondary" onClick={() => setOpen('catalogue')}>
              {t('newct.catalogue')}
            </Button>
            <Button variant="secondary" onClick={() => setOpen('oci')}>
              {t('oci.open')}
            </Button>
            <Button variant="secondary" onClick={() => setOpen('upload')}>
              {t('upload.open')}
            </Button>
          </div>
        </fieldset>
      ) : null}
      <Suspense fallback={null}>
        {open === 'catalogue' ? <CatalogueDialog {...dialog} /> : null}
        {open === 'oci' ? <OciDialog {...dialog} /> : null}
        {open === 'upload' ? <UploadDialog {...dialog} content="vztmpl" /> : null}
      </Suspense>
    </>
  );
}
