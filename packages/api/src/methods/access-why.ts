/** Why somebody may or may not: the access rules behind one privilege, and everybody who has rights on a path. */
import { defineMethod } from '../method.ts';
import { Bit, Enum, Format, Type } from '../schema/types.ts';

const Optional = Type.Optional;

/** What became of a rule; the documentation of the API's extensions has them in words. */
const ruleEffects = ['applies', 'denies', 'cancelled', 'replaced', 'hidden', 'not-propagated'] as const;

const ruleFields = {
  path: Type.String({ description: 'Where the rule stands.' }),
  type: Enum(['user', 'group', 'token']),
  ugid: Type.String({ description: 'User, group or full token id.' }),
  roleid: Type.String(),
  propagate: Bit('1: holds below the path too.'),
  pool: Optional(Type.String({ description: 'The pool by which the rule counts here.' })),
};

const subject = () =>
  Type.String({
    pattern: '[^\\s:/]+@[A-Za-z][A-Za-z0-9.\\-_]+(?:![A-Za-z][A-Za-z0-9.\\-_]+)?',
    description: 'User id or full token id; the caller when not given.',
  });
const aclPath = () => Type.String({ description: 'For example /, /vms/100, /storage/local, /nodes/pve1.' });

const Rule = Type.Object({
  ...ruleFields,
  'has-privilege': Bit('1: the role has the privilege.'),
  effect: Enum(ruleEffects, { description: 'What became of the rule.' }),
});

export const permissionWhy = defineMethod({
  id: 'access.permissionWhy',
  verb: 'GET',
  path: '/access/permissions/why',
  description:
    'Why a user or API token has a privilege on a path or has it not: the rules that were considered, which of them ' +
    'decided, and what would be needed. About others it needs Sys.Audit on /access, or the right to give out rights on the path.',
  params: Type.Object({
    userid: Optional(subject()),
    path: aclPath(),
    privilege: Format('pve-priv', { description: 'For example VM.PowerMgmt.' }),
  }),
  returns: Type.Object({
    userid: Type.String(),
    path: Type.String(),
    privilege: Type.String(),
    granted: Bit('1: the user has it.'),
    propagate: Bit('1: and below the path too.'),
    reason: Type.String({ description: 'In one sentence.' }),
    obstacle: Optional(Type.String({ description: 'What keeps the user or token from logging in at all.' })),
    checks: Type.Array(
      Type.Object({
        subject: Type.String({
          description: 'Whose rules they are: for a token its own and those of its user.',
        }),
        granted: Bit(),
        rules: Type.Array(Rule),
      }),
      { description: 'All must grant it. Empty where no rule is asked, as for root@pam.' },
    ),
    needed: Type.Array(
      Type.Object({
        action: Enum(['give', 'remove'], { description: 'Give one of the roles, or take these rules away.' }),
        subject: Type.String(),
        path: Type.String(),
        roles: Type.Array(Type.String(), {
          description: 'One of these is enough; the first gives least beside.',
        }),
        keep: Type.Array(Type.String(), {
          description: 'Roles to give along, because a rule on this path replaces those that apply now.',
        }),
      }),
      { description: 'What would grant it: all of these. Empty when it is granted.' },
    ),
  }),
  permission: { user: 'all' },
  extension: true,
  cli: { command: 'pveum why', args: ['userid', 'path', 'privilege'] },
});

export const permissionWho = defineMethod({
  id: 'access.permissionWho',
  verb: 'GET',
  path: '/access/permissions/who',
  description:
    'Everybody who has rights on a path, and by which rules. Needs Sys.Audit on /access, or the right to give out rights on the path.',
  params: Type.Object({ path: aclPath() }),
  returns: Type.Array(
    Type.Object({
      userid: Type.String({ description: 'User, or full id of an API token.' }),
      type: Enum(['user', 'token']),
      enabled: Bit('0: disabled or expired.'),
      privs: Type.String({ description: 'Separated by commas.' }),
      rules: Type.Array(Type.Object(ruleFields), {
        description:
          'Those that apply. Empty for root@pam and for tokens that have all rights of their user.',
      }),
    }),
  ),
  permission: { user: 'all' },
  extension: true,
  cli: { command: 'pveum who', args: ['path'], columns: ['userid', 'enabled', 'privs'] },
});
