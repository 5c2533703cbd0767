import { beforeEach, describe, expect, it } from 'vitest';
import type { ConsoleCaller } from './sessions.ts';
import { SpiceTickets } from './spice-tickets.ts';

let now = 1_700_000_000_000;
let tickets: SpiceTickets;
const ann: ConsoleCaller = { user: 'ann@pve', goesOn: () => true, can: () => true };
const ben: ConsoleCaller = { ...ann, user: 'ben@pve' };

beforeEach(() => {
  tickets = new SpiceTickets(() => now);
});

describe('SPICE tickets', () => {
  it('have the form of a host name that viewers take, and lead to guest and caller, in large letters too', () => {
    const ticket = tickets.make(ann, 100, 'Node1');
    expect(ticket).toMatch(/^pvespiceproxy:[0-9a-f]{8}:100:node1:61000::[0-9a-f]{40}$/);
    expect(tickets.find(ticket)).toMatchObject({ vmid: 100, caller: ann });
    expect(tickets.find(ticket.toUpperCase())).toMatchObject({ vmid: 100 });
  });

  it('of the same second and guest belong to whoever asked for each', () => {
    const [first, second] = [tickets.make(ann, 100, 'node1'), tickets.make(ben, 100, 'node1')];
    expect([tickets.find(first)?.caller.user, tickets.find(second)?.caller.user]).toEqual([
      'ann@pve',
      'ben@pve',
    ]);
  });

  it('serve all connections of a viewer for 30 seconds', () => {
    const ticket = tickets.make(ann, 100, 'node1');
    now += 29_000;
    for (let connection = 0; connection < 3; connection++) expect(tickets.find(ticket)?.vmid).toBe(100);
    now += 1000;
    expect(tickets.find(ticket)).toBeUndefined();
  });

  it('lead nowhere in every changed form', () => {
    const ticket = tickets.make(ann, 100, 'node1');
    const last = ticket.at(-1) === '0' ? '1' : '0';
    const forged = [
      ticket.replace(':100:', ':101:'),
      ticket.replace('node1', 'node2'),
      ticket.slice(0, -1),
      ticket.slice(0, -1) + last,
      `${ticket}0`,
      '',
      '127.0.0.1',
    ];
    for (const text of forged) expect(tickets.find(text), text).toBeUndefined();
  });
});
