/**
 * What a SPICE viewer asks the proxy for in place of a host name:
 *
 *     pvespiceproxy:<seconds, 8 hex digits>:<vmid>:<node>:<port>::<40 hex digits by chance>
 *
 * A viewer opens a connection for each of screen, keys, sound and so on, so a ticket can be used again while it lasts;
 * the password is another matter. Kept in memory with whoever asked for it, whose rights and session the connections need.
 */
import { randomBytes } from 'node:crypto';
import type { ConsoleCaller } from './sessions.ts';

/** The port that viewers are told: a name only, as the proxy knows from the ticket where to go. */
export const spicePort = 61000;
/** Milliseconds. */
const life = 30_000;

export interface SpiceTicket {
  readonly vmid: number;
  readonly caller: ConsoleCaller;
}

export class SpiceTickets {
  private readonly tickets = new Map<string, SpiceTicket & { readonly end: number }>();

  constructor(private readonly now: () => number = Date.now) {}

  make(caller: ConsoleCaller, vmid: number, node: string): string {
    const now = this.now();
    for (const [ticket, { end }] of this.tickets) if (end <= now) this.tickets.delete(ticket);
    const seconds = Math.floor(now / 1000).toString(16);
    const ticket = `pvespiceproxy:${seconds}:${vmid}:${node}:${spicePort}::${randomBytes(20).toString('hex')}`;
    this.tickets.set(ticket.toLowerCase(), { vmid, caller, end: now + life });
    return ticket.toLowerCase();
  }

  /** Undefined for one that is not from here or has ended. Viewers may write a host name as they like. */
  find(ticket: string): SpiceTicket | undefined {
    const found = this.tickets.get(ticket.toLowerCase());
    return found && found.end > this.now() ? found : undefined;
  }
}
