/** Changing users and groups, and the second factors of somebody else. */
import type { ResultOf } from '@ryokan/api/method.ts';
import { groupList, groupUpdate, userList, userUpdate } from '@ryokan/api/methods/access.ts';
import { tfaDelete, tfaUser } from '@ryokan/api/methods/access-tfa.ts';
import { useState } from 'react';
import { invalidate, useCall } from '../../api/query.ts';
import { api } from '../../api/session.ts';
import { Loaded } from '../../components/loaded.tsx';
import { CheckField, SelectField, TextField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { type PlainKey, useT } from '../../i18n/index.ts';

type User = ResultOf<typeof userList>[number];
type Group = ResultOf<typeof groupList>[number];

/** `2027-03-31` of seconds since the epoch, by the clock of the browser; '' for never. */
function dayOf(seconds: number | undefined): string {
  if (!seconds) return '';
  const date = new Date(seconds * 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The last second of that day; 0 for never, undefined for what is no day. */
function endOf(day: string): number | undefined {
  if (day.trim() === '') return 0;
  const time = /^\d{4}-\d{2}-\d{2}$/.test(day.trim()) ? Date.parse(`${day.trim()}T23:59:59`) : Number.NaN;
  return Number.isNaN(time) ? undefined : time / 1000;
}

export function EditUserDialog({ user, onClose }: { user: User; onClose: () => void }) {
  const t = useT();
  const [values, setValues] = useState({
    firstname: user.firstname ?? '',
    lastname: user.lastname ?? '',
    email: user.email ?? '',
    groups: user.groups ?? '',
    comment: user.comment ?? '',
  });
  const [enable, setEnable] = useState(user.enable !== 0);
  const [day, setDay] = useState(dayOf(user.expire));
  const expire = endOf(day);
  const isRoot = user.userid === 'root@pam';
  const field = (key: keyof typeof values, label: string, help?: string) => (
    <TextField
      id={`user-${key}`}
      label={label}
      help={help}
      value={values[key]}
      onChange={(value) => setValues({ ...values, [key]: value })}
    />
  );
  return (
    <FormDialog
      title={t('access.editUser', { user: user.userid })}
      submit={t('action.save')}
      ready={expire !== undefined}
      onClose={onClose}
      onSubmit={async () => {
        const kept = day === dayOf(user.expire);
        await api.call(userUpdate, {
          userid: user.userid,
          ...values,
          ...(isRoot ? {} : { enable }),
          ...(kept || expire === undefined ? {} : { expire }),
        });
        await invalidate(userList, groupList);
      }}
    >
      {isRoot ? null : (
        <CheckField id="user-enable" label={t('access.mayLogIn')} value={enable} onChange={setEnable} />
      )}
      {field('lastname', t('access.lastname'))}
      {field('firstname', t('access.firstname'))}
      {field('email', t('access.email'))}
      {field('groups', t('access.groups'), t('access.groupsHelp'))}
      <TextField
        id="user-expire"
        label={t('access.expires')}
        help={t('access.expireHelp')}
        problem={expire === undefined ? t('access.expireHelp') : undefined}
        value={day}
        onChange={setDay}
      />
      {field('comment', t('access.comment'))}
    </FormDialog>
  );
}

export function EditGroupDialog({ group, onClose }: { group: Group; onClose: () => void }) {
  const t = useT();
  const [comment, setComment] = useState(group.comment ?? '');
  return (
    <FormDialog
      title={t('access.editGroup', { group: group.groupid })}
      submit={t('action.save')}
      ready
      onClose={onClose}
      onSubmit={async () => {
        await api.call(groupUpdate, { groupid: group.groupid, comment });
        await invalidate(groupList);
      }}
    >
      <TextField id="group-comment" label={t('access.comment')} value={comment} onChange={setComment} />
    </FormDialog>
  );
}

const kindKeys: ReadonlyMap<string, PlainKey> = new Map([
  ['totp', 'access.kind.totp'],
  ['webauthn', 'access.kind.webauthn'],
  ['recovery', 'access.kind.recovery'],
]);

/** For whoever has lost a device: an administrator removes what was on it. */
export function UserFactorsDialog({ userid, onClose }: { userid: string; onClose: () => void }) {
  const t = useT();
  const answer = useCall(tfaUser, { userid });
  const [chosen, setChosen] = useState('');
  const [password, setPassword] = useState('');
  const factors = answer.data ?? [];
  const id = chosen || (factors[0]?.id ?? '');
  const kind = (type: string) => {
    const key = kindKeys.get(type);
    return key === undefined ? type : t(key);
  };
  return (
    <FormDialog
      title={t('access.factorsOf', { user: userid })}
      submit={t('action.remove')}
      ready={id !== '' && password !== ''}
      onClose={onClose}
      onSubmit={async () => {
        await api.call(tfaDelete, { userid, id, password });
        await invalidate(tfaUser);
      }}
    >
      <Loaded answer={answer}>
        {(list) =>
          list.length === 0 ? (
            <p>{t('access.noFactors')}</p>
          ) : (
            <>
              <p>{t('access.factorsBody')}</p>
              <SelectField
                id="factor"
                label={t('access.factor')}
                value={id}
                onChange={setChosen}
                choices={list.map((one) => ({
                  value: one.id,
                  label: [kind(one.type), one.description].filter(Boolean).join(' · '),
                }))}
              />
              <TextField
                id="own-password"
                type="password"
                label={t('access.ownPassword')}
                value={password}
                onChange={setPassword}
              />
            </>
          )
        }
      </Loaded>
    </FormDialog>
  );
}
