/** Questions to the guest agent. */

import { RyokanError } from '@ryokan/api/errors.ts';
import { agentIndex, agentQuestions } from '@ryokan/api/methods/qemu-agent.ts';
import { agentCommand } from '../../guests/qemu/agent-client.ts';
import { demandRunning, hasAgent } from '../../guests/qemu/power.ts';
import { qemuRunPaths } from '../../guests/qemu/run-paths.ts';
import type { Services } from '../../services.ts';
import type { HandlerTable } from '../handler-table.ts';

/** Agents of busy guests answer late; clients wait as long. */
const timeout = 10_000;

export function agentHandlers(table: HandlerTable, services: Services): void {
  table.on(agentIndex, () =>
    Object.values(agentQuestions).map((method) => ({
      subdir: method.path.slice(method.path.lastIndexOf('/') + 1),
    })),
  );
  for (const [command, method] of Object.entries(agentQuestions)) {
    table.on(method, async ({ vmid }, call) => {
      demandRunning(services, vmid);
      if (!hasAgent(services, vmid)) {
        throw new RyokanError(
          'state',
          'No QEMU guest agent configured: switch the option agent on and start the VM again',
        );
      }
      const { qga } = qemuRunPaths(services.paths, vmid);
      return { result: await agentCommand(qga, command, {}, timeout, call.signal) };
    });
  }
}
