import {
  Alert,
  Button,
  ClipboardCopy,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
} from '@patternfly/react-core';
import { tokenCreate, userList } from '@ryokan/api/methods/access.ts';
import { useState } from 'react';
import { invalidate } from '../../api/query.ts';
import { api, useSession } from '../../api/session.ts';
import { CheckField, SelectField, TextField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';

/** A new token; its secret is shown once, right here. */
export function AddTokenDialog({ users, onClose }: { users: readonly string[]; onClose: () => void }) {
  const t = useT();
  const session = useSession();
  const [userid, setUserid] = useState(session?.username ?? users[0] ?? '');
  const [tokenid, setTokenid] = useState('');
  const [privsep, setPrivsep] = useState(true);
  const [days, setDays] = useState('0');
  const [comment, setComment] = useState('');
  const [made, setMade] = useState<{ id: string; secret: string }>();
  if (made) return <SecretDialog id={made.id} secret={made.secret} onClose={onClose} />;
  return (
    <FormDialog
      title={t('access.addToken')}
      submit={t('access.add')}
      ready={/^[A-Za-z][A-Za-z0-9.\-_]+$/.test(tokenid)}
      onClose={() => made || onClose()}
      onSubmit={async () => {
        const answer = await api.call(tokenCreate, {
          userid,
          tokenid,
          privsep,
          ...(days === '0' ? {} : { expire: Math.floor(Date.now() / 1000) + Number(days) * 86_400 }),
          ...(comment.trim() ? { comment: comment.trim() } : {}),
        });
        await invalidate(userList);
        setMade({ id: answer['full-tokenid'], secret: answer.value });
        // Keep this component: the secret must be seen before the dialog goes.
        await new Promise(() => undefined);
      }}
    >
      <SelectField
        id="token-user"
        label={t('column.user')}
        value={userid}
        onChange={setUserid}
        choices={users.map((one) => ({ value: one, label: one }))}
      />
      <TextField
        id="token-id"
        label={t('access.token')}
        required
        mono
        value={tokenid}
        onChange={(value) => setTokenid(value.trim())}
      />
      <CheckField
        id="token-privsep"
        label={t('access.privsepLabel')}
        help={t('access.privsepHelp')}
        value={privsep}
        onChange={setPrivsep}
      />
      <SelectField
        id="token-days"
        label={t('rights.expiresIn')}
        value={days}
        onChange={setDays}
        choices={['0', '30', '90', '365'].map((one) => ({
          value: one,
          label: one === '0' ? t('access.never') : t('rights.days', { count: Number(one) }),
        }))}
      />
      <TextField id="token-comment" label={t('access.comment')} value={comment} onChange={setComment} />
    </FormDialog>
  );
}

/** The one time that a secret is seen, with a command that shows that it works. */
export function SecretDialog({ id, secret, onClose }: { id: string; secret: string; onClose: () => void }) {
  const t = useT();
  const url = `${window.location.origin}/api2/json/version`;
  const curl = `curl --insecure --header 'Authorization: PVEAPIToken=${id}=${secret}' ${url}`;
  return (
    <Modal variant="small" isOpen aria-labelledby="secret-title" onEscapePress={() => undefined}>
      <ModalHeader title={t('access.secretTitle')} labelId="secret-title" />
      <ModalBody>
        <div className="ry-form-rows">
          <Alert isInline variant="warning" title={t('access.secretOnce')} />
          <ClipboardCopy
            isReadOnly
            isCode
            hoverTip={t('action.copy')}
            clickTip={t('action.copied')}
            textAriaLabel={t('access.token')}
          >
            {id}
          </ClipboardCopy>
          <ClipboardCopy
            isReadOnly
            isCode
            hoverTip={t('action.copy')}
            clickTip={t('action.copied')}
            textAriaLabel={t('access.secretTitle')}
          >
            {secret}
          </ClipboardCopy>
          <p>{t('rights.curl')}</p>
          <ClipboardCopy
            isReadOnly
            isCode
            hoverTip={t('action.copy')}
            clickTip={t('action.copied')}
            textAriaLabel={t('rights.curl')}
          >
            {curl}
          </ClipboardCopy>
        </div>
      </ModalBody>
      <ModalFooter>
        <Button onClick={onClose}>{t('access.secretKept')}</Button>
      </ModalFooter>
    </Modal>
  );
}
