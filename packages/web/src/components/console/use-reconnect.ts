import { useCallback, useEffect, useRef, useState } from 'react';

export type ConsoleStatus = 'off' | 'connecting' | 'connected' | 'waiting' | 'failed';

export interface Attempt {
  /** Counts up with every try to connect; put it into the dependencies of the effect that connects. */
  readonly number: number;
  readonly status: ConsoleStatus;
  readonly message: string | undefined;
  connected(): void;
  /** The connection is gone: try again soon, each time a little later. */
  lost(message?: string): void;
  /** Trying again by itself makes no sense (refused). */
  failed(message: string): void;
  /** Try now. */
  retry(): void;
}

const longestPauseMs = 15_000;

/**
 * Begins to connect in a moment, unless it is taken back at once: the node would keep an unused console open until it
 * times out. For effects, which React may run twice and which a quick change of the tab ends. Gives the taking back.
 */
export function connectSoon(connect: () => void): () => void {
  const soon = setTimeout(connect);
  return () => clearTimeout(soon);
}

/** Keeps a console connected: what to show, and when to try again. */
export function useReconnect(): Attempt {
  const [number, setNumber] = useState(0);
  const [status, setStatus] = useState<ConsoleStatus>('connecting');
  const [message, setMessage] = useState<string>();
  const failures = useRef(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const retry = useCallback(() => {
    clearTimeout(timer.current);
    setStatus('connecting');
    setNumber((before) => before + 1);
  }, []);
  useEffect(() => () => clearTimeout(timer.current), []);
  return {
    number,
    status,
    message,
    connected: useCallback(() => {
      failures.current = 0;
      setMessage(undefined);
      setStatus('connected');
    }, []),
    lost: useCallback(
      (text) => {
        setMessage(text);
        setStatus('waiting');
        clearTimeout(timer.current);
        timer.current = setTimeout(retry, Math.min(longestPauseMs, 500 * 2 ** failures.current++));
      },
      [retry],
    ),
    failed: useCallback((text) => {
      setMessage(text);
      setStatus('failed');
    }, []),
    retry,
  };
}
