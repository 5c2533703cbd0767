import { expect, it } from 'vitest';
import { readableLine } from './log.ts';

const time = '2026-01-02T10:11:12.345Z';
const line = (fields: object) => `${JSON.stringify({ time, name: 'daemon', ...fields })}\n`;

it('an event as a line to read', () => {
  expect(readableLine(line({ level: 30, msg: 'started' }))).toBe('2026-01-02 10:11:12Z started\n');
  const fields = { level: 40, vmid: 100, user: 'root@pam', reason: 'no such guest', msg: 'cannot follow' };
  expect(readableLine(line(fields))).toBe(
    '2026-01-02 10:11:12Z warning: cannot follow: no such guest (vmid=100, user=root@pam)\n',
  );
});

it('an error with its message once and its stack', () => {
  const err = { type: 'Error', message: 'gone', stack: 'Error: gone\n    at here' };
  expect(readableLine(line({ level: 50, err, msg: 'undo failed' }))).toBe(
    '2026-01-02 10:11:12Z error: undo failed: gone\n    at here\n',
  );
});

it('what a caller sent cannot command the terminal', () => {
  const fields = { level: 40, user: 'a\u001b[2J\nb', msg: 'login refused' };
  expect(readableLine(line(fields))).toBe('2026-01-02 10:11:12Z warning: login refused (user=a [2J b)\n');
});
