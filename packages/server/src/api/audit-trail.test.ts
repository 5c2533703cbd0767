import { RyokanError } from '@ryokan/api/errors.ts';
import { allMethods, type Method } from '@ryokan/api/method.ts';
import '@ryokan/api/methods/index.ts';
import { beforeEach, expect, it } from 'vitest';
import type { AuditEvent } from '../access/audit/audit-record.ts';
import { AuditTrail, isSecretParameter, withoutSecrets } from './audit-trail.ts';

let events: AuditEvent[];
let trail: AuditTrail;
beforeEach(() => {
  events = [];
  trail = new AuditTrail((event) => events.push(event));
});

const methodOf = (id: string): Method => {
  const method = allMethods().find((one) => one.id === id);
  if (!method) throw new Error(`no method ${id}`);
  return method;
};
const head = (method: string, url: string) => ({ method, url, remote: '192.0.2.1', agent: 'curl' });
const remote = '192.0.2.1';

it('records a change with its parameters, those of the path once', () => {
  const method = methodOf('access.groupUpdate');
  trail.record(head('PUT', '/api2/json/access/groups/ops?x=1'), remote, {
    user: 'ann@pve',
    session: 's',
    method,
    params: { groupid: 'ops', comment: 'see https://me:secret@example.org/', unknown: 'what is this' },
  });
  expect(events).toEqual([
    {
      user: 'ann@pve',
      from: remote,
      agent: 'curl',
      session: 's',
      method: 'PUT',
      path: '/access/groups/ops',
      operation: 'access.groupUpdate',
      params: { comment: 'see https://***@example.org/', unknown: '***' },
      result: 'ok',
    },
  ]);
});

it('records logins with the name and never the password, refused ones with the reason', () => {
  const method = methodOf('access.login');
  const login = { method, params: { username: 'ann', realm: 'pve', password: 'secret one', otp: '123456' } };
  trail.record(head('POST', '/api2/json/access/ticket'), remote, login);
  const error = new RyokanError('unauthenticated', 'authentication failure', {
    context: { reason: 'wrong password' },
  });
  trail.record(head('POST', '/api2/json/access/ticket'), remote, { ...login, error });
  trail.record(head('POST', '/api2/json/access/ticket'), remote, {
    method,
    params: { username: 'my secret password', password: 'x' },
    error,
  });
  expect(events.map(({ user, result, reason }) => ({ user, result, reason }))).toEqual([
    { user: 'ann@pve', result: 'ok', reason: undefined },
    { user: 'ann@pve', result: 'refused', reason: 'wrong password' },
    { user: '?', result: 'refused', reason: 'wrong password' },
  ]);
  expect(JSON.stringify(events)).not.toMatch(/secret one|123456|my secret password/);
});

it('says nothing of reading, but of reading that was refused to somebody', () => {
  const method = methodOf('version');
  const forbidden = new RyokanError('forbidden', 'Permission check failed');
  trail.record(head('GET', '/api2/json/version'), remote, { user: 'ann@pve', method });
  trail.record(head('GET', '/api2/json/version'), remote, {
    method,
    error: new RyokanError('unauthenticated', 'No ticket'),
  });
  expect(events).toEqual([]);
  trail.record(head('GET', '/api2/json/version'), remote, { user: 'ann@pve', method, error: forbidden });
  expect(events).toMatchObject([{ result: 'refused', method: 'GET' }]);
});

it('writes only some of many refusals from one address, and others all the same', () => {
  const error = new RyokanError('unauthenticated', 'No ticket');
  for (let i = 0; i < 100; i++) trail.record(head('POST', '/api2/json/nodes'), remote, { error });
  trail.record(head('POST', '/api2/json/nodes'), '192.0.2.9', { error });
  expect(events.filter(({ from }) => from === remote)).toHaveLength(30);
  expect(events.filter(({ from }) => from === '192.0.2.9')).toHaveLength(1);
});

it('knows every secret of the registry by its mark', () => {
  const unmarked = allMethods().flatMap(({ id, params }) =>
    Object.entries(params.properties)
      .filter(([name, schema]) => isSecretParameter(name, schema) && schema.secret !== true)
      .map(([name]) => `${id} ${name}`),
  );
  expect(unmarked).toEqual([]);
});

it('cuts what is long', () => {
  const { comment } = withoutSecrets(methodOf('access.groupUpdate'), { comment: 'x'.repeat(500_000) }) ?? {};
  expect(String(comment).length).toBeLessThan(250);
});
