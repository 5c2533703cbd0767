/** `qm guest exec`: runs a program in the guest by its agent, and waits for its end. */
import { exitCode, UsageError } from './errors.ts';
import { type LocalCommand, single } from './local-command.ts';
import { isRecord } from './render.ts';
import type { Session } from './session.ts';

/** Seconds to wait when nothing else is said. */
const defaultTimeout = 30;
/** Pauses between questions (ms), growing: most programs end soon. */
const firstPause = 100;
const longestPause = 1000;

export const guestExecCommand: LocalCommand = {
  spec: {
    words: 'qm guest exec',
    args: ['vmid', 'command'],
    params: {
      vmid: { type: 'integer', format: 'pve-vmid' },
      command: { type: 'array' },
      synchronous: { type: 'boolean' },
      timeout: { type: 'integer' },
      'pass-stdin': { type: 'boolean' },
    },
    required: ['vmid', 'command'],
    implied: [],
  },
  description:
    "Runs a program in the guest by its agent and shows its exit code and output. Put '--' before the program when it has options.",
  paramHelp: {
    vmid: { description: 'The unique ID of the guest.' },
    command: { description: 'Program and arguments; no shell.' },
    synchronous: { description: 'Wait for its end. Default: 1.' },
    timeout: { description: `Seconds to wait; 0: as long as it takes. Default: ${defaultTimeout}.` },
    'pass-stdin': { description: 'Give it what comes on the standard input, at most 64 KiB.' },
  },
  run: async (session, parsed) => {
    const vmid = single(parsed, 'vmid') ?? '';
    const wait = single(parsed, 'synchronous') !== '0';
    const timeout = single(parsed, 'timeout');
    if (timeout !== undefined && !wait) {
      throw new UsageError('--timeout needs --synchronous', 'qm guest exec');
    }
    const agent = `/nodes/${encodeURIComponent(session.localNode)}/qemu/${encodeURIComponent(vmid)}/agent`;
    const input = single(parsed, 'pass-stdin') === '1' ? session.system.readText('/dev/stdin') : undefined;
    const { data } = await session.api.call('POST', `${agent}/exec`, {
      command: [parsed.params.command ?? []].flat(),
      ...(input === undefined ? {} : { 'input-data': input }),
    });
    const pid = isRecord(data) ? String(data.pid) : '';
    const limit = (timeout === undefined ? defaultTimeout : Number(timeout)) * 1000;
    const ended = wait ? await waitForEnd(session, `${agent}/exec-status`, pid, limit) : undefined;
    if (wait && !ended) session.system.err(`it still runs after ${limit / 1000} s; ask with exec-status\n`);
    session.system.out(`${JSON.stringify(ended ?? data, null, 3)}\n`);
    return exitCode.ok;
  },
};

/** The status of an ended program; undefined when it has not ended within `limit` ms (0: no limit). */
async function waitForEnd(session: Session, path: string, pid: string, limit: number): Promise<unknown> {
  const until = limit === 0 ? Number.POSITIVE_INFINITY : Date.now() + limit;
  for (let pause = firstPause; ; pause = Math.min(pause * 1.5, longestPause)) {
    const { data } = await session.api.call('GET', path, { pid });
    if (isRecord(data) && data.exited === 1) return data;
    if (Date.now() >= until) return undefined;
    await session.system.sleep(pause);
  }
}
