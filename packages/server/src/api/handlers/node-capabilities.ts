/** What this node can offer to guests: processors, machine types; and what it can take along in a migration. */
import { join } from 'node:path';
import {
  capabilitiesCpu,
  capabilitiesIndex,
  capabilitiesMachines,
  capabilitiesQemuIndex,
  nodeCpuFlags,
  nodeMigrationCapabilities,
} from '@ryokan/api/methods/node-capabilities.ts';
import { type Section, sectionValue } from '../../cluster/section-document.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { qemuCapabilities, vendorOf } from '../../guests/qemu/capabilities.ts';
import { type Accelerator, guestCpuFlags, supportedCpuFlags } from '../../guests/qemu/cpu-flags.ts';
import { cpuModelSections } from '../../guests/qemu/cpu-models.ts';
import { childrenOf } from '../directory.ts';
import type { Call, HandlerTable } from '../handler-table.ts';

export function capabilityHandlers(table: HandlerTable, services: DaemonServices): void {
  const { paths, settings, store } = services;
  table.on(capabilitiesIndex, () => childrenOf(capabilitiesIndex, 'name'));
  table.on(capabilitiesQemuIndex, () => childrenOf(capabilitiesQemuIndex, 'name'));
  const found = () => qemuCapabilities(join(paths.run, 'qemu-capabilities.json'));
  table.on(capabilitiesCpu, async ({ arch }, call) => {
    if (arch === 'aarch64') return [];
    const custom = visibleModels(store, call).map((section) => ({
      name: `custom-${section.id}`,
      vendor: vendorOf(sectionValue(section, 'reported-model') ?? ''),
      custom: 1 as const,
    }));
    return [...(await found()).cpus.map((model) => ({ ...model, custom: 0 as const })), ...custom];
  });
  table.on(capabilitiesMachines, async ({ arch }) =>
    arch === 'aarch64' ? [] : [...(await found()).machines],
  );
  table.on(nodeCpuFlags, async ({ accel = 'kvm', arch }) => {
    if (arch === 'aarch64') return [];
    const here = new Set(await cpuFlagsHere(services, accel));
    // Nested virtualisation is a name of ours for the one that the vendor has.
    if (here.has('vmx') || here.has('svm')) here.add('nested-virt');
    return guestCpuFlags(accel).map((flag) => ({
      ...flag,
      'supported-on': here.has(flag.name) ? [settings.node] : [],
    }));
  });
  // Taking tracked connections along comes with migration.
  table.on(nodeMigrationCapabilities, () => ({ 'has-dbus-vmstate': 0 as const }));
}

/** Flags that guests of this node can have; none for KVM where it does not work and cannot be asked. */
export async function cpuFlagsHere(services: DaemonServices, accelerator: Accelerator): Promise<string[]> {
  if (accelerator === 'kvm' && services.accelerator().accelerator !== 'kvm') return [];
  return supportedCpuFlags(join(services.paths.run, `qemu-cpu-flags-${accelerator}.json`), accelerator);
}

/** Custom models that the caller may see or use. */
export function visibleModels(store: ConfigStore, call: Call): Section[] {
  return cpuModelSections(store).filter(({ id }) =>
    call.can(`/mapping/cpu/${id}`, ['Mapping.Audit', 'Mapping.Use', 'Mapping.Modify'], true),
  );
}
