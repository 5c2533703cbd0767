/** Options of which the running guest notices a part only. */
import { agentFields, type QemuAgent } from '@ryokan/api/schema/qemu-options.ts';
import { type Outcome, waits } from '../../live-outcome.ts';
import { optionOf } from '../config.ts';
import type { LiveChange, LiveGuest } from './live-guest.ts';

/** Its channel is a device of the start; whether file systems are frozen for backups is not. */
export function changeAgent(live: LiveGuest, { key, before, after }: LiveChange): Outcome {
  const channel = (value: string | undefined) => {
    const agent: Partial<QemuAgent> =
      optionOf(live.describe({ key, value }).config, 'agent', agentFields) ?? {};
    return agent.enabled ? (agent.type ?? 'virtio') : 'none';
  };
  return channel(before) === channel(after)
    ? 'done'
    : waits('the channel of the guest agent is made at the start');
}
