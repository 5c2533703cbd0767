import { Button } from '@patternfly/react-core';
import { messageOf } from '@ryokan/api/errors.ts';
import { useEffect, useState } from 'react';
import { useSearchParams } from 'react-router';
import { beginOpenIdLogin, completeOpenIdLogin, takeOpenIdAnswer } from '../api/openid-login.ts';
import { useT } from '../i18n/index.ts';

/** Completes a login with which a provider has sent the browser back. True while that is under way. */
export function useOpenIdAnswer(onFailure: (text: string) => void): boolean {
  const t = useT();
  const [answer] = useState(takeOpenIdAnswer);
  const [busy, setBusy] = useState(answer !== undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: an answer is good for one try
  useEffect(() => {
    if (!answer) return;
    const fail = (text: string) => {
      setBusy(false);
      onFailure(text);
    };
    if (answer.code === '') return fail(t('login.openidRefused', { reason: answer.error }));
    completeOpenIdLogin(answer).catch((error: unknown) => fail(messageOf(error)));
  }, []);
  return busy;
}

/** Takes the place of name and password for realms whose users log in elsewhere. */
export function OpenIdButton(props: {
  realm: string;
  name: string;
  onBegin: () => void;
  onFailure: (text: string) => void;
}) {
  const t = useT();
  const [search] = useSearchParams();
  const [busy, setBusy] = useState(false);
  const begin = async () => {
    setBusy(true);
    props.onBegin();
    try {
      await beginOpenIdLogin(props.realm, search.get('next') ?? '');
    } catch (error) {
      setBusy(false);
      props.onFailure(messageOf(error));
    }
  };
  return (
    <Button isBlock isLoading={busy} isDisabled={busy} onClick={begin}>
      {t('login.openid', { name: props.name })}
    </Button>
  );
}
