import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { type TicketContent, Tickets } from './ticket.ts';

const makeKeys = () => ({ signing: generateKeyPairSync('ed25519').privateKey, secret: randomBytes(32) });
const keys = makeKeys();
const minute = 60_000;
const session = '0123456789abcdef01234567';
const contentOf = (user: string): TicketContent => ({ user, session, generation: 7 });

let now = Date.UTC(2030, 0, 1);
let tickets: Tickets;
beforeEach(() => {
  now = Date.UTC(2030, 0, 1);
  tickets = new Tickets(keys, () => now);
});

/** The session stands in front of the signature, and is signed like the rest. */
function withOtherFirstByte(signature: string): string {
  const bytes = Buffer.from(signature, 'base64');
  bytes.writeUInt8(bytes.readUInt8(0) ^ 1);
  return bytes.toString('base64');
}

describe('tickets that ask for a second factor', () => {
  const asked = { id: 'q', totp: true, recovery: [0, 9] };

  it('can be read by clients, and by this node for five minutes, for this user and generation', () => {
    const ticket = tickets.challenge('ann@pve', 0, asked);
    const [, text = ''] = ticket.split(':');
    expect(JSON.parse(decodeURIComponent(text.slice('!tfa!'.length)))).toEqual(asked);
    expect(tickets.readChallenge(ticket, 'ann@pve', 0)).toEqual(asked);
    expect(tickets.readChallenge(ticket, 'bob@pve', 0)).toBeUndefined();
    expect(tickets.readChallenge(ticket, 'ann@pve', 1)).toBeUndefined();
    expect(tickets.readChallenge(ticket.replace('%22q%22', '%22r%22'), 'ann@pve', 0)).toBeUndefined();
    expect(tickets.readLogin(ticket)).toBeUndefined();
    now += 5 * minute;
    expect(tickets.readChallenge(ticket, 'ann@pve', 0)).toBeUndefined();
  });
});

describe('login tickets', () => {
  it('have the form that clients take apart', () => {
    expect(tickets.login(contentOf('ann@pve'))).toMatch(/^PVE:ann@pve:[0-9A-F]{8}::[A-Za-z0-9+/]+=*$/);
  });

  it('hold for two hours, also on other nodes with the same key', () => {
    const ticket = tickets.login(contentOf('ann@pve'));
    const other = new Tickets(keys, () => now);
    now += 120 * minute - 1000;
    expect(tickets.readLogin(ticket)?.user).toBe('ann@pve');
    expect(other.readLogin(ticket)?.user).toBe('ann@pve');
    now += 1000;
    expect(tickets.readLogin(ticket)).toBeUndefined();
    expect(other.readLogin(ticket)).toBeUndefined();
  });

  it('may come from a clock five minutes ahead, not more', () => {
    const ticket = tickets.login(contentOf('ann@pve'));
    now -= 5 * minute;
    expect(tickets.readLogin(ticket)?.user).toBe('ann@pve');
    now -= 1000;
    expect(tickets.readLogin(ticket)).toBeUndefined();
  });

  it('are refused in every changed form', () => {
    const ticket = tickets.login(contentOf('ann@pve'));
    const [, , time] = ticket.split(':') as [string, string, string];
    const signature = ticket.split('::')[1] as string;
    const later = (Number.parseInt(time, 16) + 60).toString(16).toUpperCase();
    const forged = [
      ticket.replace('ann@', 'adm@'),
      ticket.replace('ann@pve', 'root@pam'),
      ticket.replace(time, later),
      ticket.replace(signature, signature.slice(4)),
      ticket.replace(signature, Buffer.alloc(80).toString('base64')),
      ticket.replace(signature, withOtherFirstByte(signature)),
      ticket.slice(0, -1),
      `${ticket} `,
      ticket.toLowerCase(),
      new Tickets(makeKeys(), () => now).login(contentOf('ann@pve')),
      '',
      'PVE:',
      'PVE:ann@pve:::',
    ];
    for (const text of forged) expect(tickets.readLogin(text), text).toBeUndefined();
    expect(tickets.readLogin(ticket)?.user).toBe('ann@pve');
  });

  it('say their session and generation', () => {
    expect(tickets.readLogin(tickets.login(contentOf('ann@pve')))).toMatchObject(contentOf('ann@pve'));
  });

  it('cannot be made for a token or another purpose', () => {
    expect(tickets.readLogin(tickets.console('ann@pve', '/vms/100', 5900))).toBeUndefined();
    expect(tickets.readLogin(tickets.login(contentOf('ann@pve!token')))).toBeUndefined();
  });

  it('stay right while more come than are remembered', () => {
    const first = tickets.login(contentOf('first@pve'));
    expect(tickets.readLogin(first)?.user).toBe('first@pve');
    for (let i = 0; i < 300; i++)
      expect(tickets.readLogin(tickets.login(contentOf(`u${i}@pve`)))?.user).toBe(`u${i}@pve`);
    expect(tickets.readLogin(first)?.user).toBe('first@pve');
  });
});

describe('CSRF tokens', () => {
  it('fit their user for two hours', () => {
    const token = tickets.csrf('ann@pve');
    expect(token).toMatch(/^[0-9A-F]{8}:[A-Za-z0-9+/]{43}=$/);
    expect(tickets.csrfFits(token, 'ann@pve')).toBe(true);
    expect(tickets.csrfFits(token, 'bob@pve')).toBe(false);
    now += 120 * minute;
    expect(tickets.csrfFits(token, 'ann@pve')).toBe(false);
  });

  it.each(['', ':', '00000000:', 'x'.repeat(60), `FFFFFFFF:${'A'.repeat(43)}=`])(
    '%j fits nobody',
    (token) => {
      expect(tickets.csrfFits(token, 'ann@pve')).toBe(false);
    },
  );

  it('cannot be moved to another time', () => {
    const token = tickets.csrf('ann@pve');
    now += minute;
    const time = tickets.csrf('ann@pve').slice(0, 8);
    expect(tickets.csrfFits(time + token.slice(8), 'ann@pve')).toBe(false);
  });
});

describe('console tickets', () => {
  const fits = (ticket: string, user = 'ann@pve', path = '/vms/100', port = 5900, consume = true) =>
    tickets.consoleFits(ticket, user, path, port, consume);

  it('open one console once', () => {
    const ticket = tickets.console('ann@pve', '/vms/100', 5900);
    expect(ticket).toMatch(/^PVEVNC:[0-9A-F]{8}::[A-Za-z0-9+/]+=*$/);
    expect(fits(ticket)).toBe(true);
    expect(fits(ticket)).toBe(false);
  });

  it('two of the same second are two', () => {
    const [one, two] = [1, 2].map(() => tickets.console('ann@pve', '/vms/100', 5900)) as [string, string];
    expect(one).not.toBe(two);
    expect(fits(one)).toBe(true);
    expect(fits(two)).toBe(true);
  });

  it('fit nobody else, no other guest and no other port, and a refusal does not use them up', () => {
    const ticket = tickets.console('ann@pve', '/vms/100', 5900);
    expect(fits(ticket, 'bob@pve')).toBe(false);
    expect(fits(ticket, 'ann@pve', '/vms/101')).toBe(false);
    expect(fits(ticket, 'ann@pve', '/vms/100', 5901)).toBe(false);
    expect(fits(ticket, 'ann@pve', '/vms/100', 5900, false)).toBe(true);
    expect(fits(ticket)).toBe(true);
  });

  it('end after 30 seconds', () => {
    const ticket = tickets.console('ann@pve', '/vms/100', 5900);
    now += 29_000;
    expect(fits(ticket, 'ann@pve', '/vms/100', 5900, false)).toBe(true);
    now += 1000;
    expect(fits(ticket)).toBe(false);
  });

  it('cannot be used twice by writing the same bytes in another way', () => {
    const ticket = tickets.console('ann@pve', '/vms/100', 5900);
    expect(fits(ticket)).toBe(true);
    for (const tail of ['=', '==', 'A', '/']) expect(fits(ticket + tail), tail).toBe(false);
    expect(fits(ticket.replace(/=+$/, ''))).toBe(false);
  });

  it('no part runs into the next', () => {
    const ticket = tickets.console('ann@pve', '/vms/1005', 900);
    expect(fits(ticket, 'ann@pve', '/vms/100', 5900)).toBe(false);
  });
});
