import { describe, expect, it } from 'vitest';
import { type GuestState, guestAction, guestActionNames, guestActions, powerState } from './guest-actions.ts';

const allowed = (state: GuestState) =>
  guestActions(state)
    .filter((one) => one.allowed)
    .map((one) => one.action);

describe('power states', () => {
  it('reads status, qmpstatus and the suspended lock', () => {
    expect(powerState({ status: 'running' })).toBe('running');
    expect(powerState({ status: 'running', qmpstatus: 'prelaunch' })).toBe('running');
    expect(powerState({ status: 'running', qmpstatus: 'paused' })).toBe('paused');
    expect(powerState({ status: 'running', qmpstatus: 'io-error' })).toBe('paused');
    expect(powerState({ status: 'paused' })).toBe('paused');
    expect(powerState({ status: 'prelaunch' })).toBe('running');
    expect(powerState({ status: 'stopped' })).toBe('stopped');
    expect(powerState({ status: 'stopped', lock: 'suspended' })).toBe('hibernated');
    expect(powerState({ status: 'unknown' })).toBe('unknown');
    expect(powerState({})).toBe('unknown');
  });
});

describe('allowed actions', () => {
  it('of a running guest', () => {
    expect(allowed({ status: 'running', qmpstatus: 'running' })).toEqual([
      'shutdown',
      'stop',
      'reboot',
      'reset',
      'suspend',
      'console',
      'snapshot',
      'rollback',
      'clone',
      'edit',
    ]);
  });
  it('of a stopped guest', () => {
    expect(allowed({ status: 'stopped' })).toEqual([
      'start',
      'snapshot',
      'rollback',
      'clone',
      'template',
      'edit',
      'remove',
    ]);
  });
  it('of a paused guest', () => {
    expect(allowed({ status: 'running', qmpstatus: 'paused' })).toEqual([
      'stop',
      'reset',
      'resume',
      'console',
      'snapshot',
      'rollback',
      'clone',
      'edit',
    ]);
  });
  it('of a hibernated guest: start or resume, nothing that would lose its memory', () => {
    expect(allowed({ status: 'stopped', lock: 'suspended' })).toEqual(['start', 'resume']);
  });
  it('of a guest under a backup: looking only', () => {
    expect(allowed({ status: 'running', lock: 'backup' })).toEqual(['console']);
  });
  it('of a template: cloning, changing and removing it, never power', () => {
    expect(allowed({ status: 'stopped', template: 1 })).toEqual(['clone', 'edit', 'remove']);
  });
  it('of a guest on a node that does not answer: stop and edit only', () => {
    expect(allowed({ status: 'unknown' })).toEqual(['stop', 'edit']);
  });
});

describe('reasons', () => {
  it('stand at every refused action and at no allowed one', () => {
    const states: GuestState[] = [
      { status: 'running' },
      { status: 'stopped', protection: true },
      { status: 'stopped', lock: 'clone' },
      { status: 'unknown' },
      { status: 'stopped', template: true },
    ];
    for (const state of states) {
      for (const one of guestActions(state)) expect(one.reason === undefined).toBe(one.allowed);
    }
  });
  it('name the hindrance that lasts longest', () => {
    expect(guestAction('remove', { status: 'running', protection: 1 }).reason?.key).toBe('protected');
    expect(guestAction('remove', { status: 'running' }).reason?.key).toBe('still-running');
    expect(guestAction('start', { status: 'running' }).reason?.key).toBe('already-running');
    expect(guestAction('start', { status: 'running', qmpstatus: 'paused' }).reason?.key).toBe('is-paused');
    expect(guestAction('start', { status: 'stopped', template: 1 }).reason?.key).toBe('template');
    expect(guestAction('shutdown', { status: 'stopped' }).reason?.key).toBe('not-running');
    expect(guestAction('resume', { status: 'running' }).reason?.key).toBe('not-paused');
    expect(guestAction('remove', { status: 'stopped', lock: 'backup' }).reason?.text).toContain('(backup)');
  });
  it('cover each action once, in order', () => {
    expect(guestActions({ status: 'running' }).map((one) => one.action)).toEqual([...guestActionNames]);
  });
});
