/** `pct enter`, `exec`, `console`, `push` and `pull`: LXC's own tools on a container of this node, as root. */
import { type StdioOptions, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { ParsedArguments } from './arguments.ts';
import { exitCode, LocalError, UsageError } from './errors.ts';
import { type LocalCommand, single } from './local-command.ts';
import type { Session } from './session.ts';

const vmid = { type: 'integer', format: 'pve-vmid' } as const;
const vmidHelp = { description: 'The unique ID of the container.' } as const;
const keepEnv = { type: 'boolean' } as const;
const keepEnvHelp = { description: 'Give it the environment of this shell too.' } as const;

/** `pct enter 100`: a root shell inside. */
const enterCommand: LocalCommand = {
  spec: {
    words: 'pct enter',
    args: ['vmid'],
    params: { vmid, 'keep-env': keepEnv },
    required: ['vmid'],
    implied: [],
  },
  description: 'Opens a shell as root in a running container, without a login.',
  paramHelp: { vmid: vmidHelp, 'keep-env': keepEnvHelp },
  run: (session, parsed) => attach(session, parsed, []),
};

/** `pct exec 100 -- ls -l /`; its exit code is that of the program. */
const execCommand: LocalCommand = {
  spec: {
    words: 'pct exec',
    args: ['vmid', 'command'],
    params: { vmid, command: { type: 'array' }, 'keep-env': keepEnv },
    required: ['vmid', 'command'],
    implied: [],
  },
  description:
    "Runs a program as root in a running container; its exit code is the program's. Put '--' before the program when it has options.",
  paramHelp: {
    vmid: vmidHelp,
    command: { description: 'Program and arguments; no shell.' },
    'keep-env': keepEnvHelp,
  },
  run: (session, parsed) => attach(session, parsed, ['--', ...[parsed.params.command ?? []].flat()]),
};

const consoleCommand: LocalCommand = {
  spec: {
    words: 'pct console',
    args: ['vmid'],
    params: { vmid, escape: { type: 'string' } },
    required: ['vmid'],
    implied: [],
  },
  description: 'Opens a terminal of a running container, with its login.',
  paramHelp: {
    vmid: vmidHelp,
    escape: { description: 'The key that leaves, with q after it: ^A and so on.', default: '^A' },
  },
  run: (session, parsed) => {
    const escapeKey = single(parsed, 'escape') ?? '^A';
    return runTool(session, parsed, 'lxc-console', ['--escape', escapeKey]);
  },
};

const pushCommand: LocalCommand = {
  spec: {
    words: 'pct push',
    args: ['vmid', 'file', 'destination'],
    params: { vmid, file: { type: 'string' }, destination: { type: 'string' }, perms: { type: 'string' } },
    required: ['vmid', 'file', 'destination'],
    implied: [],
  },
  description: 'Copies a file of the node into a running container, where it belongs to root.',
  paramHelp: {
    vmid: vmidHelp,
    file: { description: 'File of the node.' },
    destination: { description: 'Path in the container.' },
    perms: { description: 'Its mode, such as 0644.' },
  },
  run: (session, parsed) => {
    const perms = single(parsed, 'perms') ?? '';
    if (perms !== '' && !/^0?[0-7]{3,4}$/.test(perms))
      throw new UsageError(`--perms is a mode such as 0644, not '${perms}'`, 'pct push');
    const script = 'cat > "$1" && { [ -z "$2" ] || chmod "$2" "$1"; }';
    const command = ['--', '/bin/sh', '-c', script, 'sh', single(parsed, 'destination') ?? '', perms];
    return withFile(single(parsed, 'file') ?? '', 'r', (file) =>
      attach(session, parsed, command, [file, 'inherit', 'inherit']),
    );
  },
};

const pullCommand: LocalCommand = {
  spec: {
    words: 'pct pull',
    args: ['vmid', 'path', 'destination'],
    params: { vmid, path: { type: 'string' }, destination: { type: 'string' } },
    required: ['vmid', 'path', 'destination'],
    implied: [],
  },
  description: 'Copies a file of a running container to the node.',
  paramHelp: {
    vmid: vmidHelp,
    path: { description: 'File in the container.' },
    destination: { description: 'Path on the node; an existing file is replaced.' },
  },
  run: (session, parsed) => {
    const command = ['--', '/bin/cat', '--', single(parsed, 'path') ?? ''];
    return withFile(single(parsed, 'destination') ?? '', 'w', (file) =>
      attach(session, parsed, command, ['ignore', file, 'inherit']),
    );
  },
};

export const containerCommands: readonly LocalCommand[] = [
  enterCommand,
  execCommand,
  consoleCommand,
  pushCommand,
  pullCommand,
];

function attach(
  session: Session,
  parsed: ParsedArguments,
  command: readonly string[],
  stdio?: StdioOptions,
): Promise<number> {
  const environment = single(parsed, 'keep-env') === '1' ? '--keep-env' : '--clear-env';
  return runTool(session, parsed, 'lxc-attach', [environment, ...command], stdio);
}

/** Resolves with the exit code of the tool, which is that of the program behind it. */
async function runTool(
  session: Session,
  parsed: ParsedArguments,
  program: string,
  args: readonly string[],
  stdio: StdioOptions = 'inherit',
): Promise<number> {
  const id = single(parsed, 'vmid') ?? '';
  if (!/^\d+$/.test(id)) throw new UsageError(`'${id}' is no VMID`);
  await demandRunning(session, id);
  const name = ['--name', id, '--lxcpath', `${session.dataDir}/run/lxc`];
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...name, ...args], { stdio });
    child.once('error', (cause) =>
      reject(
        new LocalError(`${program} cannot be run (${cause.message}): is the package lxc installed?`, {
          cause,
        }),
      ),
    );
    child.once('exit', (code) => resolve(code ?? exitCode.local));
  });
}

async function demandRunning(session: Session, id: string): Promise<void> {
  const path = `/nodes/${encodeURIComponent(session.localNode)}/lxc/${id}/status/current`;
  const { data } = await session.api.call('GET', path, {});
  if ((data as { status?: string } | null)?.status === 'running') return;
  throw new LocalError(`CT ${id} does not run; start it first: pct start ${id}`);
}

async function withFile<T>(path: string, flags: 'r' | 'w', work: (file: number) => Promise<T>): Promise<T> {
  let file: number;
  try {
    file = openSync(path, flags);
  } catch (cause) {
    throw new LocalError(`'${path}' cannot be opened: ${(cause as Error).message}`, { cause });
  }
  try {
    return await work(file);
  } finally {
    closeSync(file);
  }
}
