/** Permission rules of methods as lists of what a caller must hold: for tests that give exactly this, or less. */
import type { Method, Permission } from '../../packages/api/src/method.ts';
import type { Parameters } from './http-client.ts';

/** All of `privs` on one ACL path. */
export interface Grant {
  readonly path: string;
  readonly privs: readonly string[];
}

/** One way to meet a rule. */
export interface Way {
  readonly grants: readonly Grant[];
  /** The parameter that must name the caller. */
  readonly self?: string;
  /** No right meets it: root@pam alone. */
  readonly root?: true;
}

type Fill = (template: string) => string;

/** Below these paths a privilege to make things is one to hand out rights: what `modifyPath` takes instead. */
const allocating: Readonly<Record<string, string>> = {
  vms: 'VM.Allocate',
  storage: 'Datastore.Allocate',
  pool: 'Pool.Allocate',
};

/**
 * Every way to meet `rule`. `group` is one that the user named in the parameters is a member of, `realm` that user's.
 */
export function waysOf(rule: Permission, fill: Fill, named: { group: string; realm: string }): Way[] {
  const one = (path: string, ...privs: string[]): Way => ({ grants: [{ path, privs }] });
  if ('user' in rule) return [rule.user === 'root' ? { grants: [], root: true } : { grants: [] }];
  if ('perm' in rule) {
    const path = fill(rule.perm);
    return rule.any ? rule.privs.map((priv) => one(path, priv)) : [one(path, ...rule.privs)];
  }
  if ('modifyPath' in rule) {
    const path = fill(rule.modifyPath);
    const own = allocating[path.split('/')[1] ?? ''];
    return ['Permissions.Modify', ...(own === undefined ? [] : [own])].map((priv) => one(path, priv));
  }
  if ('self' in rule) return [{ grants: [], self: rule.self }];
  if ('realmOf' in rule) return [one(`/access/realm/${named.realm}`, ...rule.privs)];
  if ('userGroup' in rule) {
    const paths = ['/access/groups', `/access/groups/${named.group}`];
    return paths.flatMap((path) => rule.privs.map((priv) => one(path, priv)));
  }
  if ('or' in rule) return rule.or.flatMap((part) => waysOf(part, fill, named));
  return rule.and
    .map((part) => waysOf(part, fill, named))
    .reduce((all, part) => all.flatMap((way) => part.map((other) => both(way, other))), [{ grants: [] }]);
}

const both = (one: Way, other: Way): Way => ({ ...one, ...other, grants: [...one.grants, ...other.grants] });

/** The same without the last privilege of the last grant. */
export function less(grants: readonly Grant[]): Grant[] {
  const last = grants.at(-1);
  if (!last) return [];
  const privs = last.privs.slice(0, -1);
  return [...grants.slice(0, -1), ...(privs.length > 0 ? [{ path: last.path, privs }] : [])];
}

/** Every list that lacks exactly one privilege of `grants`, and which that is. */
export function eachLess(grants: readonly Grant[]): { lacks: string; grants: Grant[] }[] {
  return grants.flatMap((grant, at) =>
    grant.privs.map((lacking) => ({
      lacks: `${lacking} on ${grant.path}`,
      grants: grants
        .map((other, i) => (i === at ? { ...other, privs: other.privs.filter((p) => p !== lacking) } : other))
        .filter(({ privs }) => privs.length > 0),
    })),
  );
}

/** Rules that let any login in, also as one of several ways: the handler then filters or looks closer. */
export const isOpen = (rule: Permission): boolean =>
  'user' in rule ? rule.user !== 'root' : 'or' in rule && rule.or.some(isOpen);

export const isForWorld = ({ permission }: Method): boolean =>
  'user' in permission && permission.user === 'world';

/** What a call of a method needs: those required, those of the path, those that its rule looks at. */
export function sampleParameters(method: Method, samples: Readonly<Record<string, string>>) {
  const inPath = new Set([...method.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => String(name)));
  const ofRule = [...JSON.stringify(method.permission).matchAll(/\{([\w-]+)\}/g)].map(([, name]) =>
    String(name),
  );
  const values: Record<string, string> = {};
  for (const key of new Set([...(method.params.required ?? []), ...ofRule, ...inPath])) {
    const schema = method.params.properties[key];
    values[key] = samples[key] ?? String(schema?.enum?.[0] ?? schema?.minimum ?? 'x1');
  }
  if (/"groups":"create"/.test(JSON.stringify(method.permission))) values.groups = samples.groups ?? 'team';
  const body: Record<string, string> = { ...values };
  for (const name of inPath) delete body[name];
  return { values, body: body as Parameters };
}
