import { Button, Label } from '@patternfly/react-core';
import { useState } from 'react';
import { useCall } from '../../../api/query.ts';
import { api } from '../../../api/session.ts';
import { AskDialog } from '../../../components/ask-dialog.tsx';
import { Panel } from '../../../components/facts.tsx';
import { Loaded } from '../../../components/loaded.tsx';
import { RowButton, ValueRow, ValueTable } from '../../../components/value-table.tsx';
import { CheckField, TextField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import { changed, type IpSet, mayChange, type SetMember, type Target } from './firewall-calls.ts';

type Open =
  | { readonly kind: 'add' }
  | { readonly kind: 'member' | 'remove'; readonly set: string }
  | { readonly kind: 'take'; readonly set: string; readonly cidr: string };

export function IpSets({ target }: { target: Target }) {
  const t = useT();
  const answer = useCall(target.calls.ipset.list, target.path);
  const [open, setOpen] = useState<Open>();
  const add = (
    <Button size="sm" variant="secondary" isDisabled={!mayChange()} onClick={() => setOpen({ kind: 'add' })}>
      {t('firewall.addSet')}
    </Button>
  );
  return (
    <Panel title={t('firewall.sets')} actions={add}>
      <Loaded answer={answer}>
        {(sets) =>
          sets.length === 0 ? (
            <p className="ry-subtle">{t('firewall.setsNone')}</p>
          ) : (
            sets.map((set) => <OneSet key={set.name} target={target} set={set} onOpen={setOpen} />)
          )
        }
      </Loaded>
      {open ? <Dialog target={target} open={open} onClose={() => setOpen(undefined)} /> : null}
    </Panel>
  );
}

function OneSet(props: { target: Target; set: IpSet; onOpen: (open: Open) => void }) {
  const t = useT();
  const { target, set, onOpen } = props;
  const { name } = set;
  const answer = useCall(target.calls.ipset.members, { ...target.path, name });
  const title = t('firewall.setTitle', { name });
  return (
    <section aria-label={title}>
      <div className="ry-toolbar">
        <strong className="ry-id">{name}</strong> <span className="ry-subtle">{set.comment ?? ''}</span>
        <RowButton
          text={t('firewall.addAddress')}
          label={`${title}: ${t('firewall.addAddress')}`}
          disabled={!mayChange()}
          onClick={() => onOpen({ kind: 'member', set: name })}
        />
        <RowButton
          text={t('action.remove')}
          label={t('action.removeOf', { device: title })}
          disabled={!mayChange()}
          onClick={() => onOpen({ kind: 'remove', set: name })}
        />
      </div>
      <Loaded answer={answer}>
        {(members) =>
          members.length === 0 ? null : (
            <ValueTable label={title} name={t('firewall.members')} value={t('firewall.comment')}>
              {members.map((member) => (
                <MemberRow
                  key={member.cidr}
                  member={member}
                  onRemove={() => onOpen({ kind: 'take', set: name, cidr: member.cidr })}
                />
              ))}
            </ValueTable>
          )
        }
      </Loaded>
    </section>
  );
}

function MemberRow({ member, onRemove }: { member: SetMember; onRemove: () => void }) {
  const t = useT();
  return (
    <ValueRow
      name={<span className="ry-id">{member.cidr}</span>}
      actions={
        <RowButton
          text={t('action.remove')}
          label={t('action.removeOf', { device: member.cidr })}
          disabled={!mayChange()}
          onClick={onRemove}
        />
      }
    >
      {member.nomatch ? <Label isCompact>{t('firewall.except')}</Label> : null} {member.comment ?? ''}
    </ValueRow>
  );
}

function Dialog({ target, open, onClose }: { target: Target; open: Open; onClose: () => void }) {
  const t = useT();
  if (open.kind === 'add') return <SetDialog target={target} onClose={onClose} />;
  if (open.kind === 'member') return <MemberDialog target={target} set={open.set} onClose={onClose} />;
  const { set } = open;
  const [title, body, run] = !('cidr' in open)
    ? [
        t('firewall.removeSet', { name: set }),
        t('firewall.removeSetBody'),
        () => api.call(target.calls.ipset.remove, { ...target.path, name: set, force: true }),
      ]
    : [
        t('firewall.removeMember', { name: open.cidr, set }),
        t('firewall.removeMemberBody'),
        () => api.call(target.calls.ipset.take, { ...target.path, name: set, cidr: open.cidr }),
      ];
  return (
    <AskDialog title={title} confirm={t('action.remove')} onClose={onClose} run={() => changed(run())}>
      <p>{body}</p>
    </AskDialog>
  );
}

function SetDialog({ target, onClose }: { target: Target; onClose: () => void }) {
  const t = useT();
  const [name, setName] = useState('');
  const [comment, setComment] = useState('');
  return (
    <FormDialog
      title={t('firewall.addSet')}
      submit={t('action.save')}
      ready={name !== ''}
      onClose={onClose}
      onSubmit={() =>
        changed(
          api.call(target.calls.ipset.create, {
            ...target.path,
            name,
            ...(comment.trim() ? { comment: comment.trim() } : {}),
          }),
        )
      }
    >
      <TextField
        id="name"
        label={t('column.name')}
        required
        mono
        value={name}
        onChange={(value) => setName(value.trim())}
      />
      <TextField id="comment" label={t('firewall.comment')} value={comment} onChange={setComment} />
    </FormDialog>
  );
}

function MemberDialog({ target, set, onClose }: { target: Target; set: string; onClose: () => void }) {
  const t = useT();
  const [cidr, setCidr] = useState('');
  const [nomatch, setNomatch] = useState(false);
  const [comment, setComment] = useState('');
  return (
    <FormDialog
      title={t('firewall.setTitle', { name: set })}
      submit={t('action.save')}
      ready={cidr !== ''}
      onClose={onClose}
      onSubmit={() =>
        changed(
          api.call(target.calls.ipset.add, {
            ...target.path,
            name: set,
            cidr,
            nomatch,
            ...(comment.trim() ? { comment: comment.trim() } : {}),
          }),
        )
      }
    >
      <TextField
        id="cidr"
        label={t('firewall.addressOrAlias')}
        required
        mono
        value={cidr}
        onChange={(value) => setCidr(value.trim())}
      />
      <CheckField id="nomatch" label={t('firewall.except')} value={nomatch} onChange={setNomatch} />
      <TextField id="comment" label={t('firewall.comment')} value={comment} onChange={setComment} />
    </FormDialog>
  );
}
