/**
 * Sessions: what begins with a login and goes on through the renewals of its ticket. They end by logging out, when
 * somebody ends them, and all at once when the user's password changes or the user is disabled or removed
 * (access-documents.ts sees to that, in the same transaction).
 */
import { randomBytes } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import { editAccess, readEndedSessions } from '../access-documents.ts';
import { type Clock, type TicketContent, ticketLife } from '../ticket.ts';
import { endAllOf, endOne } from './ended-sessions.ts';
import { type Session, SessionBook } from './session-book.ts';

/** Who logs in: for the list, and for limits. */
export interface Origin {
  /** The client's address; `local` for the Unix socket. */
  readonly remote: string;
  /** What the client calls itself. */
  readonly agent: string;
}

export class Sessions {
  private readonly book: SessionBook | undefined;

  /** Without `file` sessions can be checked but not listed: so it is in workers. */
  constructor(
    private readonly store: ConfigStore,
    private readonly clock: Clock,
    file?: string,
  ) {
    this.book = file === undefined ? undefined : new SessionBook(file, ticketLife);
  }

  /** The content of the first ticket of a new session. */
  begin(user: string, origin: Origin, factor: string): TicketContent {
    const session = randomBytes(12).toString('hex');
    const generation = this.generation(user);
    this.book?.begin({ id: session, user, generation, ...origin, factor }, this.now());
    return { user, session, generation };
  }

  renewed({ session, ...content }: TicketContent, origin: Origin): void {
    this.book?.renew({ id: session, ...content, ...origin, factor: '' }, this.now());
  }

  generation(user: string): number {
    return readEndedSessions(this.store).generations.get(user) ?? 0;
  }

  /** False when the session of a genuine ticket has ended. Stands in front of every request: two look-ups. */
  isOn({ user, session, generation }: TicketContent): boolean {
    const { generations, ended } = readEndedSessions(this.store);
    return (generations.get(user) ?? 0) === generation && !ended.has(session);
  }

  used({ session }: TicketContent): void {
    this.book?.touch(session, this.now());
  }

  /** Sessions that began on this node and go on, newest first. */
  list(): Session[] {
    return (this.book?.list(this.now()) ?? []).filter(({ id, ...one }) => this.isOn({ ...one, session: id }));
  }

  /** Throws RyokanError 'not-found', also for a session of a user whom the caller may not see. */
  require(id: string, isVisible: (user: string) => boolean): Session {
    const found = this.list().find((one) => one.id === id && isVisible(one.user));
    if (!found) throw new RyokanError('not-found', `session '${id}' does not exist`);
    return found;
  }

  /** Ends one session: from now on none of its tickets holds, on any node. */
  async end(id: string, author: string): Promise<void> {
    const now = this.now();
    await editAccess(this.store, author, ({ sessions }) => endOne(sessions, id, now + ticketLife, now));
    if (!rehearsed(`ends the session ${id}`)) this.book?.forget(id);
  }

  async endAll(user: string, author: string): Promise<void> {
    await editAccess(this.store, author, ({ sessions }) => endAllOf(sessions, user));
  }

  close(): void {
    this.book?.close();
  }

  private now(): number {
    return Math.floor(this.clock() / 1000);
  }
}
