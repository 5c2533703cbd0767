import { roleCreate, roleList, roleUpdate } from '@ryokan/api/methods/access.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { useState } from 'react';
import { invalidate } from '../../api/query.ts';
import { api } from '../../api/session.ts';
import { CheckField, TextField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';
import { privilegeText, privilegeTexts } from './names.ts';
import './role-dialog.css';

const all = Object.keys(privilegeTexts) as Privilege[];
/** What privileges are about: `VM`, `Datastore`, … in the order of their names. */
const areas = [...new Set(all.map((name) => name.split('.')[0] ?? ''))];

/** An own role: a new one, or with `role` the privileges of one that is there. */
export function RoleDialog(props: { role?: string; privs?: string; onClose: () => void }) {
  const t = useT();
  const [name, setName] = useState(props.role ?? '');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(
    new Set((props.privs ?? '').split(',').filter(Boolean)),
  );
  const choose = (priv: string, wanted: boolean) => {
    const next = new Set(chosen);
    if (wanted) next.add(priv);
    else next.delete(priv);
    setChosen(next);
  };
  const isNew = props.role === undefined;
  return (
    <FormDialog
      wide
      title={isNew ? t('access.addRole') : t('access.editRole', { role: name })}
      submit={isNew ? t('access.add') : t('action.save')}
      ready={/^[A-Za-z0-9.\-_]+$/.test(name)}
      onClose={props.onClose}
      onSubmit={async () => {
        await api.call(isNew ? roleCreate : roleUpdate, { roleid: name, privs: [...chosen].join(',') });
        await invalidate(roleList);
      }}
    >
      {isNew ? (
        <TextField id="role-id" label={t('access.role')} required value={name} onChange={setName} />
      ) : null}
      {areas.map((area) => (
        <fieldset key={area} className="ry-privilege-area">
          <legend className="ry-id">{area}</legend>
          {all
            .filter((priv) => priv.startsWith(`${area}.`))
            .map((priv) => (
              <CheckField
                key={priv}
                id={`priv-${priv}`}
                label={privilegeText(t, priv)}
                help={priv}
                value={chosen.has(priv)}
                onChange={(wanted) => choose(priv, wanted)}
              />
            ))}
        </fieldset>
      ))}
    </FormDialog>
  );
}
