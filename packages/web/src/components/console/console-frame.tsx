import { Button } from '@patternfly/react-core';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { type PlainKey, useT } from '../../i18n/index.ts';
import type { ConsoleStatus } from './use-reconnect.ts';

const texts: Readonly<Record<ConsoleStatus, PlainKey>> = {
  off: 'console.off',
  connecting: 'console.connecting',
  connected: 'console.connected',
  waiting: 'console.waiting',
  failed: 'console.failed',
};

/** Toolbar, status line and the place of a screen or terminal, with full screen. */
export function ConsoleFrame(props: {
  status: ConsoleStatus;
  message: string | undefined;
  onRetry: () => void;
  toolbar: ReactNode;
  /** True: the content has its own size and scrolls. */
  scroll?: boolean;
  /** In place of the content while there is nothing to connect to. */
  off?: ReactNode;
  children: ReactNode;
}) {
  const t = useT();
  const frame = useRef<HTMLDivElement>(null);
  const [full, setFull] = useState(false);
  useEffect(() => {
    const onChange = () => setFull(document.fullscreenElement === frame.current);
    document.addEventListener('fullscreenchange', onChange);
    return () => document.removeEventListener('fullscreenchange', onChange);
  }, []);
  const toggleFull = () => (full ? document.exitFullscreen() : frame.current?.requestFullscreen());
  const { status, message } = props;
  return (
    <div className="ry-console" ref={frame}>
      <div className="ry-console-bar" role="toolbar" aria-label={t('console.toolbar')}>
        {props.toolbar}
        <Button variant="secondary" size="sm" onClick={() => void toggleFull()}>
          {full ? t('console.leaveFull') : t('console.full')}
        </Button>
        <span className={`ry-console-status ry-console-${status}`} role="status">
          {t(texts[status])}
          {message && status !== 'connected' ? ` – ${message}` : ''}
        </span>
        {status === 'waiting' || status === 'failed' ? (
          <Button variant="link" size="sm" onClick={props.onRetry}>
            {t('console.reconnect')}
          </Button>
        ) : null}
      </div>
      <div className={props.scroll ? 'ry-console-body ry-scrolls' : 'ry-console-body'}>
        {props.children}
        {status === 'off' && props.off ? <div className="ry-console-cover">{props.off}</div> : null}
      </div>
    </div>
  );
}
