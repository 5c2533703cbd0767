/** `qm guest exec` and `qm guest passwd` against an HTTP server on a real Unix socket. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeDaemon } from './fake-daemon.ts';
import { runTest, type TestRun } from './test-support.ts';

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = new FakeDaemon();
  await daemon.open();
});
afterEach(() => daemon.close());

const run = (words: string, options: TestRun = {}) =>
  runTest(words.split(' '), { socket: daemon.socket, sleep: async () => {}, ...options });

const agent = '/nodes/pve1/qemu/100/agent';

/** A program that has ended when it is asked about for the `rounds`th time. */
function programEndsAfter(rounds: number): void {
  let asked = 0;
  daemon.handle = ({ path }) => {
    if (path === `${agent}/exec`) return { body: { data: { pid: 7 } } };
    asked++;
    const ended = asked >= rounds;
    return { body: { data: ended ? { exited: 1, exitcode: 3, 'out-data': 'a\n' } : { exited: 0 } } };
  };
}

it('sends the words as they are, waits and shows how it ended', async () => {
  programEndsAfter(3);
  const { code, out } = await run('qm guest exec 100 -- ls -l /');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual({ exited: 1, exitcode: 3, 'out-data': 'a\n' });
  const [exec, ...questions] = daemon.received;
  expect(exec?.params.getAll('command')).toEqual(['ls', '-l', '/']);
  expect(questions.map((one) => `${one.verb} ${one.path} ${one.params.get('pid')}`)).toEqual(
    Array.from({ length: 3 }, () => `GET ${agent}/exec-status 7`),
  );
});

it('gives the pid when it does not wait, or not long enough', async () => {
  programEndsAfter(Number.POSITIVE_INFINITY);
  expect(JSON.parse((await run('qm guest exec 100 --synchronous 0 sleep')).out)).toEqual({ pid: 7 });
  expect(daemon.received).toHaveLength(1);
  const late = await run('qm guest exec 100 --timeout 1 sleep', {
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  });
  expect(JSON.parse(late.out)).toEqual({ pid: 7 });
  expect(late.err).toMatch(/still runs after 1 s/);
  expect((await run('qm guest exec 100 --synchronous 0 --timeout 5 sleep')).code).toBe(2);
});

it('passes the standard input on', async () => {
  programEndsAfter(1);
  await run('qm guest exec 100 --pass-stdin 1 -- cat', {
    readText: (path) => (path === '/dev/stdin' ? 'from outside' : '{"node":"pve1"}'),
  });
  expect(daemon.received[0]?.params.get('input-data')).toBe('from outside');
});

it('asks for the password of a guest user', async () => {
  daemon.handle = () => ({ body: { data: { result: {} } } });
  expect(await run('qm guest passwd 100 debian')).toMatchObject({ code: 0, out: '' });
  expect(daemon.received[0]?.params.get('password')).toBe('secret');
});
