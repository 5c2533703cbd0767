/** Records of firewall operations, the same for each level: datacenter, node, guest. */
import { defineMethod, type Method, type Permission } from '../method.ts';
import {
  alias,
  aliasRow,
  changedRule,
  firewallName,
  listedRule,
  logLines,
  logQuery,
  newRule,
  referenceRow,
  rulePosition,
  setAddress,
  setMember,
  setMemberRow,
  setRow,
  singleRule,
} from '../schema/firewall.ts';
import {
  Bit,
  Digest,
  Enum,
  Format,
  Null,
  type TObject,
  type TProperties,
  type TSchema,
  Type,
} from '../schema/types.ts';

const Optional = Type.Optional;
export const digest = Optional(Digest());

/** One level: what stands in front of its paths, and who may look and change. */
export interface Level<P extends TProperties> {
  readonly id: string;
  readonly base: string;
  readonly params: P;
  readonly read: Permission;
  readonly write: Permission;
  readonly proxyTo?: 'node';
}

/** A record whose parameters are those of its level and others. */
type LevelMethod<P extends TProperties, E extends TProperties, R extends TSchema> = Omit<
  Method<TObject, R>,
  'params'
> & { readonly params: TObject<P & E> };

/** A record of one level: with the level's own parameters and `others`. */
function define<P extends TProperties, E extends TProperties, R extends TSchema>(
  level: Level<P>,
  others: E,
  method: Omit<Method<TObject, R>, 'params'>,
): LevelMethod<P, E, R> {
  const params = Type.Object({ ...level.params, ...others });
  const proxy = level.proxyTo ? { proxyTo: level.proxyTo } : {};
  return defineMethod({ ...method, ...proxy, params } as Method) as unknown as LevelMethod<P, E, R>;
}

export function index<P extends TProperties>(level: Level<P>) {
  return define(
    level,
    {},
    {
      id: `${level.id}.index`,
      verb: 'GET',
      path: level.base,
      description: 'Directory of the firewall.',
      returns: Type.Array(Type.Object({ name: Type.String() })),
      permission: { user: 'all' },
    },
  );
}

/** `list` differs in its path only: rules of a security group stand directly below the group. */
export function ruleMethods<P extends TProperties>(level: Level<P>, what: string) {
  const { id, base, read, write } = level;
  return {
    list: define(
      level,
      {},
      {
        id: `${id}.list`,
        verb: 'GET',
        path: base,
        description: `Rules of ${what}, in the order in which they are asked.`,
        returns: Type.Array(listedRule),
        permission: read,
      },
    ),
    create: define(
      level,
      { ...newRule },
      {
        id: `${id}.create`,
        verb: 'POST',
        dryRun: 'documents',
        path: base,
        description: `Adds a rule to ${what}, as the first; switched off unless 'enable' says otherwise.`,
        returns: Null(),
        permission: write,
      },
    ),
    get: define(
      level,
      { pos: rulePosition },
      {
        id: `${id}.get`,
        verb: 'GET',
        path: `${base}/{pos}`,
        description: `One rule of ${what}.`,
        returns: singleRule,
        permission: read,
      },
    ),
    update: define(
      level,
      { ...changedRule },
      {
        id: `${id}.update`,
        verb: 'PUT',
        dryRun: 'documents',
        path: `${base}/{pos}`,
        description: `Changes or moves a rule of ${what}.`,
        returns: Null(),
        permission: write,
      },
    ),
    remove: define(
      level,
      { pos: rulePosition, digest },
      {
        id: `${id}.delete`,
        verb: 'DELETE',
        dryRun: 'documents',
        path: `${base}/{pos}`,
        description: `Removes a rule of ${what}.`,
        returns: Null(),
        permission: write,
      },
    ),
  };
}

export function aliasMethods<P extends TProperties>(level: Level<P>) {
  const { read, write } = level;
  const id = `${level.id}.aliases`;
  const base = `${level.base}/aliases`;
  const name = firewallName('Name of the alias.');
  return {
    list: define(
      level,
      {},
      {
        id: `${id}.list`,
        verb: 'GET',
        path: base,
        description: 'Names for addresses and networks.',
        returns: Type.Array(aliasRow),
        permission: read,
      },
    ),
    create: define(
      level,
      { name, ...alias },
      {
        id: `${id}.create`,
        verb: 'POST',
        dryRun: 'documents',
        path: base,
        description: 'Gives an address or a network a name.',
        returns: Null(),
        permission: write,
      },
    ),
    get: define(
      level,
      { name },
      {
        id: `${id}.get`,
        verb: 'GET',
        path: `${base}/{name}`,
        description: 'One alias.',
        returns: aliasRow,
        permission: read,
      },
    ),
    update: define(
      level,
      { name, ...alias, rename: Optional(firewallName('Its new name.')), digest },
      {
        id: `${id}.update`,
        verb: 'PUT',
        dryRun: 'documents',
        path: `${base}/{name}`,
        description: 'Changes an alias.',
        returns: Null(),
        permission: write,
      },
    ),
    remove: define(
      level,
      { name, digest },
      {
        id: `${id}.delete`,
        verb: 'DELETE',
        dryRun: 'documents',
        path: `${base}/{name}`,
        description: 'Removes an alias. Rules that name it keep what was loaded last, and are reported.',
        returns: Null(),
        permission: write,
      },
    ),
  };
}

export function setMethods<P extends TProperties>(level: Level<P>) {
  const { read, write } = level;
  const id = `${level.id}.ipset`;
  const base = `${level.base}/ipset`;
  const name = firewallName('Name of the IP set.');
  return {
    list: define(
      level,
      {},
      {
        id: `${id}.list`,
        verb: 'GET',
        path: base,
        description: 'IP sets.',
        returns: Type.Array(setRow),
        permission: read,
      },
    ),
    create: define(
      level,
      {
        name,
        comment: Optional(Type.String({ description: 'A note.' })),
        rename: Optional(
          firewallName('The set that gets this name; the same name changes the comment only.'),
        ),
        digest,
      },
      {
        id: `${id}.create`,
        verb: 'POST',
        dryRun: 'documents',
        path: base,
        description: "Makes an IP set; with 'rename' it changes the name or the comment of one.",
        returns: Null(),
        permission: write,
      },
    ),
    remove: define(
      level,
      {
        name,
        force: Optional(Type.Boolean({ description: 'Remove it with all that it holds.' })),
      },
      {
        id: `${id}.delete`,
        verb: 'DELETE',
        dryRun: 'documents',
        path: `${base}/{name}`,
        description: 'Removes an IP set that is empty.',
        returns: Null(),
        permission: write,
      },
    ),
    members: define(
      level,
      { name },
      {
        id: `${id}.members.list`,
        verb: 'GET',
        path: `${base}/{name}`,
        description: 'What an IP set holds.',
        returns: Type.Array(setMemberRow),
        permission: read,
      },
    ),
    add: define(
      level,
      { name, cidr: setAddress, ...setMember },
      {
        id: `${id}.members.create`,
        verb: 'POST',
        dryRun: 'documents',
        path: `${base}/{name}`,
        description: 'Adds an address, a network or an alias to an IP set.',
        returns: Null(),
        permission: write,
      },
    ),
    member: define(
      level,
      { name, cidr: setAddress },
      {
        id: `${id}.members.get`,
        verb: 'GET',
        path: `${base}/{name}/{cidr}`,
        description: 'One member of an IP set.',
        returns: setMemberRow,
        permission: read,
      },
    ),
    change: define(
      level,
      { name, cidr: setAddress, ...setMember, digest },
      {
        id: `${id}.members.update`,
        verb: 'PUT',
        dryRun: 'documents',
        path: `${base}/{name}/{cidr}`,
        description: 'Changes a member of an IP set.',
        returns: Null(),
        permission: write,
      },
    ),
    take: define(
      level,
      { name, cidr: setAddress, digest },
      {
        id: `${id}.members.delete`,
        verb: 'DELETE',
        dryRun: 'documents',
        path: `${base}/{name}/{cidr}`,
        description: 'Takes a member out of an IP set.',
        returns: Null(),
        permission: write,
      },
    ),
  };
}

export function references<P extends TProperties>(level: Level<P>) {
  return define(
    level,
    { type: Optional(Enum(['alias', 'ipset'])) },
    {
      id: `${level.id}.refs`,
      verb: 'GET',
      path: `${level.base}/refs`,
      description: 'Aliases and IP sets that rules here can name.',
      returns: Type.Array(referenceRow),
      permission: level.read,
    },
  );
}

export function optionMethods<P extends TProperties, G extends TProperties, S extends TProperties>(
  level: Level<P>,
  shown: G,
  settable: S,
) {
  return {
    get: define(
      level,
      {},
      {
        id: `${level.id}.options.get`,
        verb: 'GET',
        path: `${level.base}/options`,
        description: 'Options of the firewall, as far as they are set.',
        returns: Type.Object({ ...shown, digest: Type.String() }),
        permission: level.read,
      },
    ),
    set: define(
      level,
      {
        ...settable,
        delete: Optional(
          Format('pve-configid-list', { description: 'Options to set back to their default.' }),
        ),
        digest,
      },
      {
        id: `${level.id}.options.set`,
        verb: 'PUT',
        dryRun: 'documents',
        path: `${level.base}/options`,
        description: 'Changes options of the firewall.',
        returns: Null(),
        permission: level.write,
      },
    ),
  };
}

export function logMethod<P extends TProperties>(level: Level<P>, permission: Permission) {
  return define(
    level,
    { ...logQuery },
    {
      id: `${level.id}.log`,
      verb: 'GET',
      path: `${level.base}/log`,
      description: 'Packets that rules have logged, oldest first.',
      returns: logLines,
      permission,
    },
  );
}

export const below = <P extends TProperties>(level: Level<P>, name: string): Level<P> => ({
  ...level,
  id: `${level.id}.${name}`,
  base: `${level.base}/${name}`,
});

/** The same fields as booleans in parameters and as 0 or 1 in results. */
export function switches<K extends string>(texts: Readonly<Record<K, string>>) {
  const keys = Object.keys(texts) as K[];
  const of = <V>(make: (text: string) => V) =>
    Object.fromEntries(keys.map((key) => [key, make(texts[key])])) as Record<K, V>;
  return {
    shown: of((text) => Optional(Bit(text))),
    settable: of((text) => Optional(Type.Boolean({ description: text }))),
  };
}
