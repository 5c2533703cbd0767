/**
 * All that the API offers of the guest agent, on a Debian that runs: the same tests for whoever has one booted. The
 * agent runs as root in the guest.
 */
import { expect, test } from 'vitest';
import type { ApiSession } from './api-session.ts';
import { waitFor } from './wait.ts';

export interface AgentGuest {
  readonly session: ApiSession;
  /** Path of the guest, `/nodes/n/qemu/100`. */
  readonly path: string;
  readonly cores: number;
}

export interface ExecEnd {
  readonly exited: number;
  readonly exitcode?: number;
  readonly signal?: number;
  readonly 'out-data'?: string;
  readonly 'err-data'?: string;
  readonly 'out-truncated'?: number;
}

/** Runs a program in the guest to its end. */
export async function execute(
  { session, path }: Pick<AgentGuest, 'session' | 'path'>,
  command: readonly string[],
  input?: string,
): Promise<ExecEnd> {
  const { pid } = await session.call<{ pid: number }>('POST', `${path}/agent/exec`, {
    command: [...command],
    ...(input === undefined ? {} : { 'input-data': input }),
  });
  return waitFor(
    async () => {
      const state = await session.get<ExecEnd>(`${path}/agent/exec-status`, { pid });
      return state.exited === 1 ? state : undefined;
    },
    { timeout: 300, every: 300, what: `the end of ${command.join(' ')}` },
  );
}

/** What a shell script prints; an error when it does not end with 0. */
export async function shell(guest: Pick<AgentGuest, 'session' | 'path'>, script: string): Promise<string> {
  const end = await execute(guest, ['/bin/sh', '-c', script]);
  if (end.exitcode !== 0) throw new Error(`${script}: ${JSON.stringify(end)}`);
  return end['out-data'] ?? '';
}

export async function untilAgentAnswers(
  { session, path }: Pick<AgentGuest, 'session' | 'path'>,
  timeout = 120,
) {
  await waitFor(async () => (await session.answer('POST', `${path}/agent/ping`)).status === 200, {
    timeout,
    every: 1000,
    what: 'an answer of the guest agent',
  });
}

/** What leaves the guest as it was: questions, programs, files, file systems. */
export function agentTests(of: () => AgentGuest): void {
  const ask = async <T>(name: string): Promise<T> =>
    (await of().session.get<{ result: T }>(`${of().path}/agent/${name}`)).result;
  const act = async <T>(name: string, params = {}): Promise<T> =>
    (await of().session.call<{ result: T }>('POST', `${of().path}/agent/${name}`, params)).result;
  const refusal = async (verb: 'GET' | 'POST', name: string, params = {}) =>
    (await of().session.answer(verb, `${of().path}/agent/${name}`, params)).reason;

  test('questions: system, hardware, file systems, networks', async () => {
    expect(await act('ping')).toEqual({});
    const info = await ask<{ version: string; supported_commands: { name: string }[] }>('info');
    expect(info.supported_commands.map(({ name }) => name)).toContain('guest-exec');
    expect(await ask('get-osinfo')).toMatchObject({ id: 'debian', machine: 'x86_64' });
    expect(await ask('get-host-name')).toEqual({ 'host-name': (await shell(of(), 'hostname')).trim() });
    expect(Math.abs((await ask<number>('get-time')) / 1e9 - Date.now() / 1000)).toBeLessThan(120);
    expect(await ask('get-timezone')).toMatchObject({ offset: 0, zone: 'UTC' });
    expect(await ask('get-users')).toBeInstanceOf(Array);
    expect(await ask('get-vcpus')).toHaveLength(of().cores);
    const block = await ask<{ size: number }>('get-memory-block-info');
    const blocks = await ask<{ online: boolean }[]>('get-memory-blocks');
    expect(blocks.length * block.size).toBeGreaterThanOrEqual(256 * 1024 ** 2);
    const systems = await ask<{ mountpoint: string; type: string }[]>('get-fsinfo');
    expect(systems.find(({ mountpoint }) => mountpoint === '/')).toMatchObject({ type: 'ext4' });
    const cards = await ask<{ name: string }[]>('network-get-interfaces');
    expect(cards.map(({ name }) => name)).toContain('lo');
    const { result } = await of().session.call<{ result: unknown }>('POST', `${of().path}/agent`, {
      command: 'get-osinfo',
    });
    expect(result).toMatchObject({ id: 'debian' });
  });

  test('programs: input, output of any length and kind, exit codes, signals', async () => {
    const echo = await execute(of(), ['/bin/sh', '-c', 'cat; echo 失敗 >&2; exit 3'], '旅館\n');
    expect(echo).toMatchObject({ exitcode: 3, 'out-data': '旅館\n', 'err-data': '失敗\n' });
    const bytes = await execute(of(), ['/usr/bin/printf', '\\377\\000A']);
    expect(bytes['out-data']).toBe('\u00ff\u0000A');
    const long = await execute(of(), ['/usr/bin/head', '-c', '3000000', '/dev/zero']);
    expect([long['out-data']?.length, long['out-truncated'] ?? 0]).toEqual([3_000_000, 0]);
    const killed = await execute(of(), ['/bin/sh', '-c', 'kill -9 $$']);
    expect(killed).toMatchObject({ exited: 1, signal: 9 });
    const { pid } = await of().session.call<{ pid: number }>('POST', `${of().path}/agent/exec`, {
      command: ['/bin/sleep', '2'],
    });
    expect(await of().session.get(`${of().path}/agent/exec-status`, { pid })).toEqual({ exited: 0 });
    expect(await refusal('POST', 'exec', { command: ['/no/such/program'] })).toMatch(
      /^Agent error: .*no.such/i,
    );
  });

  test('files: text, bytes, parts, what cannot be written', async () => {
    const { session, path } = of();
    const write = (params: Record<string, string | number>) =>
      session.call('POST', `${path}/agent/file-write`, params);
    const read = (params: Record<string, string | number>) => session.get(`${path}/agent/file-read`, params);
    await write({ file: '/tmp/text', content: '旅館\n' });
    expect(await read({ file: '/tmp/text' })).toEqual({ content: '旅館\n', 'bytes-read': 7 });
    await write({ file: '/tmp/bytes', content: '/wAB', encode: 0 });
    expect(await read({ file: '/tmp/bytes', decode: 0 })).toEqual({ content: '/wAB', 'bytes-read': 3 });
    expect(await shell(of(), 'od -An -tx1 /tmp/bytes')).toBe(' ff 00 01\n');
    expect(await read({ file: '/tmp/text', offset: 3, count: 3 })).toEqual({
      ...{ content: '館', 'bytes-read': 3, truncated: 1 },
    });
    await shell(of(), 'rm /tmp/text /tmp/bytes');
    const refused = await refusal('POST', 'file-write', { file: '/no/such/folder/x', content: 'x' });
    expect(refused).toMatch(/^Agent error: .*\/no\/such\/folder\/x/);
  });

  test('file systems: frozen and thawed again, trimmed', async () => {
    expect(await act('fsfreeze-status')).toBe('thawed');
    expect(await act<number>('fsfreeze-freeze')).toBeGreaterThan(0);
    try {
      expect(await act('fsfreeze-status')).toBe('frozen');
      expect(await refusal('POST', 'exec', { command: ['/bin/true'] })).toMatch(/^Agent error: .*guest-exec/);
    } finally {
      expect(await act<number>('fsfreeze-thaw')).toBeGreaterThan(0);
    }
    expect(await act('fsfreeze-status')).toBe('thawed');
    const { paths } = await act<{ paths: { path: string }[] }>('fstrim');
    expect(paths.map((one) => one.path)).toContain('/');
  });
}

/** What changes the guest: root has another password, and the agent is stopped and comes back. */
export function agentChangeTests(of: () => AgentGuest): void {
  const setPassword = (params: Record<string, string | number>) =>
    of().session.answer('POST', `${of().path}/agent/set-user-password`, params);
  const ping = async () => (await of().session.answer('POST', `${of().path}/agent/ping`)).reason;

  test('passwords: as text and as a hash', async () => {
    const text = 'geheimes Wort 秘密';
    expect((await setPassword({ username: 'root', password: text })).status).toBe(200);
    const nobody = ['/usr/bin/setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const root = (input: string) => execute(of(), [...nobody, 'su', '-c', 'id -u'], `${input}\n`);
    expect(await root(text)).toMatchObject({ exitcode: 0, 'out-data': '0\n' });
    expect((await root('wrong')).exitcode).not.toBe(0);
    const hash = '$5$saltsalt$Qi58WwgBrEOBE8s5w3wtdCAaL.mGdA8LMVzPt44vSw5';
    expect((await setPassword({ username: 'root', password: hash, crypted: 1 })).status).toBe(200);
    expect(await shell(of(), "grep '^root:' /etc/shadow | cut -d: -f2")).toBe(`${hash}\n`);
    const unknown = await setPassword({ username: 'nosuch', password: '12345' });
    expect(unknown.reason).toMatch(/^Agent error: /);
  });

  test('an agent that is stopped, or hangs, is missed; and found again', async () => {
    const later = (script: string) =>
      execute(of(), ['/usr/bin/systemd-run', '--no-block', '/bin/sh', '-c', `sleep 1; ${script}`]);
    const says = (pattern: RegExp) =>
      waitFor(async () => pattern.test(await ping()), { timeout: 60, every: 500, what: String(pattern) });
    await later('systemctl stop qemu-guest-agent; sleep 20; systemctl start qemu-guest-agent');
    await says(/^QEMU guest agent is not running$/);
    await untilAgentAnswers(of(), 90);
    await later('pkill -STOP qemu-ga; sleep 20; pkill -CONT qemu-ga');
    await says(/^QEMU guest agent is not running: no answer/);
    await untilAgentAnswers(of(), 90);
  });
}

/** Sleep and the end: what the guest cannot do it says; then it shuts down. */
export function agentPowerTests(of: () => AgentGuest): void {
  const answer = (name: string) => of().session.answer('POST', `${of().path}/agent/${name}`);
  const state = () => of().session.get<{ status: string; qmpstatus: string }>(`${of().path}/status/current`);

  test('suspends to memory and wakes up; has no place to suspend to disk, and goes on', async () => {
    for (const mode of ['suspend-disk', 'suspend-hybrid']) {
      // The agent says no at once where it can see it; else it tries, and is silent when that takes longer than we wait.
      expect((await answer(mode)).reason).toMatch(/^(OK$|Agent error: )/);
      await untilAgentAnswers(of());
      expect((await state()).qmpstatus).toBe('running');
    }
    expect((await answer('suspend-ram')).status).toBe(200);
    const asleep = { timeout: 60, every: 500, what: 'the guest to sleep' };
    await waitFor(async () => (await state()).qmpstatus === 'suspended', asleep);
    await of().session.run('POST', `${of().path}/status/resume`);
    await untilAgentAnswers(of(), 60);
  });

  test('shuts down', async () => {
    await untilAgentAnswers(of());
    expect((await answer('shutdown')).status).toBe(200);
    const down = { timeout: 120, every: 500, what: 'the end of the guest' };
    await waitFor(async () => (await state()).status === 'stopped', down);
  });
}
