/**
 * Which action a guest allows in which state: one table for server, CLI and Web UI. What is not allowed carries a
 * reason, as a stable key (for translation) and as an English text.
 */
export const guestActionNames = [
  'start',
  'shutdown',
  'stop',
  'reboot',
  'reset',
  'suspend',
  'resume',
  'console',
  'snapshot',
  'rollback',
  'clone',
  'template',
  'edit',
  'remove',
] as const;

export type GuestAction = (typeof guestActionNames)[number];

/** What decides about actions; the fields are those of `status/current` and `/cluster/resources`. */
export interface GuestState {
  /** `running`, `stopped` or, in resource lists, one of QEMU's run states; absent or `unknown`: not known. */
  readonly status?: string;
  /** QEMU's own run state when it runs: `running`, `paused`, `prelaunch`, `io-error`, `suspended`, … */
  readonly qmpstatus?: string;
  /** Of a container: all its processes stand still. */
  readonly frozen?: boolean | 0 | 1;
  /** Lock of the configuration: `backup`, `migrate`, `suspended`, … */
  readonly lock?: string;
  readonly template?: boolean | 0 | 1;
  readonly protection?: boolean | 0 | 1;
}

export type PowerState = 'running' | 'paused' | 'stopped' | 'hibernated' | 'unknown';

export type ActionReasonKey =
  | 'template'
  | 'protected'
  | 'locked'
  | 'not-running'
  | 'still-running'
  | 'already-running'
  | 'is-paused'
  | 'not-paused'
  | 'is-hibernated'
  | 'state-unknown';

export interface ActionReason {
  readonly key: ActionReasonKey;
  /** English text for logs, the CLI and API errors. */
  readonly text: string;
}

export interface ActionState {
  readonly action: GuestAction;
  readonly allowed: boolean;
  /** Present exactly when the action is not allowed. */
  readonly reason?: ActionReason;
}

interface ActionRule {
  /** Power states in which the action makes sense. */
  readonly from: readonly PowerState[];
  /** Locks under which it is possible all the same. */
  readonly locks?: readonly string[];
  /** True: also for templates. */
  readonly template?: true;
  /** True: refused while the guest is protected. */
  readonly guarded?: true;
}

/** QEMU states in which the virtual CPUs stand still and `resume` makes sense. */
const pausedStates: ReadonlySet<string> = new Set([
  'paused',
  'suspended',
  'io-error',
  'debug',
  'guest-panicked',
]);

/**
 * `suspended` is the lock of a guest whose memory was saved to disk: it is stopped, and start or resume bring it back.
 * A console stays open whatever lock there is, since it changes nothing of the configuration.
 */
export const actionRules: Readonly<Record<GuestAction, ActionRule>> = {
  start: { from: ['stopped', 'hibernated'], locks: ['suspended'] },
  shutdown: { from: ['running'] },
  stop: { from: ['running', 'paused', 'unknown'] },
  reboot: { from: ['running'] },
  reset: { from: ['running', 'paused'] },
  suspend: { from: ['running'] },
  resume: { from: ['paused', 'hibernated'], locks: ['suspended'] },
  console: { from: ['running', 'paused'], locks: ['*'] },
  /** Taking, changing and removing snapshots. */
  snapshot: { from: ['running', 'paused', 'stopped'] },
  rollback: { from: ['running', 'paused', 'stopped'] },
  clone: { from: ['running', 'paused', 'stopped'], template: true },
  /** Making a template of it. */
  template: { from: ['stopped'] },
  edit: { from: ['running', 'paused', 'stopped', 'hibernated', 'unknown'], template: true },
  remove: { from: ['stopped'], template: true, guarded: true },
};

/** The power state behind the API's `status`, `qmpstatus` and `lock`. */
export function powerState(state: GuestState): PowerState {
  if (state.status === undefined || state.status === 'unknown') return 'unknown';
  if (state.status === 'stopped') return state.lock === 'suspended' ? 'hibernated' : 'stopped';
  if (state.frozen) return 'paused';
  return pausedStates.has(state.qmpstatus ?? state.status) ? 'paused' : 'running';
}

/** Every action with whether it is allowed now, in the order of `guestActionNames`. */
export function guestActions(state: GuestState): ActionState[] {
  return guestActionNames.map((action) => guestAction(action, state));
}

/** One action: allowed, or why not. The first hindrance counts, the most lasting one first. */
export function guestAction(action: GuestAction, state: GuestState): ActionState {
  const rule = actionRules[action];
  const power = powerState(state);
  if (state.template && !rule.template) return refuse(action, 'template');
  if (rule.guarded && state.protection) return refuse(action, 'protected');
  if (state.lock && !(rule.locks?.includes(state.lock) || rule.locks?.includes('*'))) {
    return refuse(action, 'locked', state.lock);
  }
  return rule.from.includes(power) ? { action, allowed: true } : refuse(action, wrongState(action, power));
}

function wrongState(action: GuestAction, power: PowerState): ActionReasonKey {
  if (power === 'unknown') return 'state-unknown';
  if (action === 'remove' || action === 'template')
    return power === 'hibernated' ? 'is-hibernated' : 'still-running';
  if (action === 'start') return power === 'paused' ? 'is-paused' : 'already-running';
  if (action === 'resume') return 'not-paused';
  return power === 'paused' ? 'is-paused' : 'not-running';
}

function refuse(action: GuestAction, key: ActionReasonKey, lock = ''): ActionState {
  return { action, allowed: false, reason: { key, text: reasonText(key, lock) } };
}

function reasonText(key: ActionReasonKey, lock: string): string {
  const texts: Record<ActionReasonKey, string> = {
    template: 'it is a template; make a clone and use that',
    protected: 'it is protected; switch the protection option off first',
    locked: `it is locked (${lock}); wait for the task that holds the lock`,
    'not-running': 'it is not running',
    'still-running': 'it is running; stop it first',
    'already-running': 'it is already running',
    'is-paused': 'it is paused; resume it first',
    'not-paused': 'it is not paused',
    'is-hibernated': 'it is hibernated; start it and shut it down first',
    'state-unknown': 'its state is not known; is its node online?',
  };
  return texts[key];
}
