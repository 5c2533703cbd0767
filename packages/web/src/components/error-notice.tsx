import { Alert, AlertActionLink } from '@patternfly/react-core';
import { ApiError } from '@ryokan/api/client.ts';
import { messageOf } from '@ryokan/api/errors.ts';
import { type Translate, useT } from '../i18n/index.ts';

/** What to do about an error, in the language of the page; the server's own text stands beside it. */
export function adviceFor(error: unknown, t: Translate): string | undefined {
  if (!(error instanceof ApiError)) return undefined;
  switch (error.code) {
    case 'unavailable':
      return t('error.unavailable');
    case 'forbidden':
      return t('error.forbidden');
    case 'unauthenticated':
      return t('error.unauthenticated');
    case 'not-implemented':
      return t('error.notImplemented');
    case 'parameter':
      return Object.entries(error.errors)
        .map(([key, text]) => `${key}: ${text.trim()}`)
        .join('\n');
    default:
      if (/detected modified configuration/.test(error.message)) return t('error.modified');
      if (/is locked/.test(error.message)) return t('error.locked');
      return undefined;
  }
}

/** A failed read or a refused change, in place. */
export function ErrorNotice({
  error,
  title,
  onRetry,
}: {
  error: unknown;
  title?: string;
  onRetry?: () => void;
}) {
  const t = useT();
  const advice = adviceFor(error, t);
  return (
    <Alert
      isInline
      variant="danger"
      title={title ?? messageOf(error)}
      className="ry-error-notice"
      {...(onRetry
        ? { actionLinks: <AlertActionLink onClick={onRetry}>{t('action.retry')}</AlertActionLink> }
        : {})}
    >
      {title === undefined ? null : <p>{messageOf(error)}</p>}
      {advice ? <p className="ry-advice">{advice}</p> : null}
    </Alert>
  );
}
