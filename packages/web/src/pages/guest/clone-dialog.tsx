import { Alert, Radio } from '@patternfly/react-core';
import { clusterNextid } from '@ryokan/api/methods/cluster.ts';
import { useState } from 'react';
import { type GuestRef, kindOf, nameOf } from '../../api/guest-kinds.ts';
import { useNodeNames, useResources } from '../../api/hooks.ts';
import { useCall } from '../../api/query.ts';
import type { Guest } from '../../api/rows.ts';
import { follow, taskDone } from '../../api/run.ts';
import { CopyTargetFields, type DiskFormat } from '../../forms/copy-target.tsx';
import { CheckField, NumberField, SelectField, TextField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';
import { startClone, useHindrance } from './copy-calls.ts';
import { runAction } from './guest-run.ts';

/** '' keeps each disk on the storage where it is. */
const sameStorage = '';

/** A copy of a guest, of a snapshot of it, or a clone that shares a template's disks. */
export default function CloneDialog(props: {
  guest: Guest;
  template: boolean;
  snapshot?: string;
  onClose: () => void;
}) {
  const t = useT();
  const { guest, template, snapshot } = props;
  const { node, vmid } = guest;
  const { data: nextid } = useCall(clusterNextid, {}, { staleTime: 0 });
  const { rows } = useResources();
  const nodes = useNodeNames();
  const [typedId, setTypedId] = useState<string>();
  const [name, setName] = useState('');
  const copyHindrance = useHindrance(guest, 'copy', snapshot);
  const linkHindrance = useHindrance(guest, 'clone', snapshot);
  const linkable = template && linkHindrance === undefined;
  const [wantsFull, setFull] = useState(!template);
  const full = wantsFull || !linkable;
  const [storage, setStorage] = useState(sameStorage);
  const [format, setFormat] = useState('');
  const [target, setTarget] = useState(node);
  const [start, setStart] = useState(false);
  const newid = typedId ?? (nextid === undefined ? '' : String(nextid));
  const taken = rows.some((row) => String(row.vmid) === newid);
  const ready = Number(newid) >= 100 && !taken && !(full && copyHindrance);
  return (
    <FormDialog
      title={
        snapshot ? t('clone.titleSnapshot', { name: snapshot }) : t('clone.title', { name: nameOf(guest) })
      }
      submit={t('clone.submit')}
      ready={ready}
      onClose={props.onClose}
      onSubmit={async () => {
        const upid = await startClone(guest, {
          newid: Number(newid),
          full,
          ...(name.trim() ? { name: name.trim() } : {}),
          ...(snapshot ? { snapname: snapshot } : {}),
          ...(full && storage ? { storage } : {}),
          ...(full && format ? { format: format as DiskFormat } : {}),
          ...(target === node ? {} : { target }),
        });
        follow(upid);
        if (start) void startAfter(upid, { type: guest.type, node: target, vmid: Number(newid) });
      }}
    >
      <div className="ry-form-grid">
        <NumberField
          id="newid"
          label={t('wizard.vmid')}
          required
          min={100}
          max={999_999_999}
          value={newid}
          onChange={setTypedId}
          problem={taken ? t('problem.vmidUsed', { vmid: newid }) : undefined}
        />
        <TextField
          id="clone-name"
          label={t(guest.type === 'lxc' ? 'container.hostname' : 'column.name')}
          placeholder={`Copy-of-${kindOf(guest).short}-${guest.name ?? vmid}`}
          value={name}
          onChange={setName}
        />
        {nodes.length > 1 ? (
          <SelectField
            id="target"
            label={t('clone.target')}
            value={target}
            onChange={setTarget}
            choices={nodes.map((one) => ({ value: one, label: one }))}
          />
        ) : null}
      </div>
      <fieldset className="ry-form-rows" aria-label={t('clone.kind')}>
        <Radio
          id="clone-linked"
          name="clone-kind"
          label={t('clone.linked')}
          description={template ? (linkHindrance ?? t('clone.linkedHelp')) : t('clone.linkedNeedsTemplate')}
          isDisabled={!linkable}
          isChecked={!full}
          onChange={() => setFull(false)}
        />
        <Radio
          id="clone-full"
          name="clone-kind"
          label={t('clone.full')}
          description={t('clone.fullHelp')}
          isChecked={full}
          onChange={() => setFull(true)}
        />
      </fieldset>
      {full && copyHindrance ? (
        <Alert isInline variant="warning" title={t('clone.impossible')}>
          {copyHindrance}
        </Alert>
      ) : null}
      {full ? (
        <CopyTargetFields
          type={guest.type}
          node={target}
          storage={storage}
          format={format}
          onChange={(next) => {
            setStorage(next.storage);
            setFormat(next.format);
          }}
          same={t('clone.sameStorage')}
        />
      ) : null}
      <CheckField
        id="clone-start"
        label={t('clone.start')}
        help={t('clone.startHelp')}
        value={start}
        onChange={setStart}
      />
      <p className="ry-subtle">{t('clone.identity')}</p>
    </FormDialog>
  );
}

/** Starts a clone when it is complete; a clone that fails tells so itself. */
async function startAfter(upid: string, clone: GuestRef): Promise<void> {
  const done = await taskDone(upid).then(
    () => true,
    () => false,
  );
  if (done) await runAction(clone, 'start');
}
