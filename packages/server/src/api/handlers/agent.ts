/** The guest agent of QEMU guests. */
import { ParameterError } from '@ryokan/api/errors.ts';
import {
  type AgentCommand,
  agentActions,
  agentExec,
  agentExecStatus,
  agentFileRead,
  agentFileWrite,
  agentIndex,
  agentQuestions,
  agentRun,
  agentSetUserPassword,
  longestFileRead,
} from '@ryokan/api/methods/qemu-agent.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { demandAgent, demandWakeable, withGuestAgent } from '../../guests/qemu/agent.ts';
import type { AgentSession } from '../../guests/qemu/agent-client.ts';
import {
  execInGuest,
  execStatus,
  freezeFileSystems,
  readGuestFile,
  setGuestPassword,
  textOf,
  thawFileSystems,
  writeGuestFile,
} from '../../guests/qemu/agent-commands.ts';
import { childrenOf } from '../directory.ts';
import type { HandlerTable } from '../handler-table.ts';

/** How long (ms) commands may take that are not done in a moment; the others get 10 s, as agents of busy guests need. */
const timeouts: Partial<Record<AgentCommand, number>> = { 'guest-fstrim': 10 * 60_000 };

/** After these the guest waits to be woken. */
const sleeping: ReadonlySet<AgentCommand> = new Set(['guest-suspend-ram', 'guest-suspend-hybrid']);

export function agentHandlers(table: HandlerTable, services: DaemonServices): void {
  const withAgent = <T>(vmid: number, work: (agent: AgentSession) => Promise<T>, signal?: AbortSignal) =>
    withGuestAgent(services, vmid, work, {
      qmp: () => services.monitor.connection(vmid),
      ...(signal ? { signal } : {}),
    });
  /** A dry run leaves the guest alone: an agent may take its time, and only one caller has it. */
  const trial: Trial = {
    plan({ vmid }) {
      demandAgent(services, vmid);
      rehearsed(`asks the agent in VM ${vmid}`);
    },
  };
  table.on(agentIndex, () => childrenOf(agentIndex, 'name'));
  for (const [command, method] of entries(agentQuestions)) {
    table.on(
      method,
      ({ vmid }, call) =>
        withAgent(vmid, async (agent) => ({ result: await runCommand(agent, command) }), call.signal),
      trial,
    );
  }
  // What has begun is finished, also when the caller has gone meanwhile.
  const act = (vmid: number, command: AgentCommand) => {
    if (sleeping.has(command)) demandWakeable(services, vmid);
    return withAgent(vmid, async (agent) => ({ result: await runCommand(agent, command) }));
  };
  for (const [command, method] of entries(agentActions)) {
    table.on(method, ({ vmid }) => act(vmid, command), trial);
  }
  table.on(agentRun, ({ vmid, command }) => act(vmid, `guest-${command}` as AgentCommand), trial);
  programHandlers(table, withAgent, trial);
  fileHandlers(table, withAgent, trial);
}

type WithAgent = <T>(
  vmid: number,
  work: (agent: AgentSession) => Promise<T>,
  signal?: AbortSignal,
) => Promise<T>;

interface Trial {
  readonly plan: (params: { readonly vmid: number }) => void;
}

function programHandlers(table: HandlerTable, withAgent: WithAgent, trial: Trial): void {
  table.on(
    agentExec,
    async ({ vmid, command, 'input-data': input }) => {
      if (!command[0]) throw new ParameterError({ command: 'the name of a program is needed' });
      return { pid: await withAgent(vmid, (agent) => execInGuest(agent, command, input)) };
    },
    trial,
  );
  table.on(agentExecStatus, ({ vmid, pid }) => withAgent(vmid, (agent) => execStatus(agent, pid)));
  table.on(
    agentSetUserPassword,
    ({ vmid, username, password, crypted = false }) =>
      withAgent(vmid, async (agent) => ({
        result: await setGuestPassword(agent, { username, password, crypted }),
      })),
    trial,
  );
}

function fileHandlers(table: HandlerTable, withAgent: WithAgent, trial: Trial): void {
  table.on(
    agentFileRead,
    async ({ vmid, file, offset = 0, count = longestFileRead, decode = true }, call) => {
      const range = { path: file, offset, count };
      const { content, truncated } = await withAgent(
        vmid,
        (agent) => readGuestFile(agent, range),
        call.signal,
      );
      return {
        content: decode ? textOf(content) : content.toString('base64'),
        'bytes-read': content.length,
        ...(truncated ? { truncated: 1 as const } : {}),
      };
    },
  );
  table.on(
    agentFileWrite,
    async ({ vmid, file, content, encode = true }) => {
      const data = encode ? Buffer.from(content).toString('base64') : content;
      await withAgent(vmid, (agent) => writeGuestFile(agent, file, data));
      return null;
    },
    trial,
  );
}

function runCommand(agent: AgentSession, command: AgentCommand): Promise<unknown> {
  if (command === 'guest-fsfreeze-freeze') return freezeFileSystems(agent);
  if (command === 'guest-fsfreeze-thaw') return thawFileSystems(agent);
  const timeout = timeouts[command];
  return agent.call(command, {}, timeout === undefined ? {} : { timeout });
}

const entries = <K extends string, V>(table: Readonly<Record<K, V>>): [K, V][] =>
  Object.entries(table) as [K, V][];
