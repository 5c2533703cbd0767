import { Button } from '@patternfly/react-core';
import { useEffect, useState } from 'react';
import { useT } from '../i18n/index.ts';

const confirmMs = 2000;

/** Text to copy into a terminal. */
export function CodeBlock({ title, text }: { title: string; text: string }) {
  const t = useT();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), confirmMs);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <div>
      <div className="ry-log-header">
        <h3>{title}</h3>
        <Button
          variant="link"
          size="sm"
          aria-label={`${copied ? t('action.copied') : t('action.copy')}: ${title}`}
          onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
        >
          {copied ? t('action.copied') : t('action.copy')}
        </Button>
      </div>
      <pre className="ry-code" tabIndex={0} role="region" aria-label={title}>
        {text}
      </pre>
    </div>
  );
}
