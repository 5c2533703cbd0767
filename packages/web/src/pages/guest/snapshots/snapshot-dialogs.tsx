/** Taking, describing, going back to and removing a snapshot. Loaded when the first of them opens. */
import { Alert } from '@patternfly/react-core';
import type { GuestState } from '@ryokan/api/guest-actions.ts';
import { powerState } from '@ryokan/api/guest-actions.ts';
import { useState } from 'react';
import { kindOf } from '../../../api/guest-kinds.ts';
import { invalidate, useCall } from '../../../api/query.ts';
import type { Guest } from '../../../api/rows.ts';
import { follow } from '../../../api/run.ts';
import { api } from '../../../api/session.ts';
import { AskDialog } from '../../../components/ask-dialog.tsx';
import { AreaField, CheckField, TextField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { type Translate, useT } from '../../../i18n/index.ts';
import { useFormat } from '../../../util/use-format.ts';
import { type Config, volumesOf } from '../config-model.ts';
import { copyCalls, snapshotReads } from '../copy-calls.ts';
import { nameProblem, proposedName, type Snapshot } from './snapshot-tree.ts';
import type { OpenSnapshotDialog } from './snapshots.tsx';

interface Props {
  readonly guest: Guest;
  readonly state: GuestState;
  readonly list: readonly Snapshot[];
  readonly open: Exclude<OpenSnapshotDialog, { kind: 'clone' }>;
  readonly onClose: () => void;
}

export default function SnapshotDialogs(props: Props) {
  const { open } = props;
  switch (open.kind) {
    case 'take':
      return <TakeDialog {...props} />;
    case 'edit':
      return <EditDialog {...props} snapshot={open.snapshot} />;
    case 'rollback':
      return <RollbackDialog {...props} snapshot={open.snapshot} />;
    case 'delete':
      return <DeleteDialog {...props} snapshot={open.snapshot} />;
  }
}

type OneProps = Props & { readonly snapshot: Snapshot };

function TakeDialog({ guest, state, list, onClose }: Props) {
  const t = useT();
  const format = useFormat();
  const { node, vmid } = guest;
  const [name, setName] = useState(() => proposedName(new Date()));
  const [description, setDescription] = useState('');
  const power = powerState(state);
  const on = power === 'running' || power === 'paused';
  // The memory of a container cannot be saved.
  const withRam = on && guest.type === 'qemu';
  const [ram, setRam] = useState(withRam);
  const problem = nameProblem(name, list);
  return (
    <FormDialog
      title={t('guest.snapshot')}
      submit={t('snapshot.takeSubmit')}
      ready={problem === undefined}
      onClose={onClose}
      onSubmit={async () => {
        const text = description.trim();
        follow(
          await api.call(copyCalls(guest).take, {
            node,
            vmid,
            snapname: name,
            ...(text ? { description: text } : {}),
            ...(withRam ? { vmstate: ram } : {}),
          }),
        );
      }}
    >
      <TextField
        id="snapname"
        label={t('column.name')}
        required
        mono
        value={name}
        onChange={(value) => setName(value.trim())}
        problem={problemText(problem, t)}
      />
      <AreaField
        id="description"
        label={t('snapshot.description')}
        value={description}
        onChange={setDescription}
      />
      {on && !withRam ? <p className="ry-subtle">{t('snapshot.heldHelp')}</p> : null}
      {withRam ? (
        <CheckField
          id="vmstate"
          label={t('snapshot.withRam')}
          help={
            ram
              ? t('snapshot.withRamHelp', { size: format.bytes(guest.maxmem ?? 0) })
              : t('snapshot.withoutRamHelp')
          }
          value={ram}
          onChange={setRam}
        />
      ) : null}
    </FormDialog>
  );
}

function problemText(problem: ReturnType<typeof nameProblem>, t: Translate): string | undefined {
  switch (problem) {
    case 'missing':
      return t('problem.missing');
    case 'form':
      return t('snapshot.nameForm');
    case 'taken':
      return t('snapshot.nameTaken');
    default:
      return undefined;
  }
}

function EditDialog({ guest, snapshot, onClose }: OneProps) {
  const t = useT();
  const { node, vmid } = guest;
  const [description, setDescription] = useState(snapshot.description ?? '');
  return (
    <FormDialog
      title={t('snapshot.editTitle', { name: snapshot.name })}
      submit={t('action.save')}
      ready={description !== (snapshot.description ?? '')}
      onClose={onClose}
      onSubmit={async () => {
        await api.call(copyCalls(guest).describe, { node, vmid, snapname: snapshot.name, description });
        await invalidate(...snapshotReads);
      }}
    >
      <AreaField
        id="description"
        label={t('snapshot.description')}
        value={description}
        onChange={setDescription}
      />
    </FormDialog>
  );
}

/** Says what is lost and how the guest stands afterwards. */
function RollbackDialog({ guest, state, snapshot, onClose }: OneProps) {
  const t = useT();
  const format = useFormat();
  const { node, vmid } = guest;
  const on = powerState(state) === 'running' || powerState(state) === 'paused';
  const [start, setStart] = useState(on);
  const then = useCall(kindOf(guest).config, { node, vmid, snapshot: snapshot.name });
  const volumes = then.data ? volumesOf(then.data as Config) : [];
  const when = snapshot.snaptime ? format.dateTime(snapshot.snaptime) : snapshot.name;
  return (
    <AskDialog
      title={t('snapshot.rollbackTitle', { name: snapshot.name })}
      confirm={t('guest.rollback')}
      onClose={onClose}
      run={() =>
        api.call(copyCalls(guest).rollback, {
          node,
          vmid,
          snapname: snapshot.name,
          ...(snapshot.vmstate ? {} : { start }),
        })
      }
    >
      <Alert isInline variant="warning" title={t('snapshot.rollbackLoses', { when })}>
        {volumes.length > 0 ? (
          <ul className="ry-id-list">
            {volumes.map((volume) => (
              <li key={volume.key}>
                <span className="ry-id">{volume.volid}</span> {volume.size ?? ''}
              </li>
            ))}
          </ul>
        ) : null}
      </Alert>
      <p>{t('snapshot.rollbackKeeps')}</p>
      {snapshot.vmstate ? (
        <p>{t('snapshot.rollbackRam')}</p>
      ) : (
        <>
          {on ? <p>{t('snapshot.rollbackStops')}</p> : null}
          <CheckField id="start" label={t('snapshot.rollbackStart')} value={start} onChange={setStart} />
        </>
      )}
    </AskDialog>
  );
}

function DeleteDialog({ guest, snapshot, list, onClose }: OneProps) {
  const t = useT();
  const { node, vmid } = guest;
  const [force, setForce] = useState(false);
  const later = list.filter((one) => one.parent === snapshot.name && one.name !== 'current');
  return (
    <AskDialog
      title={t('snapshot.deleteTitle', { name: snapshot.name })}
      confirm={t('snapshot.delete')}
      onClose={onClose}
      run={() =>
        api.call(copyCalls(guest).remove, {
          node,
          vmid,
          snapname: snapshot.name,
          ...(force ? { force } : {}),
        })
      }
    >
      <p>{snapshot.vmstate ? t('snapshot.deleteBodyRam') : t('snapshot.deleteBody')}</p>
      {later.length > 0 ? (
        <p>{t('snapshot.deleteKeeps', { names: later.map((one) => one.name).join(', ') })}</p>
      ) : null}
      <CheckField
        id="force"
        label={t('snapshot.deleteForce')}
        help={t('snapshot.deleteForceHelp')}
        value={force}
        onChange={setForce}
      />
    </AskDialog>
  );
}
