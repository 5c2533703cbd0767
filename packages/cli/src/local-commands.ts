/** The commands written by hand, in one list for running, help and completion. */
import { release } from 'node:os';
import { accessCommands } from './access-commands.ts';
import { completionScript, shells } from './completion-scripts.ts';
import { containerCommands } from './container-commands.ts';
import { ApiError, exitCode, UsageError } from './errors.ts';
import { guestExecCommand } from './guest-exec.ts';
import { importCommands } from './import-commands.ts';
import { type LocalCommand, single } from './local-command.ts';
import { monitorCommand } from './monitor.ts';
import { isRecord, keyValueLines, machineText } from './render.ts';
import type { Session } from './session.ts';
import { followAndReport, upidNode } from './task-follow.ts';
import { templateCommands } from './template-commands.ts';
import { terminalCommand } from './terminal-command.ts';
import { uploadCommand } from './upload.ts';

const guest = { vmid: { type: 'integer', format: 'pve-vmid' } } as const;
const guestHelp = { vmid: { description: 'The unique ID of the guest.' } } as const;

const guestPath = (session: Session, vmid: string): string =>
  `/nodes/${encodeURIComponent(session.localNode)}/qemu/${encodeURIComponent(vmid)}`;

const waitCommand: LocalCommand = {
  spec: {
    words: 'qm wait',
    args: ['vmid'],
    params: { ...guest, timeout: { type: 'integer' } },
    required: ['vmid'],
    implied: [],
  },
  description: 'Waits until the guest has stopped.',
  paramHelp: { ...guestHelp, timeout: { description: 'Give up after this many seconds.' } },
  run: async (session, parsed) => {
    const path = `${guestPath(session, single(parsed, 'vmid') ?? '')}/status/current`;
    const timeout = single(parsed, 'timeout');
    const until = timeout === undefined ? Number.POSITIVE_INFINITY : Date.now() + Number(timeout) * 1000;
    for (;;) {
      const { data } = await session.api.call('GET', path, {});
      if (isRecord(data) && data.status === 'stopped') return exitCode.ok;
      if (Date.now() >= until) throw new ApiError(500, 'The guest has not stopped in time.');
      await session.system.sleep(1000);
    }
  },
};

const unlockCommand: LocalCommand = {
  spec: { words: 'qm unlock', args: ['vmid'], params: guest, required: ['vmid'], implied: [] },
  description: 'Takes the lock from a guest whose backup, snapshot or migration is known to be dead.',
  paramHelp: guestHelp,
  run: async (session, parsed) => {
    const path = `${guestPath(session, single(parsed, 'vmid') ?? '')}/config`;
    await session.api.call('PUT', path, { delete: 'lock', skiplock: '1' });
    return exitCode.ok;
  },
};

const taskFollow: LocalCommand = {
  spec: {
    words: 'pvenode task follow',
    args: ['upid'],
    params: { upid: { type: 'string', format: 'pve-upid' } },
    required: ['upid'],
    implied: [],
  },
  description:
    "Shows a task's log live until it ends; the exit code is the task's. Ctrl-C leaves the task running.",
  paramHelp: { upid: { description: "The task's unique ID." } },
  run: async (session, parsed) => {
    const upid = single(parsed, 'upid') ?? '';
    if (upidNode(upid) === undefined) throw new UsageError(`'${upid}' is no task ID`, 'pvenode task follow');
    return followAndReport(session, upid, session.output.quiet ? () => {} : session.system.out, {
      watchOnly: true,
    });
  },
};

const versionCommand: LocalCommand = {
  spec: { words: 'pveversion', args: [], params: {}, required: [], implied: [] },
  description: 'The version of the API and, with --verbose, of what serves it.',
  paramHelp: {},
  plain: true,
  run: async (session) => {
    const { data } = await session.api.call('GET', '/version', {});
    const version = isRecord(data) ? data : {};
    const { system, output } = session;
    const machine = await machineText(version, output.format, system.loadYaml);
    if (machine !== undefined) system.out(machine);
    else if (output.verbose) system.out(await versionDetails(session, version));
    else system.out(`pve-manager/${version.version}/${version.repoid} (running kernel: ${release()})\n`);
    return exitCode.ok;
  },
};

async function versionDetails(session: Session, version: Record<string, unknown>): Promise<string> {
  const { data } = await session.api.call(
    'GET',
    `/nodes/${encodeURIComponent(session.localNode)}/status`,
    {},
  );
  const status = isRecord(data) ? data : {};
  const accelerator = isRecord(status.accelerator) ? status.accelerator : {};
  return keyValueLines([
    ['ryokan', `${session.manifest.version} (running kernel: ${release()})`],
    ['pve-manager', `${version.version} (API version that is spoken: ${version.version}/${version.repoid})`],
    ['qemu', String(status.qemuversion ?? 'not installed')],
    [
      'accelerator',
      `${accelerator.name ?? 'unknown'}${accelerator.reason ? ` (${accelerator.reason})` : ''}`,
    ],
    ['nodejs', process.versions.node],
  ]);
}

const eventsCommand: LocalCommand = {
  spec: {
    words: 'ryokan events',
    args: [],
    params: { task: { type: 'string', format: 'pve-upid' } },
    required: [],
    implied: [],
  },
  description: 'Prints what changes on the node as it happens, one line of JSON an event, until Ctrl-C.',
  paramHelp: { task: { description: 'Also the log lines of this task.' } },
  run: async (session, parsed) => {
    const stop = new AbortController();
    const release = session.system.onInterrupt(() => stop.abort());
    const task = single(parsed, 'task');
    let left = session.output.limit ?? Number.POSITIVE_INFINITY;
    try {
      const events = session.api.events('/cluster/events', task === undefined ? {} : { task }, stop.signal);
      for await (const event of events) {
        if (event.type === 'hello') continue;
        session.system.out(`${JSON.stringify({ event: event.type, data: JSON.parse(event.data) })}\n`);
        if (--left <= 0) stop.abort();
      }
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    } finally {
      release();
    }
    return exitCode.ok;
  },
};

const completionCommand: LocalCommand = {
  spec: {
    words: 'ryokan completion',
    args: ['shell'],
    params: { shell: { type: 'string', enum: shells } },
    required: ['shell'],
    implied: [],
  },
  description:
    'Prints the completion script of a shell. For bash: eval "$(ryokan completion bash)" in ~/.bashrc.',
  paramHelp: {},
  run: async (session, parsed) => {
    const shell = single(parsed, 'shell') ?? '';
    const script = completionScript(shell, commandGroups(session.manifest));
    if (script === undefined) {
      throw new UsageError(
        `there are scripts for ${shells.join(', ')}, not for '${shell}'`,
        'ryokan completion',
      );
    }
    session.system.out(script);
    return exitCode.ok;
  },
};

export const localCommands: readonly LocalCommand[] = [
  terminalCommand,
  monitorCommand,
  guestExecCommand,
  waitCommand,
  unlockCommand,
  uploadCommand,
  ...containerCommands,
  ...importCommands,
  ...templateCommands,
  ...accessCommands,
  taskFollow,
  versionCommand,
  eventsCommand,
  completionCommand,
];

/** The first words of all commands: the names under which the program is called. */
export function commandGroups(manifest: Pick<Session['manifest'], 'methods'>): string[] {
  const words = [
    ...manifest.methods.flatMap((method) => (method.command === undefined ? [] : [method.command])),
    ...localCommands.map((one) => one.spec.words),
    'pvesh',
  ];
  return [...new Set(words.map((one) => one.split(' ')[0] as string))].sort();
}
