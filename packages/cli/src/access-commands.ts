/** Commands of `pveum` that are another call of the API than their name says. */
import { permissionTable } from './access-presenters.ts';
import type { ParsedArguments } from './arguments.ts';
import { exitCode } from './errors.ts';
import { type LocalCommand, single } from './local-command.ts';
import { isRecord, machineText } from './render.ts';
import type { Session } from './session.ts';

const text = { type: 'string' } as const;
const list = (format: string) => ({ type: 'string', format: `${format}-list` }) as const;

const aclParams = {
  path: text,
  roles: list('pve-roleid'),
  users: list('pve-userid'),
  groups: list('pve-groupid'),
  tokens: list('pve-tokenid'),
} as const;

async function deleteAcl(session: Session, parsed: ParsedArguments): Promise<number> {
  const given = Object.keys(aclParams).flatMap((name) => {
    const value = single(parsed, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  await session.api.call('PUT', '/access/acl', { ...Object.fromEntries(given), delete: '1' });
  return exitCode.ok;
}

const aclDelete: LocalCommand = {
  spec: {
    words: 'pveum acl delete',
    args: ['path'],
    params: aclParams,
    required: ['path', 'roles'],
    implied: [],
  },
  description: 'Take roles on a path away from users, groups and API tokens.',
  paramHelp: {
    path: { description: 'For example /, /vms/100, /storage/local, /nodes/pve1.' },
    roles: { description: 'Roles.' },
    users: { description: 'Users.' },
    groups: { description: 'Groups.' },
    tokens: { description: 'Full ids of API tokens.' },
  },
  run: deleteAcl,
};

const ticket: LocalCommand = {
  spec: {
    words: 'pveum ticket',
    args: ['username'],
    params: { username: text },
    required: ['username'],
    implied: [],
  },
  description: 'Log in with a password, which is asked for, and print the ticket.',
  paramHelp: { username: { description: 'User name with realm, name@realm.' } },
  run: async (session, parsed) => {
    const password = await session.system.askSecret('password: ');
    const username = single(parsed, 'username') ?? '';
    const { data } = await session.api.call('POST', '/access/ticket', { username, password });
    const { system, output } = session;
    const shown = isRecord(data) ? data : {};
    const machine = await machineText(shown, output.format, system.loadYaml);
    system.out(machine ?? `${String(shown.ticket)}\n`);
    return exitCode.ok;
  },
};

const tokenPermissions: LocalCommand = {
  spec: {
    words: 'pveum user token permissions',
    args: ['userid', 'tokenid'],
    params: { userid: { type: 'string', format: 'pve-userid' }, tokenid: text, path: text },
    required: ['userid', 'tokenid'],
    implied: [],
  },
  description: 'The privileges that an API token has in effect, by path.',
  paramHelp: {
    userid: { description: 'Full user id, name@realm.' },
    tokenid: { description: 'The part of the token id after the user.' },
    path: { description: 'Only this path.' },
  },
  run: async (session, parsed) => {
    const path = single(parsed, 'path');
    const userid = `${single(parsed, 'userid')}!${single(parsed, 'tokenid')}`;
    const params = { userid, ...(path === undefined ? {} : { path }) };
    const { data } = await session.api.call('GET', '/access/permissions', params);
    const { system, output } = session;
    const machine = await machineText(data, output.format, system.loadYaml);
    system.out(machine ?? permissionTable(data, { session }) ?? '');
    return exitCode.ok;
  },
};

export const accessCommands: readonly LocalCommand[] = [
  aclDelete,
  { ...aclDelete, spec: { ...aclDelete.spec, words: 'pveum acldel' } },
  ticket,
  tokenPermissions,
];
