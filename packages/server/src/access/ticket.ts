/**
 * Tickets: what a login gives out in place of a session kept by the server.
 *
 *     login     PVE:<user@realm>:<seconds, 8 hex digits>::<Ed25519 signature, base64>
 *     CSRF      <seconds, 8 hex digits>:<HMAC-SHA256, base64>
 *     console   PVEVNC:<seconds, 8 hex digits>::<12 random bytes and HMAC-SHA256, base64>
 *     SPICE     pvespiceproxy:<seconds, 8 hex digits>:<vmid>:<node>:<port>::<HMAC-SHA256, 40 hex digits of it>
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
/** The port that SPICE viewers are told: a name only, as the proxy knows from the ticket where to go. */
export const spicePort = 61000;
/** How far another node's clock may be ahead, seconds. */
const clockSkew = 300;

/** Checked tickets that are remembered: a signature check costs 0.1 ms, a look-up nothing. */
const maxRemembered = 10_000;

/** Milliseconds since the epoch. */
export type Clock = () => number;

export class Tickets {
  private readonly signing: KeyObject;
  private readonly verifying: KeyObject;
  private readonly secret: Buffer;
  private readonly clock: Clock;
  private readonly checked = new Map<string, { readonly user: string; readonly time: number }>();
  /** Console tickets that were used, and when they would have ended anyway (seconds). */
  private readonly used = new Map<string, number>();

  constructor(keys: TicketKeys, clock: Clock) {
    this.signing = keys.signing;
    this.verifying = createPublicKey(keys.signing);
    this.secret = keys.secret;
    this.clock = clock;
  }

  login(user: string): string {
    const plain = `PVE:${user}:${hex(this.now())}`;
    return `${plain}::${sign(null, Buffer.from(plain), this.signing).toString('base64')}`;
  }

  /** The user of a genuine ticket that has not ended; undefined for anything else. */
  loginUser(ticket: string): string | undefined {
    const known = this.checked.get(ticket);
    if (known) {
      if (this.isFresh(known.time, ticketLife)) return known.user;
      this.checked.delete(ticket);
      return undefined;
    }
    const read = this.readLogin(ticket);
    if (!read || !this.isFresh(read.time, ticketLife)) return undefined;
    if (this.checked.size >= maxRemembered) this.forgetOldest();
    this.checked.set(ticket, read);
    return read.user;
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

  /**
   * What a SPICE viewer asks the proxy for in place of a host name. It opens a connection for each of screen, keys,
   * sound and so on, so the ticket can be used again while it lasts; the password is another matter. Viewers may write a
   * host name in small letters.
   */
  spice(vmid: number, node: string): string {
    const plain = `pvespiceproxy:${hex(this.now())}:${vmid}:${node}:${spicePort}`.toLowerCase();
    return `${plain}::${this.spiceSeal(plain)}`;
  }

  /** The VMID of a genuine SPICE ticket of this node that has not ended. */
  spiceVmid(ticket: string, node: string): number | undefined {
    const match = /^(pvespiceproxy:([0-9a-f]{8}):(\d+):([^:]+):\d+)::([0-9a-f]{40})$/.exec(
      ticket.toLowerCase(),
    );
    if (!match) return undefined;
    const [, plain, time, vmid, at, seal] = match as unknown as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const genuine = timingSafeEqual(Buffer.from(this.spiceSeal(plain)), Buffer.from(seal));
    const fresh = this.isFresh(Number.parseInt(time, 16), consoleLife);
    return genuine && fresh && at === node.toLowerCase() ? Number(vmid) : undefined;
  }

  private spiceSeal(plain: string): string {
    return this.hmac(['spice', plain]).toString('hex').slice(0, 40);
  }

  private readLogin(ticket: string): { user: string; time: number } | undefined {
    const match = /^(PVE:([^\s:/]+@[^\s:/!]+):([0-9A-F]{8}))::([A-Za-z0-9+/]{86}==)$/.exec(ticket);
    if (!match) return undefined;
    const [, plain, user, time, signature] = match as unknown as [string, string, string, string, string];
    const genuine = verify(null, Buffer.from(plain), this.verifying, Buffer.from(signature, 'base64'));
    return genuine ? { user, time: Number.parseInt(time, 16) } : undefined;
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

const hex = (seconds: number): string => seconds.toString(16).toUpperCase().padStart(8, '0');
