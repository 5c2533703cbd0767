/** What a sync changes in users and groups: pure, so that a preview and the real thing are the same. */

import type { AccessState } from '../../access-documents.ts';
import { newUser, type User, type UserConfig } from '../../user-config.ts';
import { groupIdOf, shownName, userIdOf } from '../../user-name.ts';
import { removeUserFrom } from '../../users.ts';
import type { DirectoryContent, DirectoryUser } from './read.ts';
import { type SyncedProperty, syncedProperties } from './settings.ts';

export interface SyncOptions {
  readonly scope: 'users' | 'groups' | 'both';
  readonly enableNew: boolean;
  /** What of users and groups that have vanished from the directory goes. */
  readonly removeEntries: boolean;
  readonly removeAcl: boolean;
  /** Properties that the directory does not give are cleared. */
  readonly removeProperties: boolean;
  /** All realms: the group `x-a-corp` belongs to a-corp, not to corp. */
  readonly realms: readonly string[];
}

export interface SyncChange {
  readonly kind: 'user' | 'group';
  readonly action: 'create' | 'update' | 'remove' | 'remove-acl';
  readonly id: string;
  /** Which properties change, or how many members come and go. */
  readonly detail?: string;
}

export interface SyncResult {
  readonly changes: readonly SyncChange[];
  readonly warnings: readonly string[];
}

/** Brings `state` in line with the directory and tells what it changed. */
export function applySync(
  state: AccessState,
  realm: string,
  content: DirectoryContent,
  options: SyncOptions,
): SyncResult {
  const sync = new Sync(state, realm, options);
  sync.readUsers(content.users);
  if (options.scope !== 'groups') sync.users();
  if (options.scope !== 'users') sync.groups(content.groups);
  return { changes: sync.changes, warnings: [...content.warnings, ...sync.warnings] };
}

class Sync {
  readonly changes: SyncChange[] = [];
  readonly warnings: string[] = [];
  private readonly config: UserConfig;
  /** Users of the directory that can be users here. */
  private readonly found = new Map<string, DirectoryUser>();
  private readonly idByDn = new Map<string, string>();
  private readonly idByName = new Map<string, string>();

  constructor(
    private readonly state: AccessState,
    private readonly realm: string,
    private readonly options: SyncOptions,
  ) {
    this.config = state.config;
  }

  readUsers(users: readonly DirectoryUser[]): void {
    for (const user of users) {
      const named = userIdOf(user.name, this.realm);
      if ('problem' in named) {
        this.warnings.push(`user '${shownName(user.name)}' has ${named.problem}: left out`);
      } else if (this.found.has(named.id)) {
        this.warnings.push(`user '${named.id}' is in the directory twice: '${shownName(user.dn)}' left out`);
      } else {
        this.found.set(named.id, user);
        this.idByDn.set(comparableDn(user.dn), named.id);
        this.idByName.set(user.name, named.id);
      }
    }
  }

  users(): void {
    for (const [id, { properties }] of this.found) {
      const known = this.config.users.get(id);
      if (known) this.updateUser(id, known, properties);
      else {
        const user = newUser({ enable: this.options.enableNew });
        this.setProperties(id, user, properties);
        this.config.users.set(id, user);
        this.changes.push({ kind: 'user', action: 'create', id });
      }
    }
    const vanished = [...this.config.users.keys()].filter(
      (id) => id.endsWith(`@${this.realm}`) && !this.found.has(id),
    );
    for (const id of vanished) this.removeUser(id);
  }

  private updateUser(id: string, user: User, properties: ReadonlyMap<SyncedProperty, string>): void {
    const before = { ...user };
    if (this.options.removeProperties) {
      const empty = { firstname: '', lastname: '', email: '', comment: '' };
      Object.assign(user, empty, { expire: 0 });
    }
    this.setProperties(id, user, properties);
    const differing = syncedProperties.filter((property) => user[property] !== before[property]);
    if (differing.length === 0) return;
    this.changes.push({ kind: 'user', action: 'update', id, detail: differing.join(', ') });
  }

  private setProperties(id: string, user: User, properties: ReadonlyMap<SyncedProperty, string>): void {
    for (const [property, value] of properties) {
      if (property === 'enable') user.enable = isTrue(value);
      else if (property === 'expire') user.expire = /^\d{1,11}$/.test(value) ? Number(value) : user.expire;
      else if (property === 'email' && !/^[^\s:]{1,254}$/.test(value))
        this.warnings.push(`user '${id}': '${shownName(value)}' is no email address: left out`);
      else if (property === 'keys') user.keys = /^[0-9a-zA-Z!=]{0,4096}$/.test(value) ? value : user.keys;
      else user[property] = value.slice(0, 1024);
    }
  }

  private removeUser(id: string): void {
    if (this.options.removeEntries) {
      removeUserFrom(this.state, id);
      this.changes.push({ kind: 'user', action: 'remove', id });
    } else if (this.options.removeAcl) {
      let had = false;
      for (const node of this.config.acl.values()) had = node.users.delete(id) || had;
      if (had) this.changes.push({ kind: 'user', action: 'remove-acl', id });
    }
  }

  groups(groups: DirectoryContent['groups']): void {
    const found = new Set<string>();
    for (const { name, memberDns, memberNames } of groups) {
      const id = groupIdOf(name, this.realm);
      if (id === undefined) {
        this.warnings.push(
          `group '${shownName(name)}' has characters that a group name cannot have: left out`,
        );
        continue;
      }
      const ids = [
        ...memberDns.map((dn) => this.idByDn.get(comparableDn(dn))),
        ...memberNames.map((one) => this.idByName.get(one)),
      ];
      const members = ids.filter((one): one is string => one !== undefined && this.config.users.has(one));
      if (found.has(id)) this.warnings.push(`group '${id}' is in the directory twice: only the first counts`);
      else this.setGroup(id, new Set(members));
      found.add(id);
    }
    const vanished = [...this.config.groups.keys()].filter((id) => this.isOwnGroup(id) && !found.has(id));
    for (const id of vanished) this.removeGroup(id);
  }

  private isOwnGroup(id: string): boolean {
    const suffix = `-${this.realm}`;
    const isOfOther = this.options.realms.some((one) => one.endsWith(suffix) && id.endsWith(`-${one}`));
    return id.endsWith(suffix) && !isOfOther;
  }

  private setGroup(id: string, members: Set<string>): void {
    const known = this.config.groups.get(id);
    if (!known) {
      this.config.groups.set(id, { users: members, comment: '' });
      this.changes.push({ kind: 'group', action: 'create', id, detail: `+${members.size}` });
      return;
    }
    const own = (user: string) => user.endsWith(`@${this.realm}`);
    const come = [...members].filter((user) => !known.users.has(user));
    // Members of other realms were put in by a person.
    const go = [...known.users].filter((user) => own(user) && !members.has(user));
    for (const user of come) known.users.add(user);
    for (const user of go) known.users.delete(user);
    if (come.length + go.length === 0) return;
    this.changes.push({ kind: 'group', action: 'update', id, detail: `+${come.length} -${go.length}` });
  }

  private removeGroup(id: string): void {
    const { removeEntries, removeAcl } = this.options;
    let had = false;
    if (removeAcl || removeEntries) {
      for (const node of this.config.acl.values()) had = node.groups.delete(id) || had;
    }
    if (removeEntries) {
      this.config.groups.delete(id);
      this.changes.push({ kind: 'group', action: 'remove', id });
    } else if (had) this.changes.push({ kind: 'group', action: 'remove-acl', id });
  }
}

/** DNs compare without case and without blanks around separators (RFC 4517, the usual attributes). */
const comparableDn = (dn: string): string =>
  dn
    .toLowerCase()
    .split(/([,=+])/)
    .map((part) => part.trim())
    .join('');

const isTrue = (value: string): boolean => !/^(0|false|no|off|)$/i.test(value.trim());
