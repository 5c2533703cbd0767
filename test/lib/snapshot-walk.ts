/** Operations on a guest's snapshots and its saved memory, and how each is broken at its steps. */
import { expect } from 'vitest';
import type { TaskEnd } from './api-session.ts';
import type { FaultAction, FaultPlan, Faults } from './faults.ts';
import type { SnapshotGuest } from './snapshot-guest.ts';

export interface Operation {
  /** Brings the guest into the state that the operation begins with, whatever the one before has left. */
  readonly before: (guest: SnapshotGuest, word: string) => Promise<unknown>;
  readonly act: (guest: SnapshotGuest) => Promise<TaskEnd>;
  /** Has it done what it is for? */
  readonly isDone: (guest: SnapshotGuest) => Promise<boolean>;
  /** What the guest may hold afterwards instead of what it was told: the word in the snapshot. */
  readonly also?: string;
}

/** The snapshot that is made and removed, and the one that rollbacks go back to, with the word in it. */
const made = 'made';
const kept = 'kept';

async function find(guest: SnapshotGuest, name: string) {
  return (await guest.snapshots()).find((row) => row.name === name);
}

async function without(guest: SnapshotGuest, name: string): Promise<void> {
  if (await find(guest, name)) await guest.run('DELETE', `/snapshot/${name}`);
}

async function withoutMade(guest: SnapshotGuest, word: string): Promise<void> {
  await without(guest, made);
  await guest.remember(word);
}

const isMade = async (guest: SnapshotGuest) => (await find(guest, made)) !== undefined;
const runs = async (guest: SnapshotGuest) => (await guest.status()) === 'running';

/** A guest that was stopped on its way back to a snapshot has lost its memory: it goes the rest of the way. */
async function comeBack(guest: SnapshotGuest): Promise<void> {
  if (await runs(guest)) return;
  if ((await guest.config()).vmstate !== undefined) {
    await guest.run('POST', '/status/start');
    return;
  }
  await guest.run('POST', `/snapshot/${kept}/rollback`);
  expect(await guest.recall()).toBe(`${kept} ${kept} ${kept}`);
}

export const operations = {
  'a snapshot with memory': {
    before: withoutMade,
    act: (guest) => guest.attempt('POST', '/snapshot', { snapname: made, vmstate: 1 }),
    isDone: isMade,
  },
  'a snapshot of the disks': {
    before: withoutMade,
    act: (guest) => guest.attempt('POST', '/snapshot', { snapname: made }),
    isDone: isMade,
  },
  'the removal of a snapshot': {
    async before(guest, word) {
      if ((await find(guest, made))?.snapstate !== undefined) await without(guest, made);
      if (!(await isMade(guest))) await guest.run('POST', '/snapshot', { snapname: made, vmstate: 1 });
      await guest.remember(word);
    },
    act: (guest) => guest.attempt('DELETE', `/snapshot/${made}`),
    isDone: async (guest) => !(await isMade(guest)),
  },
  'a rollback to a snapshot with memory': {
    async before(guest, word) {
      await without(guest, made);
      if (!(await find(guest, kept))) {
        await guest.remember(kept);
        await guest.run('POST', '/snapshot', { snapname: kept, vmstate: 1 });
      }
      await comeBack(guest);
      await guest.remember(word);
    },
    act: (guest) => guest.attempt('POST', `/snapshot/${kept}/rollback`),
    isDone: async (guest) => (await runs(guest)) && (await guest.recall()).startsWith(kept),
    also: kept,
  },
  'suspending to disk': {
    async before(guest, word) {
      await comeBack(guest);
      await guest.remember(word);
    },
    act: (guest) => guest.attempt('POST', '/status/suspend', { todisk: 1 }),
    isDone: async (guest) => (await guest.config()).vmstate !== undefined,
  },
  waking: {
    async before(guest, word) {
      if (!(await runs(guest))) return;
      await guest.remember(word);
      await guest.run('POST', '/status/suspend', { todisk: 1 });
    },
    act: (guest) => guest.attempt('POST', '/status/start'),
    isDone: runs,
  },
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof operations;

/**
 * Breaks an operation at one step and looks whether all is well then. Gives the task's log, and the name of the step;
 * undefined when the operation has no such step and so went through.
 */
export async function breakAt(
  guest: SnapshotGuest,
  faults: Faults,
  name: OperationName,
  step: FaultPlan['step'],
  action: FaultAction,
): Promise<{ readonly broken: string | undefined; readonly log: readonly string[] }> {
  const operation: Operation = operations[name];
  await operation.before(guest, `${step}-${action}`.replaceAll(/\W/g, '-'));
  await faults.arm(step, action);
  const { exitstatus, log } = await operation.act(guest);
  const broken = await faults.disarm();
  const after = `after ${name}, step ${step} (${broken}): ${action}, '${exitstatus}'\n${log.join('\n')}`;
  if (process.env.RYOKAN_TEST_VERBOSE) console.log(new Date().toISOString(), after);
  // A warning says what is left to a person.
  const [, useless] = /saved memory '(.*)' is of no use any more, but stays/.exec(log.join('\n')) ?? [];
  if (useless !== undefined) await guest.removeVolume(useless);
  const failed = log.filter((line) => line.startsWith('could not take back'));
  expect(failed, after).toEqual([]);
  await guest.demandSound(after);
  if (await runs(guest)) {
    const words = [guest.word, ...(operation.also === undefined ? [] : [operation.also])];
    const allowed = words.map((word) => `${word} ${word} ${word}`);
    expect(allowed, after).toContain(await guest.recall());
  }
  if (broken === undefined) expect(exitstatus).toBe('OK');
  // A task that was stopped or has failed may have done its work before; one that went well has.
  if (/^(?:OK|WARNINGS)/.test(exitstatus)) expect(await operation.isDone(guest), after).toBe(true);
  return { broken, log };
}

/** Breaks an operation at each step until there is none any more. */
export async function walk(
  guest: SnapshotGuest,
  faults: Faults,
  name: OperationName,
  action: FaultAction,
): Promise<void> {
  for (let step = 1; (await breakAt(guest, faults, name, step, action)).broken !== undefined; step++);
}
