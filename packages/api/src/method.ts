/**
 * One record per API method. REST, CLI, OpenAPI, the typed client and the forms of the Web UI all derive
 * from these records; nothing else describes an operation.
 */
import type { Static, TObject, TSchema } from '@sinclair/typebox';
import type { Privilege } from './privileges.ts';

/**
 * Header of calls that give or take away a login. With the value `cookie` the ticket goes into a cookie that scripts cannot
 * read; without the header it goes into the body, as in the public API.
 */
export const sessionHeader = 'Ryokan-Session';

export type Verb = 'GET' | 'POST' | 'PUT' | 'DELETE';

/**
 * Who may call a method. `{param}` in a path is replaced by the value of that parameter.
 * - `user: 'world'`: no login needed; `'all'`: any login, the handler filters what it returns;
 *   `'root'`: root@pam itself (not its tokens).
 * - `perm`: all of `privs` (one of them with `any`) on the ACL path. With `ifParam` nobody meets the rule unless
 *   that parameter was given.
 */
export type Permission =
  | { readonly user: 'world' | 'all' | 'root' }
  | {
      readonly perm: string;
      readonly privs: readonly Privilege[];
      readonly any?: true;
      readonly ifParam?: string;
    }
  /** May hand out rights on an ACL path: Permissions.Modify there, or the allocating privilege of its kind. */
  | { readonly modifyPath: string }
  /** The caller is the user named by this parameter. */
  | { readonly self: string }
  /** The privileges on /access/realm/<realm of the user named by this parameter>. */
  | { readonly realmOf: string; readonly privs: readonly Privilege[] }
  /**
   * One of the privileges on /access/groups, or on /access/groups/<group> of a group that the user named by this
   * parameter is in. With `groups` the parameter `groups` counts too: each group in it must be the caller's to manage; on `create`,
   * where the user is in no group yet, it is all that counts.
   */
  | {
      readonly userGroup: string;
      readonly privs: readonly Privilege[];
      readonly groups?: 'create' | 'update';
    }
  | { readonly and: readonly Permission[] }
  | { readonly or: readonly Permission[] };

/** How a method appears on the command line. */
export interface CliCommand {
  /** Command and subcommand as people type them: `qm start`. */
  readonly command: string;
  /** Parameters taken by position, in order. */
  readonly args?: readonly string[];
  /** Other spellings of the subcommand. */
  readonly aliases?: readonly string[];
  /** Columns of a list result in text output, in order. */
  readonly columns?: readonly string[];
}

export interface Method<P extends TObject = TObject, R extends TSchema = TSchema> {
  /** Stable id, also the OpenAPI operationId: `qemu.start`. */
  readonly id: string;
  readonly verb: Verb;
  /** Path below /api2/json with `{param}` fragments. */
  readonly path: string;
  readonly description: string;
  /** All parameters, those of the path included. */
  readonly params: P;
  readonly returns: R;
  readonly permission: Permission;
  /** Forward to the node that this path parameter names. */
  readonly proxyTo?: 'node';
  /** Runs as a task and answers with its UPID. `id` names the parameter that stands in the UPID's id field. */
  readonly task?: { readonly type: string; readonly id?: string };
  /**
   * `documents`: the handler changes documents of the configuration store and nothing else, so that a dry run can try it
   * out. Without this a dry run of a method that is no task ends with the check of rights and parameters.
   */
  readonly dryRun?: 'documents';
  /** Names the parameter that takes `auto` for a new guest's VMID: the server then chooses a free one. */
  readonly assigns?: string;
  /** False: an API token cannot call it. */
  readonly allowToken?: false;
  /** True: gives or takes away a login, in the body or in a cookie, as the header `sessionHeader` says. */
  readonly session?: true;
  /** True: unknown parameters pass through instead of being refused. */
  readonly openParams?: true;
  /** True: not an operation of the public Proxmox VE API but ours. */
  readonly extension?: true;
  /** Handled by the transport in a special way. */
  readonly transport?: 'upload' | 'websocket' | 'events';
  readonly cli?: CliCommand;
}

export type ParamsOf<M extends Method> = Static<M['params']>;
export type ResultOf<M extends Method> = Static<M['returns']>;

const registry = new Map<string, Method>();

/** Declares a method and enters it into the registry. Throws when the id or the path and verb are taken. */
export function defineMethod<P extends TObject, R extends TSchema>(method: Method<P, R>): Method<P, R> {
  const key = `${method.verb} ${method.path}`;
  for (const other of registry.values()) {
    if (other.id === method.id || `${other.verb} ${other.path}` === key) {
      throw new Error(`method ${method.id} (${key}) is defined twice`);
    }
  }
  registry.set(method.id, method as unknown as Method);
  return method;
}

/** Every method defined so far, in order of definition. Import `methods/index.ts` first to have all. */
export function allMethods(): Method[] {
  return [...registry.values()];
}
