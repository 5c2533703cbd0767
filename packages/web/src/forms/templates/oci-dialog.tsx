import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { volumeList } from '@ryokan/api/methods/storage.ts';
import { ociPull, ociTags } from '@ryokan/api/methods/templates.ts';
import { useState } from 'react';
import { useTasks } from '../../api/hooks.ts';
import { invalidate } from '../../api/query.ts';
import { follow, taskDone } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { RunningTasks } from '../../components/running-tasks.tsx';
import { useT } from '../../i18n/index.ts';
import { SelectField, TextField } from '../fields.tsx';
import type { TemplateDialogProps } from './catalogue-dialog.tsx';
import { archiveName, orderedTags, parseReference } from './oci-reference.ts';

/** An image of a registry becomes a template: which repository, which tag, then the node fetches it as a task. */
export default function OciDialog({ node, storages, onClose, onDone }: TemplateDialogProps) {
  const t = useT();
  const tasks = useTasks();
  const [storage, setStorage] = useState(storages[0] ?? '');
  const [text, setText] = useState('');
  const [chosenTag, setChosenTag] = useState('');
  const [tags, setTags] = useState<readonly string[]>();
  const [busy, setBusy] = useState<'asking' | 'pulling'>();
  const [upid, setUpid] = useState<string>();
  const [failure, setFailure] = useState<{ readonly title: string; readonly error: unknown }>();
  const reference = parseReference(text);
  const { repository } = reference;
  const tag = (chosenTag || reference.tag).trim();
  const guarded = async (phase: 'asking' | 'pulling', title: string, action: () => Promise<void>) => {
    setBusy(phase);
    setFailure(undefined);
    try {
      await action();
    } catch (error) {
      setFailure({ title, error });
    }
    setUpid(undefined);
    setBusy(undefined);
  };
  const ask = () =>
    guarded('asking', t('oci.tagsFailed'), async () => {
      const found = orderedTags(await api.call(ociTags, { node, reference: repository }));
      setTags(found);
      if (tag === '' || !found.includes(tag)) setChosenTag(found[0] ?? '');
    });
  const pull = () =>
    guarded('pulling', t('oci.failed'), async () => {
      const filename = archiveName({ repository, tag });
      const task = await api.call(ociPull, { node, storage, reference: `${repository}:${tag}`, filename });
      setUpid(task);
      await taskDone(task);
      await invalidate(volumeList);
      onDone?.(`${storage}:vztmpl/${filename}`);
      onClose();
    });
  const close = () => {
    // The task goes on, and says by a message how it ended.
    if (upid !== undefined) follow(upid);
    onClose();
  };
  const running = tasks.find((one) => one.upid === upid && one.endtime === undefined);
  const ready = repository !== '' && tag !== '' && storage !== '' && busy === undefined;
  return (
    <Modal variant="small" isOpen onClose={close} aria-labelledby="oci-title" elementToFocus="#oci-reference">
      <ModalHeader title={t('oci.title')} description={t('oci.description')} labelId="oci-title" />
      <ModalBody>
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            if (ready && tags) void pull();
            else if (repository !== '' && busy === undefined) void ask();
          }}
        >
          {failure ? <ErrorNotice title={failure.title} error={failure.error} /> : null}
          <TextField
            id="oci-reference"
            label={t('oci.reference')}
            help={t('oci.referenceHelp')}
            placeholder="registry.example.com/team/app"
            required
            mono
            disabled={busy === 'pulling'}
            value={text}
            onChange={(value) => {
              setText(value);
              setChosenTag('');
              setTags(undefined);
            }}
          />
          <div className="ry-inline-action">
            <Button
              variant="secondary"
              isDisabled={repository === '' || busy !== undefined}
              isLoading={busy === 'asking'}
              onClick={() => void ask()}
            >
              {t('oci.ask')}
            </Button>
            <span className="ry-subtle" role="status">
              {tags ? t('oci.tagCount', { count: tags.length }) : ''}
            </span>
          </div>
          <TextField
            id="oci-tag"
            label={t('oci.tag')}
            placeholder="latest"
            required
            mono
            disabled={busy === 'pulling'}
            suggestions={tags ?? []}
            value={chosenTag || reference.tag}
            onChange={setChosenTag}
          />
          {storages.length > 1 ? (
            <SelectField
              id="oci-storage"
              label={t('column.storage')}
              value={storage}
              onChange={setStorage}
              choices={storages.map((one) => ({ value: one, label: one }))}
            />
          ) : null}
          {running ? <RunningTasks tasks={[running]} /> : null}
          {/* Enter in a field submits. */}
          <input type="submit" hidden />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button onClick={() => void pull()} isLoading={busy === 'pulling'} isDisabled={!ready}>
          {t('oci.pull')}
        </Button>
        <Button variant="link" onClick={close}>
          {t(busy === 'pulling' ? 'action.close' : 'action.cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
