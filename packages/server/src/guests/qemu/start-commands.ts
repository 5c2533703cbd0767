/** What the command line cannot say: QMP commands for a guest that was just started, before its first instruction. */
import { type QemuConfig, qemuNetKeys } from '@ryokan/api/schema/qemu-config.ts';
import { qemuNetFields } from '@ryokan/api/schema/qemu-net.ts';
import { optionOf } from './config.ts';
import { guestMemory } from './guest-context.ts';
import type { QmpArguments } from './qmp-client.ts';

export interface QmpCommand {
  readonly execute: string;
  readonly arguments: QmpArguments;
}

/** Seconds between the guest's reports of its memory; each wakes it up. */
const balloonInterval = 2;

/** In the order in which they must run. */
export function startCommands(config: QemuConfig): QmpCommand[] {
  const commands: QmpCommand[] = [];
  for (const key of qemuNetKeys) {
    if (!optionOf(config, key, qemuNetFields)?.link_down) continue;
    commands.push({ execute: 'set_link', arguments: { name: key, up: false } });
  }
  if (config.balloon === 0) return commands;
  if (config.balloon !== undefined && config.balloon < guestMemory(config)) {
    commands.push({ execute: 'balloon', arguments: { value: config.balloon * 1024 * 1024 } });
  }
  commands.push({
    execute: 'qom-set',
    arguments: {
      path: '/machine/peripheral/balloon0',
      property: 'guest-stats-polling-interval',
      value: balloonInterval,
    },
  });
  return commands;
}
