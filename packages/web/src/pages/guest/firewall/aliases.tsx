import { Button } from '@patternfly/react-core';
import { useState } from 'react';
import { useCall } from '../../../api/query.ts';
import { api } from '../../../api/session.ts';
import { AskDialog } from '../../../components/ask-dialog.tsx';
import { Panel } from '../../../components/facts.tsx';
import { Loaded } from '../../../components/loaded.tsx';
import { RowButton, ValueRow, ValueTable } from '../../../components/value-table.tsx';
import { TextField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import { type Alias, changed, mayChange, type Target } from './firewall-calls.ts';

type Open = { readonly kind: 'add' } | { readonly kind: 'edit' | 'remove'; readonly alias: Alias };

export function Aliases({ target }: { target: Target }) {
  const t = useT();
  const answer = useCall(target.calls.aliases.list, target.path);
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const add = (
    <Button size="sm" variant="secondary" isDisabled={!mayChange()} onClick={() => setOpen({ kind: 'add' })}>
      {t('firewall.addAlias')}
    </Button>
  );
  return (
    <Panel title={t('firewall.aliases')} actions={add}>
      <Loaded answer={answer}>
        {(aliases) =>
          aliases.length === 0 ? (
            <p className="ry-subtle">{t('firewall.aliasesNone')}</p>
          ) : (
            <ValueTable label={t('firewall.aliases')} name={t('column.name')} value={t('firewall.address')}>
              {aliases.map((alias) => (
                <ValueRow
                  key={alias.name}
                  name={<span className="ry-id">{alias.name}</span>}
                  actions={
                    <>
                      <RowButton
                        text={t('action.edit')}
                        label={t('firewall.edit', { name: alias.name })}
                        disabled={!mayChange()}
                        onClick={() => setOpen({ kind: 'edit', alias })}
                      />
                      <RowButton
                        text={t('action.remove')}
                        label={t('action.removeOf', { device: alias.name })}
                        disabled={!mayChange()}
                        onClick={() => setOpen({ kind: 'remove', alias })}
                      />
                    </>
                  }
                >
                  <span className="ry-id">{alias.cidr}</span> {alias.comment ?? ''}
                </ValueRow>
              ))}
            </ValueTable>
          )
        }
      </Loaded>
      {open?.kind === 'remove' ? (
        <AskDialog
          title={t('firewall.removeAlias', { name: open.alias.name })}
          confirm={t('action.remove')}
          onClose={close}
          run={() =>
            changed(api.call(target.calls.aliases.remove, { ...target.path, name: open.alias.name }))
          }
        >
          <p>{t('firewall.removeAliasBody')}</p>
        </AskDialog>
      ) : open ? (
        <AliasDialog
          target={target}
          {...(open.kind === 'edit' ? { alias: open.alias } : {})}
          onClose={close}
        />
      ) : null}
    </Panel>
  );
}

function AliasDialog({ target, alias, onClose }: { target: Target; alias?: Alias; onClose: () => void }) {
  const t = useT();
  const [name, setName] = useState(alias?.name ?? '');
  const [cidr, setCidr] = useState(alias?.cidr ?? '');
  const [comment, setComment] = useState(alias?.comment ?? '');
  const save = () => {
    const fields = { ...target.path, cidr, ...(comment.trim() ? { comment: comment.trim() } : {}) };
    if (!alias) return changed(api.call(target.calls.aliases.create, { ...fields, name }));
    const { digest } = alias;
    const rename = name === alias.name ? {} : { rename: name };
    return changed(api.call(target.calls.aliases.update, { ...fields, name: alias.name, digest, ...rename }));
  };
  return (
    <FormDialog
      title={alias ? alias.name : t('firewall.addAlias')}
      submit={t('action.save')}
      ready={name !== '' && cidr !== ''}
      onClose={onClose}
      onSubmit={save}
    >
      <TextField
        id="name"
        label={t('column.name')}
        required
        mono
        value={name}
        onChange={(value) => setName(value.trim())}
      />
      <TextField
        id="cidr"
        label={t('firewall.address')}
        required
        mono
        value={cidr}
        onChange={(value) => setCidr(value.trim())}
      />
      <TextField id="comment" label={t('firewall.comment')} value={comment} onChange={setComment} />
    </FormDialog>
  );
}
