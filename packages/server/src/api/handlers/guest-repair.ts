/** Repairing the configuration document of a guest. */
import { digestMismatch, RyokanError } from '@ryokan/api/errors.ts';
import { lxcDocument, qemuDocument } from '@ryokan/api/methods/guest-repair.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import type { ConfigChange } from '../../guests/config-change.ts';
import { type ConfigProperties, type GuestConfigFile, salvageConfigFile } from '../../guests/config-file.ts';
import { kindOf } from '../../guests/guest-kinds.ts';
import { type GuestType, salvageGuest, writeGuest } from '../../guests/guest-store.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { demandLxcChange } from './lxc-permissions.ts';
import { demandConfigChange } from './qemu-permissions.ts';

const methods = { qemu: qemuDocument, lxc: lxcDocument } as const;
const demandChange = { qemu: demandConfigChange, lxc: demandLxcChange } as const;

export function repairHandlers(table: HandlerTable, services: DaemonServices): void {
  handlersOf(table, services, 'qemu');
  handlersOf(table, services, 'lxc');
}

function handlersOf(table: HandlerTable, services: DaemonServices, type: GuestType): void {
  const { store, settings, locks } = services;
  const salvage = (vmid: number) => salvageGuest(store, type, settings.node, vmid);
  table.on(methods[type].read, ({ vmid }) => {
    const { text, digest, problems } = salvage(vmid);
    return { text, digest, problems: [...problems] };
  });
  table.on(methods[type].repair, async ({ vmid, text, digest }, call) => {
    await locks.with(`${type}-${vmid}`, async () => {
      const guest = salvage(vmid);
      if (digest !== undefined && digest !== guest.digest) throw digestMismatch();
      if (guest.problems.length === 0) {
        throw new RyokanError(
          'state',
          `the configuration of ${kindOf(services, vmid).label} ${vmid} is not damaged: change its options (PUT …/config)`,
        );
      }
      const file = readRepaired(text);
      const change = repairChange(call, guest.file, file);
      demandChange[type](services, call, vmid, change);
      await writeGuest(store, guest, file, call.user);
    });
    return null;
  });
}

function readRepaired(text: string): GuestConfigFile {
  const { file, problems } = salvageConfigFile(text);
  if (problems.length === 0) return file;
  const wrong = problems.map(({ line, problem }) => `line ${line}: ${problem}`).join('; ');
  throw new RyokanError('parameter', `text: it is damaged too, so nothing was changed: ${wrong}`);
}

/** A repair is no way around the rights that single options need; what is no option is root's to change. */
function repairChange(call: Call, before: GuestConfigFile, after: GuestConfigFile): ConfigChange {
  const others = ({ pending, snapshots, special }: GuestConfigFile) =>
    JSON.stringify([pending, snapshots, special]);
  if (!call.isRoot && others(before) !== others(after)) {
    throw new RyokanError('forbidden', 'only root@pam can repair the sections of a configuration');
  }
  const set = changed(before.properties, after.properties);
  const removed = Object.keys(before.properties).filter((key) => !(key in after.properties));
  return { set, delete: removed, revert: [], force: false };
}

const changed = (before: ConfigProperties, after: ConfigProperties): ConfigProperties =>
  Object.fromEntries(Object.entries(after).filter(([key, value]) => before[key] !== value));
