/** Dialogs that add and remove second factors. Each asks for the password: a stolen session must not be enough. */
import {
  Alert,
  Button,
  ClipboardCopy,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
} from '@patternfly/react-core';
import { tfaAdd, tfaDelete, tfaUser } from '@ryokan/api/methods/access-tfa.ts';
import { startRegistration } from '@simplewebauthn/browser';
import qrcode from 'qrcode-generator';
import { useMemo, useState } from 'react';
import { invalidate } from '../../api/query.ts';
import { api } from '../../api/session.ts';
import { TextField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';
import './account.css';

interface DialogProps {
  readonly userid: string;
  readonly onClose: () => void;
}

function PasswordField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const t = useT();
  return (
    <TextField
      id="own-password"
      type="password"
      label={t('access.ownPassword')}
      required
      value={value}
      onChange={onChange}
    />
  );
}

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** 160 random bits, as authenticator apps want them. */
function newSecret(): string {
  // 256 is a multiple of 32: every letter is as likely as any other.
  return Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => base32[byte % 32]).join('');
}

function totpUri(userid: string, secret: string): string {
  const label = `Ryokan ${location.hostname}`;
  return `otpauth://totp/${encodeURIComponent(`${label}:${userid}`)}?secret=${secret}&issuer=${encodeURIComponent(label)}`;
}

export function AddTotpDialog({ userid, onClose }: DialogProps) {
  const t = useT();
  const [secret] = useState(newSecret);
  const [description, setDescription] = useState('');
  const [code, setCode] = useState('');
  const [password, setPassword] = useState('');
  const uri = totpUri(userid, secret);
  return (
    <FormDialog
      title={t('account.addTotp')}
      submit={t('access.add')}
      ready={/^\d{6}$/.test(code) && password !== ''}
      onClose={onClose}
      onSubmit={async () => {
        await api.call(tfaAdd, { userid, type: 'totp', totp: uri, value: code, description, password });
        await invalidate(tfaUser);
      }}
    >
      <p>{t('account.scan')}</p>
      <div className="ry-qr">
        <QrCode text={uri} label={t('account.qr')} />
        <ClipboardCopy isReadOnly isCode hoverTip={t('action.copy')} clickTip={t('action.copied')}>
          {secret}
        </ClipboardCopy>
      </div>
      <TextField
        id="totp-code"
        label={t('account.code')}
        help={t('account.codeHelp')}
        required
        mono
        value={code}
        onChange={(value) => setCode(value.replace(/\s/g, ''))}
      />
      <TextField
        id="totp-description"
        label={t('account.description')}
        placeholder={t('account.descriptionExample')}
        value={description}
        onChange={setDescription}
      />
      <PasswordField value={password} onChange={setPassword} />
    </FormDialog>
  );
}

/** As SVG: dark squares on white in every theme, as cameras need it. */
function QrCode({ text, label }: { text: string; label: string }) {
  const path = useMemo(() => {
    const code = qrcode(0, 'M');
    code.addData(text);
    code.make();
    const count = code.getModuleCount();
    const squares: string[] = [];
    for (let row = 0; row < count; row++)
      for (let column = 0; column < count; column++)
        if (code.isDark(row, column)) squares.push(`M${column + 4} ${row + 4}h1v1h-1z`);
    return { size: count + 8, squares: squares.join('') };
  }, [text]);
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${path.size} ${path.size}`} shapeRendering="crispEdges">
      <rect width="100%" height="100%" fill="#fff" />
      <path d={path.squares} fill="#000" />
    </svg>
  );
}

export function AddKeyDialog({ userid, onClose }: DialogProps) {
  const t = useT();
  const [description, setDescription] = useState('');
  const [password, setPassword] = useState('');
  return (
    <FormDialog
      title={t('account.addKey')}
      submit={t('account.registerKey')}
      ready={password !== ''}
      onClose={onClose}
      onSubmit={async () => {
        const begun = await api.call(tfaAdd, { userid, type: 'webauthn', description, password });
        const { publicKey: optionsJSON } = JSON.parse(begun.challenge ?? '{}') as {
          publicKey: Parameters<typeof startRegistration>[0]['optionsJSON'];
        };
        const value = JSON.stringify(await startRegistration({ optionsJSON }));
        await api.call(tfaAdd, { userid, type: 'webauthn', challenge: optionsJSON.challenge, value });
        await invalidate(tfaUser);
      }}
    >
      <p>{t('account.keyIntro')}</p>
      <TextField
        id="key-description"
        label={t('account.description')}
        placeholder={t('account.keyExample')}
        value={description}
        onChange={setDescription}
      />
      <PasswordField value={password} onChange={setPassword} />
    </FormDialog>
  );
}

export function AddRecoveryDialog({ userid, onClose }: DialogProps) {
  const t = useT();
  const [password, setPassword] = useState('');
  const [keys, setKeys] = useState<readonly string[]>();
  if (keys) return <RecoveryKeysDialog userid={userid} keys={keys} onClose={onClose} />;
  return (
    <FormDialog
      title={t('account.addRecovery')}
      submit={t('account.makeKeys')}
      ready={password !== ''}
      onClose={onClose}
      onSubmit={async () => {
        const { recovery } = await api.call(tfaAdd, { userid, type: 'recovery', password });
        await invalidate(tfaUser);
        setKeys(recovery ?? []);
        // Keep this component: the keys must be seen before the dialog goes.
        await new Promise(() => undefined);
      }}
    >
      <p>{t('account.recoveryIntro')}</p>
      <PasswordField value={password} onChange={setPassword} />
    </FormDialog>
  );
}

function RecoveryKeysDialog({ userid, keys, onClose }: DialogProps & { keys: readonly string[] }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(keys.join('\n'));
    setCopied(true);
  };
  return (
    <Modal variant="small" isOpen aria-labelledby="recovery-title" onEscapePress={() => undefined}>
      <ModalHeader title={t('account.recoveryTitle')} labelId="recovery-title" />
      <ModalBody>
        <div className="ry-form-rows ry-print">
          <Alert isInline variant="warning" title={t('account.recoveryOnce')} />
          <p className="ry-print-only">
            Ryokan {location.hostname}: {userid}
          </p>
          <ol className="ry-recovery-keys">
            {keys.map((key) => (
              <li key={key}>
                <code>{key}</code>
              </li>
            ))}
          </ol>
        </div>
      </ModalBody>
      <ModalFooter>
        <Button onClick={onClose}>{t('access.secretKept')}</Button>
        <Button variant="secondary" onClick={() => void copy()}>
          {t(copied ? 'action.copied' : 'action.copy')}
        </Button>
        <Button variant="secondary" onClick={() => window.print()}>
          {t('account.print')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

export function RemoveFactorDialog({ userid, id, onClose }: DialogProps & { id: string }) {
  const t = useT();
  const [password, setPassword] = useState('');
  return (
    <FormDialog
      title={t('account.removeTitle')}
      submit={t('action.remove')}
      ready={password !== ''}
      onClose={onClose}
      onSubmit={async () => {
        await api.call(tfaDelete, { userid, id, password });
        await invalidate(tfaUser);
      }}
    >
      <p>{t('account.removeBody')}</p>
      <PasswordField value={password} onChange={setPassword} />
    </FormDialog>
  );
}
