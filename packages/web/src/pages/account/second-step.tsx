/** The second step of a login: a code, a security key, or a recovery key. */
import {
  ActionGroup,
  Alert,
  Button,
  Form,
  TextInput,
  ToggleGroup,
  ToggleGroupItem,
} from '@patternfly/react-core';
import { messageOf } from '@ryokan/api/errors.ts';
import { startAuthentication } from '@simplewebauthn/browser';
import { type FormEvent, useRef, useState } from 'react';
import { answerChallenge, type Challenge } from '../../api/session.ts';
import { Field } from '../../forms/fields.tsx';
import { useT } from '../../i18n/index.ts';
import { type Kind, kindKeys } from './kinds.ts';

/** Few enough to remind people of new ones. */
const fewKeys = 3;

export default function SecondStep({ challenge, onBack }: { challenge: Challenge; onBack: () => void }) {
  const t = useT();
  const kinds = (['webauthn', 'totp', 'recovery'] as const).filter((kind) => challenge[kind]);
  const [kind, setKind] = useState<Kind>(kinds[0] ?? 'recovery');
  const [value, setValue] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const input = useRef<HTMLInputElement>(null);
  const left = challenge.recovery?.length ?? 0;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await answerChallenge(
        challenge,
        kind === 'webauthn' ? await keyAnswer(challenge) : `${kind}:${value.trim()}`,
      );
    } catch (failure) {
      setBusy(false);
      setValue('');
      setError((failure as { status?: number }).status === 401 ? t('account.refused') : messageOf(failure));
      input.current?.focus();
    }
  };
  return (
    <Form onSubmit={submit} className="ry-login-form">
      <p className="ry-subtle">{t('account.secondStep', { user: challenge.username })}</p>
      <div aria-live="assertive">{error ? <Alert isInline variant="danger" title={error} /> : null}</div>
      {kinds.length > 1 ? (
        <ToggleGroup aria-label={t('account.kind')} isCompact>
          {kinds.map((one) => (
            <ToggleGroupItem
              key={one}
              text={t(kindKeys[one])}
              isSelected={one === kind}
              onChange={() => {
                setKind(one);
                setValue('');
                setError(undefined);
              }}
            />
          ))}
        </ToggleGroup>
      ) : null}
      {kind === 'webauthn' ? <p>{t('account.touchKey')}</p> : null}
      {kind === 'totp' || kind === 'recovery' ? (
        <Field
          id="second-factor"
          label={t(kind === 'totp' ? 'account.code' : 'account.recoveryKey')}
          {...(kind === 'recovery' && left <= fewKeys ? { help: t('account.fewKeys', { count: left }) } : {})}
        >
          <TextInput
            key={kind}
            id="second-factor"
            ref={input}
            autoFocus
            autoComplete="one-time-code"
            inputMode={kind === 'totp' ? 'numeric' : 'text'}
            spellCheck="false"
            autoCapitalize="none"
            value={value}
            onChange={(_, text) => setValue(text)}
          />
        </Field>
      ) : null}
      <ActionGroup>
        <Button
          type="submit"
          variant="primary"
          isBlock
          isLoading={busy}
          isDisabled={busy || (kind !== 'webauthn' && value.trim() === '')}
        >
          {t(kind === 'webauthn' ? 'account.useKey' : 'login.submit')}
        </Button>
        <Button variant="link" isBlock onClick={onBack}>
          {t('account.otherUser')}
        </Button>
      </ActionGroup>
    </Form>
  );
}

async function keyAnswer({ webauthn }: Challenge): Promise<string> {
  const optionsJSON = webauthn?.publicKey as Parameters<typeof startAuthentication>[0]['optionsJSON'];
  return `webauthn:${JSON.stringify(await startAuthentication({ optionsJSON }))}`;
}
