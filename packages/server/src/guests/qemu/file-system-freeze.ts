/** Work on a running guest whose file systems are frozen by its agent, so that they are clean in a copy of its disks. */
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { agentFields } from '@ryokan/api/schema/qemu-options.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { GuestServices } from '../guest-services.ts';
import { readGuest } from '../guest-store.ts';
import { withGuestAgent } from './agent.ts';
import type { AgentSession } from './agent-client.ts';
import { freezeFileSystems, thawCommand, thawFileSystems } from './agent-commands.ts';
import { optionOf, readQemuConfig } from './config.ts';
import { isRunning } from './process.ts';
import type { QmpClient } from './qmp-client.ts';

/** Thaws a guest whose task died: `{ vmid }`. */
export const thawUndo = 'guest.thaw';

/** How long the agent may take to freeze (ms): the guest writes out what it holds in memory. */
const freezePatience = 60_000;
/** How long thawing may take (ms); an agent that comes to it later does it then. */
const thawPatience = 30_000;

/** Is there an agent configured that may freeze file systems? */
function mayFreeze(services: GuestServices, vmid: number): boolean {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  const agent = optionOf(readQemuConfig(file.properties).config, 'agent', agentFields);
  return agent?.enabled === true && agent['freeze-fs'] !== false;
}

/**
 * Runs `work` while the guest's file systems are frozen; they are thawed whatever happens. Returns false when they could
 * not be frozen: the log says why, as a warning when an agent is there, and `work` has not run. An agent that is not there
 * costs seconds, one that hangs while it freezes a minute.
 */
export async function whileFrozen(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  task: TaskContext,
  work: () => Promise<void>,
): Promise<boolean> {
  if (!mayFreeze(services, vmid)) return false;
  let [asked, begun] = [false, false];
  try {
    await withGuestAgent(
      services,
      vmid,
      async (agent) => {
        task.undo(thawUndo, { vmid });
        asked = true;
        const count = await freezeFileSystems(agent, { timeout: freezePatience, signal: task.signal });
        task.log(`${count} file systems of the guest are frozen`);
        begun = true;
        try {
          await work();
        } finally {
          await thawFileSystems(agent, thawPatience).catch((error: unknown) =>
            task.warn(
              `the guest agent did not confirm that the file systems go on (${messageOf(error)}); ` +
                `look after the guest, 'qm agent ${vmid} fsfreeze-thaw' thaws them`,
            ),
          );
        }
      },
      { signal: task.signal, qmp: async () => qmp },
    );
    return true;
  } catch (error) {
    if (begun || task.signal.aborted) throw error;
    const failed = `the guest agent cannot freeze the file systems: ${messageOf(error)}`;
    if (asked) task.warn(`${failed}; the copy is as after a power cut`);
    else task.log(failed);
    return false;
  }
}

/**
 * Undo: thaws the file systems; no error when there is nothing to thaw. An agent that does not answer may still be
 * freezing them for the task that died: it finds the command to thaw behind that.
 */
export async function thawGuest(services: GuestServices, vmid: number): Promise<void> {
  if (!isRunning(services.paths, vmid)) return;
  const thaw = (agent: AgentSession) => thawFileSystems(agent, thawPatience);
  await withGuestAgent(services, vmid, thaw, { leave: thawCommand }).catch((cause: unknown) => {
    throw new RyokanError(
      'failed',
      `${messageOf(cause)}; if file systems of the guest are frozen, they go on when it answers again`,
      { cause },
    );
  });
}
