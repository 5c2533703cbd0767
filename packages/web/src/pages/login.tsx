import {
  ActionGroup,
  Alert,
  Button,
  Form,
  FormGroup,
  FormSelect,
  FormSelectOption,
  TextInput,
} from '@patternfly/react-core';
import { messageOf } from '@ryokan/api/errors.ts';
import { accessRealms } from '@ryokan/api/methods/access.ts';
import { type FormEvent, Suspense, useEffect, useRef, useState } from 'react';
import { Navigate, useSearchParams } from 'react-router';
import { useCall } from '../api/query.ts';
import { type Challenge, login, useSession } from '../api/session.ts';
import { Loading } from '../components/loading.tsx';
import { Logo } from '../components/logo.tsx';
import { LanguageMenu, ThemeMenu } from '../frame/masthead.tsx';
import { useT } from '../i18n/index.ts';
import { lazyPage } from '../i18n/lazy-page.ts';
import { OpenIdButton, useOpenIdAnswer } from './login-openid.tsx';

const SecondStep = lazyPage('account', () => import('./account/second-step.tsx'));

const lastKey = 'ryokan.login';

/** Only a path on this server: a link from elsewhere must not lead away after the login. */
export function safeNext(next: string | null): string {
  return next?.startsWith('/') && !next.startsWith('//') && !next.includes('\\')
    ? next
    : '/datacenter/summary';
}

export default function LoginPage() {
  const t = useT();
  const session = useSession();
  const [search] = useSearchParams();
  const [challenge, setChallenge] = useState<Challenge>();
  useEffect(() => {
    document.title = `${t('login.title')} – Ryokan`;
  }, [t]);
  if (session) return <Navigate to={safeNext(search.get('next'))} replace />;
  return (
    <div className="ry-login">
      <div className="ry-login-menus">
        <LanguageMenu />
        <ThemeMenu />
      </div>
      <main className="ry-login-box">
        <div className="ry-login-brand">
          <Logo size={36} />
          <h1>Ryokan</h1>
        </div>
        {challenge ? (
          <Suspense fallback={<Loading />}>
            <SecondStep challenge={challenge} onBack={() => setChallenge(undefined)} />
          </Suspense>
        ) : (
          <>
            <p className="ry-subtle">{t('login.intro')}</p>
            <LoginForm onChallenge={setChallenge} />
          </>
        )}
      </main>
    </div>
  );
}

function lastLogin(): { user: string; realm: string } {
  try {
    return JSON.parse(localStorage.getItem(lastKey) ?? '') as { user: string; realm: string };
  } catch {
    return { user: '', realm: '' };
  }
}

function LoginForm({ onChallenge }: { onChallenge: (challenge: Challenge) => void }) {
  const t = useT();
  const domains = useCall(accessRealms, {}, { staleTime: Number.POSITIVE_INFINITY });
  const [user, setUser] = useState(() => lastLogin().user);
  const [realm, setRealm] = useState(() => lastLogin().realm);
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const returning = useOpenIdAnswer(setError);
  const passwordInput = useRef<HTMLInputElement>(null);
  const realms = domains.data ?? [];
  const preset = realms.find((one) => one.default)?.realm ?? realms.find((one) => one.realm === 'pam')?.realm;
  const chosen = realms.some((one) => one.realm === realm) ? realm : (preset ?? realms[0]?.realm ?? 'pam');

  const chosenRealm = realms.find((one) => one.realm === chosen);
  const isOpenId = chosenRealm?.type === 'openid';

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      // `root@pam` typed in full wins over the list.
      const [name, typedRealm] = user.trim().split(/@(?=[^@]*$)/);
      const known = realms.some((one) => one.realm === typedRealm);
      const [loginName, loginRealm] = known ? [name ?? '', typedRealm ?? ''] : [user.trim(), chosen];
      localStorage.setItem(lastKey, JSON.stringify({ user: loginName, realm: loginRealm }));
      const challenge = await login(loginName, loginRealm, password);
      if (challenge) onChallenge(challenge);
    } catch (failure) {
      setBusy(false);
      setPassword('');
      const status = (failure as { status?: number }).status;
      setError(status === 401 ? t('login.refused') : messageOf(failure));
      passwordInput.current?.focus();
    }
  };
  if (returning) return <Loading />;
  return (
    <Form onSubmit={submit} className="ry-login-form">
      <div aria-live="assertive">
        {error ? <Alert isInline variant="danger" title={error} /> : null}
        {domains.error ? <Alert isInline variant="warning" title={t('error.unavailable')} /> : null}
      </div>
      {isOpenId ? null : (
        <>
          <FormGroup label={t('login.user')} fieldId="user">
            <TextInput
              id="user"
              name="username"
              autoComplete="username"
              autoCapitalize="none"
              spellCheck="false"
              isRequired
              value={user}
              onChange={(_, value) => setUser(value)}
              autoFocus={user === ''}
            />
          </FormGroup>
          <FormGroup label={t('login.password')} fieldId="password">
            <TextInput
              id="password"
              name="password"
              type="password"
              ref={passwordInput}
              autoComplete="current-password"
              isRequired
              value={password}
              onChange={(_, value) => setPassword(value)}
              autoFocus={user !== ''}
            />
          </FormGroup>
        </>
      )}
      <FormGroup label={t('login.realm')} fieldId="realm">
        <FormSelect id="realm" value={chosen} onChange={(_, value) => setRealm(value)}>
          {(realms.length > 0 ? realms : [{ realm: chosen, type: '' }]).map((one) => (
            <FormSelectOption
              key={one.realm}
              value={one.realm}
              label={'comment' in one && one.comment ? `${one.comment} (${one.realm})` : one.realm}
            />
          ))}
        </FormSelect>
      </FormGroup>
      <ActionGroup>
        {isOpenId ? (
          <OpenIdButton
            realm={chosen}
            name={chosenRealm?.comment || chosen}
            onBegin={() => localStorage.setItem(lastKey, JSON.stringify({ user: '', realm: chosen }))}
            onFailure={setError}
          />
        ) : (
          <Button
            type="submit"
            variant="primary"
            isBlock
            isLoading={busy}
            isDisabled={busy || !user.trim() || !password}
          >
            {t('login.submit')}
          </Button>
        )}
      </ActionGroup>
    </Form>
  );
}
