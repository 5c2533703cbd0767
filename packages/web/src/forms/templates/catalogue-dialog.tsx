import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { volumeList } from '@ryokan/api/methods/storage.ts';
import {
  templateCatalogue,
  templateCatalogueUpdate,
  templateDownload,
} from '@ryokan/api/methods/templates.ts';
import { useState } from 'react';
import { useTasks } from '../../api/hooks.ts';
import { invalidate, useCall } from '../../api/query.ts';
import { taskDone } from '../../api/run.ts';
import { api, may } from '../../api/session.ts';
import { volumeName } from '../../api/volumes.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { TaskState } from '../../components/task-state.tsx';
import { useT } from '../../i18n/index.ts';
import { SelectField } from '../fields.tsx';
import { CatalogueAddress } from './catalogue-address.tsx';
import { CatalogueTable, type OfferedTemplate } from './catalogue-table.tsx';

export interface TemplateDialogProps {
  readonly node: string;
  /** Storages that take templates; the first is chosen. */
  readonly storages: readonly string[];
  readonly onClose: () => void;
  /** Called with the volume id of a template that was chosen or has come; the dialog closes then. */
  readonly onDone?: (volid: string) => void;
}

/** Templates that the catalogue offers: what they are, which are here already, and the way to get them here. */
export default function CatalogueDialog({ node, storages, onClose, onDone }: TemplateDialogProps) {
  const t = useT();
  const [storage, setStorage] = useState(storages[0] ?? '');
  const [failure, setFailure] = useState<{ readonly title: string; readonly error: unknown }>();
  const [updating, setUpdating] = useState(false);
  const { data, error, isFetching, refetch } = useCall(templateCatalogue, { node }, { staleTime: 60_000 });
  const { data: volumes } = useCall(volumeList, { node, storage, content: 'vztmpl' });
  const downloads = useDownloads(node, storage);
  const present = new Set((volumes ?? []).map((one) => volumeName(one.volid)));
  const use = (template: string) => {
    onDone?.(`${storage}:vztmpl/${template}`);
    onClose();
  };
  const download = async ({ template }: OfferedTemplate) => {
    setFailure(undefined);
    try {
      await downloads.start(template);
      if (onDone) use(template);
    } catch (cause) {
      setFailure({ title: t('templates.failed', { template }), error: cause });
    }
  };
  const update = async () => {
    setFailure(undefined);
    setUpdating(true);
    try {
      await taskDone(await api.call(templateCatalogueUpdate, { node }));
    } catch (cause) {
      setFailure({ title: t('templates.unreachable'), error: cause });
    }
    await refetch();
    setUpdating(false);
  };
  const stateOf = ({ template }: OfferedTemplate) => {
    const task = downloads.taskOf(template);
    if (task) return <TaskState task={task} />;
    if (present.has(template))
      return onDone ? (
        <Button variant="link" isInline size="sm" onClick={() => use(template)}>
          {t('templates.use')}
        </Button>
      ) : (
        <span className="ry-state-text ry-state-good">{t('templates.present')}</span>
      );
    return undefined;
  };
  return (
    <Modal variant="large" isOpen onClose={onClose} aria-labelledby="catalogue-title">
      <ModalHeader
        title={t('templates.title')}
        description={t('templates.description')}
        labelId="catalogue-title"
      />
      <ModalBody>
        <div className="ry-form-rows">
          {failure ? <ErrorNotice title={failure.title} error={failure.error} /> : null}
          {error ? (
            <>
              <ErrorNotice title={t('templates.unreachable')} error={error} onRetry={refetch} />
              <p>{t('templates.unreachableHelp')}</p>
            </>
          ) : null}
          {storages.length > 1 ? (
            <SelectField
              id="catalogue-storage"
              label={t('templates.into')}
              value={storage}
              onChange={setStorage}
              choices={storages.map((one) => ({ value: one, label: one }))}
            />
          ) : null}
          {!data && !error ? <Loading /> : null}
          {data && data.length > 0 ? (
            <CatalogueTable rows={data} stateOf={stateOf} onDownload={(one) => void download(one)} />
          ) : null}
          {error || data?.length === 0 ? <CatalogueAddress /> : null}
        </div>
      </ModalBody>
      <ModalFooter>
        <Button variant="secondary" onClick={onClose}>
          {t('action.close')}
        </Button>
        {data && data.length > 0 && may('nodes', 'Sys.Modify') ? (
          <Button
            variant="link"
            isLoading={updating}
            isDisabled={updating || isFetching}
            onClick={() => void update()}
          >
            {t('templates.update')}
          </Button>
        ) : null}
      </ModalFooter>
    </Modal>
  );
}

/** Downloads of this dialog that run: each is a task of the node, which goes on when the dialog is closed. */
function useDownloads(node: string, storage: string) {
  const tasks = useTasks();
  const [upids, setUpids] = useState<Readonly<Record<string, string>>>({});
  return {
    taskOf: (template: string) =>
      tasks.find((one) => one.upid === upids[template] && one.endtime === undefined),
    /** Resolves when the template is here. */
    start: async (template: string) => {
      const upid = await api.call(templateDownload, { node, storage, template });
      setUpids((before) => ({ ...before, [template]: upid }));
      await taskDone(upid);
      await invalidate(volumeList);
    },
  };
}
