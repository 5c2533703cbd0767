import { Button } from '@patternfly/react-core';
import {
  cloudInitDump,
  longestSnippet,
  snippetRead,
  snippetWrite,
} from '@ryokan/api/methods/qemu-cloudinit.ts';
import { useEffect, useState } from 'react';
import { invalidate, useCall } from '../../../api/query.ts';
import { run } from '../../../api/run.ts';
import { api } from '../../../api/session.ts';
import { volumeName } from '../../../api/volumes.ts';
import { ErrorNotice } from '../../../components/error-notice.tsx';
import { AreaField, SelectField, TextField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import type { DialogTarget } from '../apply-change.ts';
import { configReads } from '../use-entries.ts';
import type { FileKind } from './cloudinit-model.ts';

interface Props {
  readonly target: DialogTarget;
  readonly kind: FileKind;
  /** The snippet that is edited; undefined makes a new one. */
  readonly volid: string | undefined;
  /** Storages that hold snippets. */
  readonly storages: readonly string[];
  /** Volume ids that there are. */
  readonly taken: readonly string[];
  readonly onClose: () => void;
  readonly onSaved: (volid: string) => void;
}

const startOf: Readonly<Record<FileKind, string>> = {
  user: '#cloud-config\n',
  vendor: '#cloud-config\n',
  network: 'version: 1\nconfig: []\n',
  meta: 'instance-id: \n',
};

/** The text of a snippet, so that nobody needs a login on the node to write one. */
export default function SnippetDialog(props: Props) {
  const t = useT();
  const { target, kind, volid, storages } = props;
  const { node, vmid } = target;
  const [storage, setStorage] = useState(volid?.split(':')[0] ?? storages[0] ?? '');
  const [name, setName] = useState(volid ? volumeName(volid) : `vm-${vmid}-${kind}.yaml`);
  const [text, setText] = useState(volid ? undefined : startOf[kind]);
  const before = useCall(
    snippetRead,
    { node, storage, name },
    { enabled: volid !== undefined, staleTime: 0 },
  );
  const read = before.data?.content;
  useEffect(() => {
    if (read !== undefined) setText((typed) => typed ?? read);
  }, [read]);
  const isTaken = volid === undefined && props.taken.includes(`${storage}:snippets/${name}`);
  const isNamed = /^[\w+=-][\w.+=-]*$/.test(name);
  const tooLong = new TextEncoder().encode(text ?? '').length > longestSnippet;
  const takeGenerated = () =>
    kind === 'vendor'
      ? undefined
      : run(t('config.failed'), async () =>
          setText(await api.call(cloudInitDump, { node, vmid, type: kind })),
        );
  return (
    <FormDialog
      title={volid ? t('cloudinit.snippetTitle', { name }) : t('cloudinit.newSnippet')}
      submit={t('action.save')}
      ready={text !== undefined && isNamed && !isTaken && !tooLong && text !== read}
      wide
      onClose={props.onClose}
      onSubmit={async () => {
        const digest = volid === undefined ? '' : (before.data?.digest ?? '');
        const saved = await api.call(snippetWrite, { node, storage, name, content: text ?? '', digest });
        await invalidate(snippetRead, ...configReads);
        props.onSaved(saved.volid);
      }}
    >
      {volid ? null : (
        <div className="ry-form-grid">
          <TextField
            id="snippet-name"
            label={t('cloudinit.snippetName')}
            mono
            problem={isTaken ? t('cloudinit.snippetTaken') : isNamed ? undefined : t('cloudinit.snippetForm')}
            value={name}
            onChange={(next) => setName(next.trim())}
          />
          <SelectField
            id="snippet-storage"
            label={t('column.storage')}
            value={storage}
            onChange={setStorage}
            choices={storages.map((one) => ({ value: one, label: one }))}
          />
        </div>
      )}
      {before.error && read === undefined ? (
        <ErrorNotice error={before.error} onRetry={() => void before.refetch()} />
      ) : null}
      <AreaField
        id="snippet-text"
        label={t('cloudinit.snippetText')}
        help={volid ? t('cloudinit.snippetOthers') : t('cloudinit.snippetBody')}
        problem={tooLong ? t('cloudinit.snippetTooLong') : undefined}
        mono
        rows={16}
        disabled={text === undefined}
        value={text ?? ''}
        onChange={setText}
      />
      {kind === 'vendor' || volid ? null : (
        <div>
          <Button variant="link" isInline onClick={() => void takeGenerated()}>
            {t('cloudinit.snippetFromGenerated')}
          </Button>
        </div>
      )}
    </FormDialog>
  );
}
