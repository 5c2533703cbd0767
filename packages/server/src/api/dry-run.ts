/**
 * `dry-run=1` on a changing method: the call goes as far as it can without an effect, and the answer says what it would
 * change, what blocks it and which privileges it needs. This file is the only one that runs anything of a handler for a
 * dry run: the `check` of a task, its `plan`, and handlers whose record says `dryRun: 'documents'`; all of them rehearsed.
 */
import { messageOf, ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { Method } from '@ryokan/api/method.ts';
import type { Privilege } from '@ryokan/api/privileges.ts';
import { requireValid } from '@ryokan/api/validate.ts';
import { type DocumentChange, type Rehearsed, rehearse } from '../cluster/rehearsal.ts';
import type { Services } from '../services.ts';
import { authorize } from './authorize.ts';
import { type Call, demandThisNode, type Entry } from './handler-table.ts';
import { changedLines } from './line-diff.ts';

const parameter = 'dry-run';

export interface DryRunReport {
  readonly 'dry-run': 1;
  /** The operation's id, and the type of the task that it would start. */
  readonly operation: string;
  readonly task?: string;
  /** 1: the call would be accepted. A task can still fail later, for what only shows while it works. */
  readonly accepted: 0 | 1;
  readonly blocked: readonly Block[];
  /** What was asked for, in this order, until the first that is missing. */
  readonly needs: readonly Need[];
  readonly changes: readonly ShownChange[];
  /** What would be done beside the documents, a sentence each. Of what nothing closer can be said: what the method is for. */
  readonly effects: readonly string[];
  /** 1: `changes` and `effects` are all that would happen; 0: the operation does more than can be said beforehand. */
  readonly complete: 0 | 1;
}

interface Block {
  readonly code: string;
  readonly message: string;
  readonly errors?: Readonly<Record<string, string>>;
}

interface Need {
  readonly path: string;
  readonly privileges: readonly Privilege[];
  /** 1: one of the privileges is enough. */
  readonly any?: 1;
  readonly held: 0 | 1;
}

interface ShownChange {
  readonly document: string;
  readonly change: 'create' | 'modify' | 'delete';
  /** Lines that go (`-`) and come (`+`). Documents with secrets have none. */
  readonly diff?: readonly string[];
}

/**
 * Takes `dry-run` out of the parameters of a changing method; true when it was asked for. A method that has a parameter
 * of this name by itself keeps it.
 */
export function takeDryRun(method: Method, raw: Record<string, unknown>): boolean {
  if (method.verb === 'GET' || parameter in method.params.properties || !(parameter in raw)) return false;
  const value = raw[parameter];
  delete raw[parameter];
  if (value === true || value === 1 || value === '1') return true;
  if (value === false || value === 0 || value === '0') return false;
  throw new ParameterError({ [parameter]: `type check ('boolean') failed - got '${String(value)}'` });
}

/** The report on a call that is not made. Rejects for what is no answer but a fault of the server. */
export async function dryRun(
  services: Services,
  entry: Entry,
  raw: Readonly<Record<string, unknown>>,
  call: Call,
): Promise<DryRunReport> {
  const { method } = entry;
  const { caller, needs } = recording(call);
  const blocked: Block[] = [];
  let outcome: Rehearsed = { changes: [], effects: [] };
  try {
    if (method.transport === 'upload')
      throw new RyokanError(
        'unsupported',
        'dry-run: what an upload would do shows only once the file is here',
      );
    authorize(method.permission, raw, caller, services.access);
    const params = requireValid(method.params, raw, method.openParams === true) as Record<string, unknown>;
    demandThisNode(method, params, services.settings.node);
    outcome = await rehearse(services.store, () => rehearseEntry(entry, params, caller));
  } catch (error) {
    if (!(error instanceof RyokanError)) throw error;
    blocked.push(blockOf(error));
  }
  const accepted = blocked.length === 0;
  const complete = accepted && isComplete(entry);
  return {
    'dry-run': 1,
    operation: method.id,
    ...(method.task ? { task: method.task.type } : {}),
    accepted: accepted ? 1 : 0,
    blocked,
    needs: needs(accepted),
    changes: shownChanges(entry, outcome.changes),
    effects: accepted && !complete ? [...outcome.effects, described(method, raw)] : outcome.effects,
    complete: complete ? 1 : 0,
  };
}

async function rehearseEntry(entry: Entry, params: Record<string, unknown>, caller: Call): Promise<void> {
  if (entry.kind === 'task') await entry.handler.check?.(params, caller);
  else if (entry.method.dryRun === 'documents') await entry.handle(params, caller);
  await planOf(entry)?.(params, caller);
}

/** What a method does as its record says it, and to what. */
function described({ description, verb, path }: Method, raw: Readonly<Record<string, unknown>>): string {
  const target = path.replace(/\{([^}]+)\}/g, (_, name: string) => String(raw[name]));
  const [sentence = description] = /^.*?[.:](?=\s|$)/s.exec(description) ?? [];
  return `${sentence.slice(0, -1)} (${verb} ${target})`;
}

const planOf = (entry: Entry) => (entry.kind === 'task' ? entry.handler.plan : entry.plan);

const isComplete = (entry: Entry): boolean =>
  (entry.kind === 'call' && entry.method.dryRun === 'documents') || planOf(entry) !== undefined;

function blockOf(error: RyokanError): Block {
  const errors = error instanceof ParameterError ? error.errors : undefined;
  return { code: error.code, message: messageOf(error).trimEnd(), ...(errors ? { errors } : {}) };
}

/** The same caller, and afterwards what it was asked for. */
function recording(call: Call): { caller: Call; needs: (accepted: boolean) => Need[] } {
  const asked: Need[] = [];
  const can = (path: string, privileges: readonly Privilege[], any = false): boolean => {
    const held = call.can(path, privileges, any);
    asked.push({ path, privileges, ...(any ? { any: 1 as const } : {}), held: held ? 1 : 0 });
    return held;
  };
  const caller: Call = Object.assign(Object.create(call), {
    can,
    demand(path: string, privileges: readonly Privilege[], any = false) {
      if (!can(path, privileges, any)) call.demand(path, privileges, any);
    },
  });
  // What was asked for and not held did not matter when the call is accepted: another way led there.
  return { caller, needs: (accepted) => unique(asked.filter((need) => !accepted || need.held === 1)) };
}

function unique(needs: readonly Need[]): Need[] {
  return [...new Map(needs.map((need) => [JSON.stringify(need), need])).values()];
}

/** Below priv/ stand hashes of passwords and of token secrets, private keys. */
const isSecret = (path: string): boolean => path.startsWith('priv/') || path.includes('/priv/');

/** The claim of a VMID that a task's check makes is no change of its own beside the document of the guest. */
function shownChanges(entry: Entry, changes: readonly DocumentChange[]): ShownChange[] {
  return changes
    .filter(({ path }) => entry.kind === 'call' || !path.startsWith('vmlist/'))
    .map(({ path, before, after }) => ({
      document: path,
      change: before === null ? 'create' : after === null ? 'delete' : 'modify',
      ...(isSecret(path) ? {} : { diff: changedLines(before ?? '', after ?? '').map(withoutSecret) }),
    }));
}

/** Options whose value is a secret or its hash: shown as changed, not with the value. */
const withoutSecret = (line: string): string =>
  line.replace(/^([+-]\t?(?:cipassword|password):? ).*$/, '$1**********');
