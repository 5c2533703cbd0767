/**
 * One event stream for all tabs of a browser. The server speaks HTTP/1.1, of which a browser opens six connections to a
 * host: a stream in each tab and console window would soon leave none for anything else. So the tab that holds a lock
 * (Web Locks) has the stream and hands its events to the others (BroadcastChannel); when it goes, another takes over.
 */
import { clusterEvents } from '@ryokan/api/methods/cluster.ts';

/** Kinds of events that the server sends on a stream without a task. */
const eventTypes = ['hello', 'resource', 'task', 'config', 'warning'] as const;
export type EventType = (typeof eventTypes)[number];

export interface StreamListener {
  /** `hello` comes first on each connection: what happened before it is lost. */
  onEvent(type: EventType, data: unknown): void;
  onLost(): void;
  /** The browser gave up, because the server answered with an error: does the login still hold? */
  onRefused(): void;
}

type Message =
  | { readonly kind: 'event'; readonly type: EventType; readonly data: unknown }
  | { readonly kind: 'lost' }
  /** A new tab asks whether there is a stream. */
  | { readonly kind: 'ask' }
  /** There is one, and it is connected. */
  | { readonly kind: 'live' };

const longestPauseMs = 30_000;

/** Joins the stream of this login; returns the function that leaves it. */
export function joinEventStream(username: string, listener: StreamListener): () => void {
  if (!('locks' in navigator) || typeof BroadcastChannel === 'undefined') return openSource(listener).close;
  const name = `ryokan-events:${username}`;
  const channel = new BroadcastChannel(name);
  const leave = new AbortController();
  const post = (message: Message) => channel.postMessage(message);
  let own: Source | undefined;
  // Between the answer of the leader and what a follower hears later there is no gap: it listens already.
  let connected = false;
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (own) {
      if (data.kind === 'ask' && own.connected()) post({ kind: 'live' });
      return;
    }
    if (data.kind === 'event') {
      connected = true;
      listener.onEvent(data.type, data.data);
    } else if (data.kind === 'live' && !connected) {
      connected = true;
      listener.onEvent('hello', {});
    } else if (data.kind === 'lost') {
      connected = false;
      listener.onLost();
    }
  };
  post({ kind: 'ask' });
  const lead = () =>
    new Promise<void>((release) => {
      own = openSource({
        onEvent: (type, data) => {
          listener.onEvent(type, data);
          post({ kind: 'event', type, data });
        },
        onLost: () => {
          listener.onLost();
          post({ kind: 'lost' });
        },
        onRefused: listener.onRefused,
      });
      leave.signal.addEventListener('abort', () => {
        own?.close();
        release();
      });
    });
  navigator.locks.request(name, { signal: leave.signal }, lead).catch(() => {
    // Left before it was this tab's turn.
  });
  return () => {
    leave.abort();
    channel.close();
  };
}

interface Source {
  connected(): boolean;
  close(): void;
}

/** The stream itself; opens again after each failure, with longer and longer pauses. */
function openSource(listener: StreamListener): Source {
  let source: EventSource | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let connected = false;
  let failures = 0;
  const open = () => {
    source = new EventSource(`/api2/json${clusterEvents.path}`);
    for (const type of eventTypes) {
      source.addEventListener(type, (event) => {
        if (type === 'hello') {
          connected = true;
          failures = 0;
        }
        listener.onEvent(type, JSON.parse((event as MessageEvent<string>).data));
      });
    }
    source.onerror = () => {
      connected = false;
      listener.onLost();
      if (source?.readyState !== EventSource.CLOSED) return;
      source.close();
      listener.onRefused();
      timer = setTimeout(open, Math.min(longestPauseMs, 1_000 * 2 ** failures++));
    };
  };
  open();
  return {
    connected: () => connected,
    close: () => {
      clearTimeout(timer);
      source?.close();
    },
  };
}
