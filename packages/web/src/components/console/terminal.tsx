import '@xterm/xterm/css/xterm.css';
import { Button } from '@patternfly/react-core';
import { ApiError } from '@ryokan/api/client.ts';
import { messageOf } from '@ryokan/api/errors.ts';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal as XTerm } from '@xterm/xterm';
import { type ReactNode, useEffect, useRef } from 'react';
import { useT } from '../../i18n/index.ts';
import { ConsoleFrame } from './console-frame.tsx';
import * as protocol from './terminal-protocol.ts';
import { openTerminal } from './terminal-styles.ts';
import { connectSoon, useReconnect } from './use-reconnect.ts';

export interface TerminalAccess {
  readonly user: string;
  readonly ticket: string;
  /** WebSocket address. */
  readonly url: string;
}

export interface TerminalProps {
  /** Asks for a new ticket; called for each connection. */
  readonly open: () => Promise<TerminalAccess>;
  /** Changes when another console is meant. */
  readonly id: string;
  readonly available: boolean;
  /** Shown while it is not available. */
  readonly off?: ReactNode;
  readonly actions?: ReactNode;
  readonly label: string;
  /** True: when the other side ends, stay and offer a new session instead of starting one (a shell that was left). */
  readonly once?: boolean;
}

/** A terminal on a serial port or a shell. */
export function Terminal({ open, id, available, off, actions, label, once }: TerminalProps) {
  const t = useT();
  const attempt = useReconnect();
  const box = useRef<HTMLDivElement>(null);
  const terminal = useRef<XTerm>(null);
  const { connected, lost, failed } = attempt;

  // The terminal lives as long as the page: its text stays readable while the connection comes and goes.
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const term = new XTerm({
      fontFamily: '"Red Hat Mono", ui-monospace, "Noto Sans Mono CJK JP", Consolas, monospace',
      fontSize: 14,
      scrollback: 5_000,
      cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
      theme: { background: '#12151a' },
    });
    const fit = new FitAddon();
    term.loadAddon(fit);
    openTerminal(term, element);
    fit.fit();
    const observer = new ResizeObserver(() => element.clientWidth > 0 && fit.fit());
    observer.observe(element);
    terminal.current = term;
    return () => {
      observer.disconnect();
      terminal.current = null;
      term.dispose();
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the attempt's number and the id start a connection
  useEffect(() => {
    const term = terminal.current;
    if (!available || !term) return;
    let closed = false;
    let stop = () => {};
    const start = async () => {
      const access = await open();
      if (closed) return;
      stop = connect(term, access, {
        onOpen: () => {
          connected();
          term.focus();
        },
        onClose: (accepted) => {
          if (closed) return;
          if (once && accepted) failed(t('console.ended'));
          else lost();
        },
      });
    };
    const refused = (error: unknown) => {
      if (closed) return;
      if (error instanceof ApiError && error.code === 'forbidden') failed(messageOf(error));
      else lost(messageOf(error));
    };
    const cancel = connectSoon(() => void start().catch(refused));
    return () => {
      closed = true;
      cancel();
      stop();
    };
  }, [id, available, attempt.number]);

  const copy = () => {
    const text = terminal.current?.getSelection();
    if (text) void navigator.clipboard?.writeText(text);
  };
  const paste = async () => {
    const text = await navigator.clipboard?.readText().catch(() => '');
    if (text) terminal.current?.paste(text);
    terminal.current?.focus();
  };
  return (
    <ConsoleFrame
      status={available ? attempt.status : 'off'}
      message={attempt.message}
      onRetry={attempt.retry}
      off={off}
      toolbar={
        <>
          <Button variant="secondary" size="sm" onClick={copy}>
            {t('console.copySelection')}
          </Button>
          <Button variant="secondary" size="sm" onClick={() => void paste()}>
            {t('console.pasteTerminal')}
          </Button>
          {actions}
        </>
      }
    >
      <div ref={box} className="ry-terminal" role="group" aria-label={label} />
    </ConsoleFrame>
  );
}

/** Speaks the terminal protocol; returns the function that ends the connection. */
function connect(
  term: XTerm,
  access: TerminalAccess,
  on: { onOpen: () => void; onClose: (accepted: boolean) => void },
): () => void {
  const socket = new WebSocket(access.url, 'binary');
  socket.binaryType = 'arraybuffer';
  let accepted = false;
  const send = (text: string) => socket.readyState === WebSocket.OPEN && socket.send(text);
  const timer = setInterval(() => send(protocol.keepAlive), protocol.keepAliveMs);
  const listeners = [
    term.onData((data) => accepted && send(protocol.input(data))),
    term.onBinary((data) => accepted && send(protocol.input(data))),
    term.onResize(({ cols, rows }) => accepted && send(protocol.size(cols, rows))),
  ];
  socket.onopen = () => send(protocol.hello(access.user, access.ticket));
  socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
    let bytes = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data);
    if (!accepted) {
      const greeting = protocol.readGreeting(bytes);
      if (!greeting.accepted) return socket.close();
      accepted = true;
      bytes = new Uint8Array(greeting.rest);
      on.onOpen();
      send(protocol.size(term.cols, term.rows));
    }
    if (bytes.length > 0) term.write(bytes);
  };
  const stop = () => {
    clearInterval(timer);
    for (const listener of listeners) listener.dispose();
  };
  socket.onclose = () => {
    stop();
    on.onClose(accepted);
  };
  return () => {
    stop();
    socket.onclose = null;
    socket.close();
  };
}
