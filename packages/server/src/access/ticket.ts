/**
 * Tickets: what a login gives out in place of a session kept by the server.
 *
 *     login     PVE:<user@realm>:<seconds, 8 hex digits>::<session, generation, Ed25519 signature, base64>
 *     challenge PVE:!tfa!<JSON, percent-encoded>:<seconds, 8 hex digits>::<Ed25519 signature, base64>
 *     CSRF      <seconds, 8 hex digits>:<HMAC-SHA256, base64>
 *     console   PVEVNC:<seconds, 8 hex digits>::<12 random bytes and HMAC-SHA256, base64>
 *
 * Their outer form is what clients of the public API take apart (they split at colons); the signatures are ours.
 */
import {
  createHmac,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import type { TicketKeys } from './keys.ts';

/** Seconds. */
export const ticketLife = 2 * 3600;
const consoleLife = 30;
/** How long the second step of a login may take. */
const challengeLife = 300;
/** How far another node's clock may be ahead, seconds. */
const clockSkew = 300;

/** Checked tickets that are remembered: a signature check costs 0.1 ms, a look-up nothing. */
const maxRemembered = 10_000;

/** Milliseconds since the epoch. */
export type Clock = () => number;

/** What a login ticket says besides its time. */
export interface TicketContent {
  readonly user: string;
  /** The session that it belongs to, 24 hex digits; renewed tickets keep it. No secret. */
  readonly session: string;
  /** How often all sessions of the user had been ended before, see sessions/. */
  readonly generation: number;
}

interface CheckedTicket extends TicketContent {
  readonly time: number;
}

export class Tickets {
  private readonly signing: KeyObject;
  private readonly verifying: KeyObject;
  private readonly secret: Buffer;
  private readonly clock: Clock;
  private readonly checked = new Map<string, CheckedTicket>();
  /** Console tickets that were used, and when they would have ended anyway (seconds). */
  private readonly used = new Map<string, number>();

  constructor(keys: TicketKeys, clock: Clock) {
    this.signing = keys.signing;
    this.verifying = createPublicKey(keys.signing);
    this.secret = keys.secret;
    this.clock = clock;
  }

  login(content: TicketContent): string {
    const plain = `PVE:${content.user}:${hex(this.now())}`;
    const inner = Buffer.alloc(sessionLength + 4);
    inner.write(content.session, 'hex');
    inner.writeUInt32BE(content.generation, sessionLength);
    const signature = sign(null, Buffer.concat([Buffer.from(plain), inner]), this.signing);
    return `${plain}::${Buffer.concat([inner, signature]).toString('base64')}`;
  }

  /** What a genuine ticket that has not run out says; undefined for anything else. */
  readLogin(ticket: string): TicketContent | undefined {
    const known = this.checked.get(ticket);
    if (known) {
      if (this.isFresh(known.time, ticketLife)) return known;
      this.checked.delete(ticket);
      return undefined;
    }
    const read = this.verifyLogin(ticket);
    if (!read || !this.isFresh(read.time, ticketLife)) return undefined;
    if (this.checked.size >= maxRemembered) this.forgetOldest();
    this.checked.set(ticket, read);
    return read;
  }

  /** The ticket that asks a user, whose password was right, for a second factor. `asked` is what clients read in it. */
  challenge(user: string, generation: number, asked: object): string {
    const plain = `PVE:!tfa!${encodeURIComponent(JSON.stringify(asked))}:${hex(this.now())}`;
    return `${plain}::${sign(null, challengeBytes(plain, user, generation), this.signing).toString('base64')}`;
  }

  /** What was asked, when the ticket is genuine, fresh and was made for this user; undefined for anything else. */
  readChallenge(ticket: string, user: string, generation: number): unknown {
    const match = /^(PVE:!tfa!([^:\s]+):([0-9A-F]{8}))::([A-Za-z0-9+/]{86}==)$/.exec(ticket);
    if (!match) return undefined;
    const [, plain, asked, time, signature] = match as unknown as [string, string, string, string, string];
    if (!this.isFresh(Number.parseInt(time, 16), challengeLife)) return undefined;
    const signed = challengeBytes(plain, user, generation);
    if (!verify(null, signed, this.verifying, Buffer.from(signature, 'base64'))) return undefined;
    return JSON.parse(decodeURIComponent(asked));
  }

  csrf(user: string): string {
    const time = hex(this.now());
    return `${time}:${this.hmac(['csrf', time, user]).toString('base64')}`;
  }

  csrfFits(token: string, user: string): boolean {
    const match = /^([0-9A-F]{8}):([A-Za-z0-9+/]{43}=?)$/.exec(token);
    if (!match) return false;
    const [, time, given] = match as unknown as [string, string, string];
    if (!this.isFresh(Number.parseInt(time, 16), ticketLife)) return false;
    return timingSafeEqual(this.hmac(['csrf', time, user]), Buffer.from(given, 'base64'));
  }

  console(user: string, path: string, port: number): string {
    const time = hex(this.now());
    const nonce = randomBytes(nonceLength);
    const seal = this.hmac(['console', time, nonce.toString('hex'), user, path, String(port)]);
    return `PVEVNC:${time}::${Buffer.concat([nonce, seal]).toString('base64')}`;
  }

  /** Is it a ticket for exactly this console, fresh and not used yet? `consume` uses it up. */
  consoleFits(ticket: string, user: string, path: string, port: number, consume: boolean): boolean {
    const match = /^PVEVNC:([0-9A-F]{8})::([A-Za-z0-9+/]+=*)$/.exec(ticket);
    if (!match) return false;
    const [, timeText, text] = match as unknown as [string, string, string];
    const time = Number.parseInt(timeText, 16);
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length !== nonceLength + 32 || !this.isFresh(time, consoleLife)) return false;
    const nonce = bytes.toString('hex', 0, nonceLength);
    const seal = this.hmac(['console', timeText, nonce, user, path, String(port)]);
    if (!timingSafeEqual(seal, bytes.subarray(nonceLength)) || this.used.has(nonce)) return false;
    if (consume) this.markUsed(nonce, time + consoleLife);
    return true;
  }

  private verifyLogin(ticket: string): CheckedTicket | undefined {
    const match = /^(PVE:([^\s:/]+):([0-9A-F]{8}))::([A-Za-z0-9+/]{107}=)$/.exec(ticket);
    if (!match) return undefined;
    const [, plain, user, time, text] = match as unknown as [string, string, string, string, string];
    // A token's id, user@realm!token, is no user: no ticket is made for one.
    if (!user.includes('@') || user.slice(user.lastIndexOf('@')).includes('!')) return undefined;
    const bytes = Buffer.from(text, 'base64');
    const inner = bytes.subarray(0, sessionLength + 4);
    const signed = Buffer.concat([Buffer.from(plain), inner]);
    if (!verify(null, signed, this.verifying, bytes.subarray(inner.length))) return undefined;
    return {
      user,
      session: inner.toString('hex', 0, sessionLength),
      generation: inner.readUInt32BE(sessionLength),
      time: Number.parseInt(time, 16),
    };
  }

  private isFresh(time: number, life: number): boolean {
    const age = this.now() - time;
    return age >= -clockSkew && age < life;
  }

  private forgetOldest(): void {
    // Maps keep the order of insertion: the first key is the oldest.
    for (const oldest of this.checked.keys()) {
      this.checked.delete(oldest);
      return;
    }
  }

  private markUsed(nonce: string, end: number): void {
    const now = this.now();
    for (const [other, otherEnd] of this.used) if (otherEnd < now) this.used.delete(other);
    this.used.set(nonce, end);
  }

  private hmac(parts: readonly string[]): Buffer {
    // No part can hold a NUL (they come from checked ids and numbers), so the parts cannot run into each other.
    return createHmac('sha256', this.secret).update(parts.join('\0')).digest();
  }

  private now(): number {
    return Math.floor(this.clock() / 1000);
  }
}

const nonceLength = 12;
const sessionLength = 12;

/** User ids hold no NUL, so the parts cannot run into each other. */
const challengeBytes = (plain: string, user: string, generation: number): Buffer =>
  Buffer.from(`${plain}\0${user}\0${generation}`);

const hex = (seconds: number): string => seconds.toString(16).toUpperCase().padStart(8, '0');
