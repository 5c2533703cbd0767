/**
 * `priv/sessions.cfg`: which sessions have ended before their tickets ran out, as JSON. Tickets are checked by their
 * signature, on every node of a cluster, so only the ends must be known everywhere:
 *
 *     { "generations": { "<user@realm>": <times that all sessions of the user were ended> },
 *       "ended": { "<session>": <seconds since the epoch when its last ticket has run out> } }
 *
 * A generation is never forgotten, also not with its user: somebody of the same name must not inherit old tickets.
 */
export const sessionsCfg = 'priv/sessions.cfg';

export interface EndedSessions {
  readonly generations: Map<string, number>;
  readonly ended: Map<string, number>;
}

/** Never throws: what is not understood counts as not written. */
export function parseEndedSessions(text: string): EndedSessions {
  const { generations, ended } = readObject(text);
  return { generations: numbersOf(generations), ended: numbersOf(ended) };
}

export function formatEndedSessions({ generations, ended }: EndedSessions): string {
  if (generations.size === 0 && ended.size === 0) return '';
  const sorted = (map: ReadonlyMap<string, number>) =>
    Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ generations: sorted(generations), ended: sorted(ended) }, undefined, 1)}\n`;
}

/** Ends all sessions of a user that there are now. */
export function endAllOf(sessions: EndedSessions, user: string): void {
  sessions.generations.set(user, (sessions.generations.get(user) ?? 0) + 1);
}

/** Ends one session. `until` and `now` are seconds since the epoch; what has run out by itself is forgotten. */
export function endOne(sessions: EndedSessions, session: string, until: number, now: number): void {
  for (const [other, end] of sessions.ended) if (end <= now) sessions.ended.delete(other);
  sessions.ended.set(session, until);
}

function readObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text || '{}');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function numbersOf(value: unknown): Map<string, number> {
  if (typeof value !== 'object' || value === null) return new Map();
  return new Map(
    Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}
