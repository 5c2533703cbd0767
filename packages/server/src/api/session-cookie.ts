/**
 * Logins of browsers. A page that sends the header `Ryokan-Session: cookie` gets its ticket in a cookie that no script can
 * read, and not in the body; clients of the public API send no such header and get what they know. Another site's page
 * cannot send it: a header of its own makes a browser ask first, and the node never agrees to that (OPTIONS is refused).
 */
import type { LoginResult } from '../access/access-control.ts';
import { type Call, Reply } from './handler-table.ts';
import { type RequestHead, ticketCookie } from './request.ts';

export const wantsCookie = (head: RequestHead): boolean => head.sessionIn === 'cookie';

/**
 * No Max-Age: the browser forgets it at its end, as people expect of a shared computer; the ticket in it runs out by
 * itself. The path is that of all the node, where cookies of other clients in the same browser would be too.
 */
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict';

/** Takes the cookie away. */
export const clearedCookie = `${ticketCookie}=; ${attributes}; Max-Age=0`;

/** What a login answers. A first step (`NeedTFA`) is none yet: its ticket goes into the body, for the second one. */
export function loginReply(result: LoginResult, { wantsCookie = false }: Pick<Call, 'wantsCookie'>): Reply {
  return wantsCookie && !result.NeedTFA ? cookieReply(result) : new Reply(result);
}

/**
 * A login in the cookie, whatever the caller wants. So it is with renewals: they need what a script in a page has, and by
 * leaving out the header it would get hold of the ticket.
 */
export function cookieReply({ ticket, ...rest }: LoginResult): Reply {
  return new Reply(rest, {}, `${ticketCookie}=${encodeURIComponent(ticket)}; ${attributes}`);
}

/** What a logout answers. */
export const logoutReply = ({ wantsCookie = false }: Pick<Call, 'wantsCookie'>): Reply =>
  new Reply(null, {}, wantsCookie ? clearedCookie : undefined);
