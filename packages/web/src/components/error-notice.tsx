import { Alert, AlertActionLink } from '@patternfly/react-core';
import { ApiError } from '@ryokan/api/client.ts';
import { messageOf } from '@ryokan/api/errors.ts';
import { explainProblem } from '../forms/problems.ts';
import { type Translate, useT } from '../i18n/index.ts';

export interface ErrorText {
  /** What went wrong. */
  readonly text: string;
  /** What to do about it, where the text does not say so itself. */
  readonly advice?: string;
}

/** An error for people: the server's text, or its parameters one by one, and what to do in the language of the page. */
export function describeError(error: unknown, t: Translate): ErrorText {
  if (!(error instanceof ApiError)) return { text: messageOf(error) };
  const problems = Object.entries(error.errors).map(([key, text]) => `${key}: ${explainProblem(text, t)}`);
  if (problems.length > 0) return { text: problems.join('\n') };
  // Nobody answered, so there is no text of the server.
  if (error.status === 0) return { text: t('error.unavailable') };
  const advice = adviceFor(error, t);
  return { text: error.message, ...(advice ? { advice } : {}) };
}

function adviceFor(error: ApiError, t: Translate): string | undefined {
  switch (error.code) {
    case 'unavailable':
      return t('error.unavailable');
    case 'forbidden':
      return t('error.forbidden');
    case 'unauthenticated':
      return t('error.unauthenticated');
    case 'not-implemented':
      return t('error.notImplemented');
    default:
      if (/detected modified configuration/.test(error.message)) return t('error.modified');
      return /is locked/.test(error.message) ? t('error.locked') : undefined;
  }
}

/** A failed read or a refused change, in place. */
export function ErrorNotice(props: { error: unknown; title?: string; onRetry?: () => void }) {
  const t = useT();
  const { title, onRetry } = props;
  const { text, advice } = describeError(props.error, t);
  return (
    <Alert
      isInline
      variant="danger"
      title={title ?? text}
      className="ry-error-notice"
      {...(onRetry
        ? { actionLinks: <AlertActionLink onClick={onRetry}>{t('action.retry')}</AlertActionLink> }
        : {})}
    >
      {title === undefined ? null : <p className="ry-advice">{text}</p>}
      {advice ? <p className="ry-advice">{advice}</p> : null}
    </Alert>
  );
}
