/** Repairing the configuration document of a guest. */
import { digestMismatch, RyokanError } from '@ryokan/api/errors.ts';
import { qemuDocument, qemuDocumentRepair } from '@ryokan/api/methods/qemu-repair.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { type ConfigProperties, type GuestConfigFile, parseConfigFile } from '../../guests/config-file.ts';
import { salvageGuest, writeGuest } from '../../guests/guest-store.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { demandConfigChange } from './qemu-permissions.ts';

export function repairHandlers(table: HandlerTable, services: DaemonServices): void {
  const { store, settings, locks } = services;
  const salvage = (vmid: number) => salvageGuest(store, 'qemu', settings.node, vmid);
  table.on(qemuDocument, ({ vmid }) => {
    const { text, digest, problems } = salvage(vmid);
    return { text, digest, problems: [...problems] };
  });
  table.on(qemuDocumentRepair, async ({ vmid, text, digest }, call) => {
    await locks.with(`qemu-${vmid}`, async () => {
      const guest = salvage(vmid);
      if (digest !== undefined && digest !== guest.digest) throw digestMismatch();
      if (guest.problems.length === 0) {
        throw new RyokanError(
          'state',
          `the configuration of VM ${vmid} is not damaged: change its options (PUT …/config)`,
        );
      }
      const file = readRepaired(text, guest.path);
      demandRepair(services, call, vmid, guest.file, file);
      await writeGuest(store, guest, file, call.user);
    });
    return null;
  });
}

function readRepaired(text: string, path: string): GuestConfigFile {
  try {
    return parseConfigFile(text, path);
  } catch (cause) {
    throw new RyokanError('parameter', `text: ${(cause as Error).message}`, { cause });
  }
}

/** A repair is no way around the rights that single options need; what is no option is root's to change. */
function demandRepair(
  services: DaemonServices,
  call: Call,
  vmid: number,
  before: GuestConfigFile,
  after: GuestConfigFile,
): void {
  const set = changed(before.properties, after.properties);
  const removed = Object.keys(before.properties).filter((key) => !(key in after.properties));
  demandConfigChange(services, call, vmid, { set, delete: removed, revert: [], force: false });
  const others = ({ pending, snapshots, special }: GuestConfigFile) =>
    JSON.stringify([pending, snapshots, special]);
  if (!call.isRoot && others(before) !== others(after)) {
    throw new RyokanError('forbidden', 'only root@pam can repair the sections of a configuration');
  }
}

const changed = (before: ConfigProperties, after: ConfigProperties): ConfigProperties =>
  Object.fromEntries(Object.entries(after).filter(([key, value]) => before[key] !== value));
