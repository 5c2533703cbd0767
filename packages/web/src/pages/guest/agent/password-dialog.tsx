import { agentSetUserPassword } from '@ryokan/api/methods/qemu-agent.ts';
import { useState } from 'react';
import { api } from '../../../api/session.ts';
import { toast } from '../../../components/toasts.tsx';
import { TextField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';

/** Shortest password that the API takes. */
const shortest = agentSetUserPassword.params.properties.password.minLength ?? 5;

/** A new password for a user of the guest, for those who have locked themselves out. */
export default function PasswordDialog(props: { node: string; vmid: number; onClose: () => void }) {
  const t = useT();
  const { node, vmid } = props;
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const tooShort = password !== '' && password.length < shortest;
  return (
    <FormDialog
      title={t('agent.setPassword')}
      submit={t('agent.setPassword')}
      ready={username.trim() !== '' && password.length >= shortest}
      onClose={props.onClose}
      onSubmit={async () => {
        await api.call(agentSetUserPassword, { node, vmid, username: username.trim(), password });
        toast({ variant: 'success', title: t('agent.passwordSet', { user: username.trim() }) });
      }}
    >
      <TextField
        id="guest-user"
        label={t('agent.user')}
        help={t('agent.userHelp')}
        value={username}
        onChange={setUsername}
      />
      <TextField
        id="guest-password"
        type="password"
        label={t('agent.newPassword')}
        problem={tooShort ? t('agent.passwordShort', { count: shortest }) : undefined}
        value={password}
        onChange={setPassword}
      />
    </FormDialog>
  );
}
