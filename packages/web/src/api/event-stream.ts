/**
 * One event stream for all tabs of a browser. The server speaks HTTP/1.1, of which a browser opens six connections to a
 * host: a stream in each tab and console window would soon leave none for anything else. So the tab that holds a lock
 * (Web Locks) has the stream and hands its events to the others (BroadcastChannel). When it is closed, another gets the
 * lock; when it hangs or sleeps, a tab that somebody looks at takes the lock from it.
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
  /** The stream is interrupted. */
  | { readonly kind: 'lost' }
  /** A tab asks whether there is a stream. */
  | { readonly kind: 'ask' }
  /** There is one, and it is connected. */
  | { readonly kind: 'live' };

/** How often a visible tab without the stream asks for a sign of life; it waits as long for the answer. */
const askEveryMs = 5_000;
const longestPauseMs = 30_000;

/** Joins the stream of this login; returns the function that leaves it. */
export function joinEventStream(username: string, listener: StreamListener): () => void {
  // Without a secure context there are no locks: each tab has a stream of its own then.
  if (!('locks' in navigator) || typeof BroadcastChannel === 'undefined') return openSource(listener).close;
  const name = `ryokan-events:${username}`;
  const channel = new BroadcastChannel(name);
  const left = new AbortController();
  const post = (message: Message) => {
    if (!left.signal.aborted) channel.postMessage(message);
  };
  const follower = makeFollower(listener);
  let own: Source | undefined;
  let turn = new AbortController();
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (!own) follower.hear(data);
    else if (data.kind === 'ask') post({ kind: own.connected() ? 'live' : 'lost' });
  };
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
      left.signal.addEventListener('abort', () => release());
    });
  const step = () => {
    own?.close();
    own = undefined;
  };
  /** Waits for the lock, leads while it has it, and queues again when it was taken away. */
  const compete = async (steal: boolean): Promise<void> => {
    turn.abort();
    turn = new AbortController();
    const mine = turn.signal;
    try {
      await navigator.locks.request(name, steal ? { steal } : { signal: mine }, lead);
    } catch {
      // Left, or taken by a tab that got no answer from this one.
    }
    if (mine.aborted || left.signal.aborted) return;
    step();
    follower.forget();
    await compete(false);
  };
  const timer = setInterval(() => {
    if (own || document.hidden) follower.expectNothing();
    else if (follower.isDeserted()) void compete(true);
    else {
      follower.asks();
      post({ kind: 'ask' });
    }
  }, askEveryMs);
  post({ kind: 'ask' });
  void compete(false);
  return () => {
    left.abort();
    turn.abort();
    clearInterval(timer);
    step();
    channel.close();
  };
}

/** What a tab without the stream makes of what it hears. */
function makeFollower(listener: StreamListener) {
  let connected = false;
  let asked = false;
  return {
    hear: (message: Message) => {
      if (message.kind === 'ask') return;
      asked = false;
      if (message.kind === 'event') {
        connected = true;
        listener.onEvent(message.type, message.data);
      } else if (message.kind === 'live' && !connected) {
        // Between this answer and what comes later there is no gap: the channel is heard already.
        connected = true;
        listener.onEvent('hello', {});
      } else if (message.kind === 'lost') {
        connected = false;
        listener.onLost();
      }
    },
    asks: () => {
      asked = true;
    },
    /** Nobody answered the last question. */
    isDeserted: () => asked,
    expectNothing: () => {
      asked = false;
    },
    forget: () => {
      asked = false;
      connected = false;
    },
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
