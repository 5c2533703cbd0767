/** Custom processor models, processor flags, and what this node can do for a migration. */
import { join } from 'node:path';
import { ParameterError } from '@ryokan/api/errors.ts';
import {
  clusterCpuFlags,
  clusterQemuIndex,
  cpuModelsCreate,
  cpuModelsDelete,
  cpuModelsGet,
  cpuModelsList,
  cpuModelsUpdate,
  nodeCpuFlags,
  nodeMigrationCapabilities,
} from '@ryokan/api/methods/cluster-qemu.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { changeSections, type Section, sectionsDigest, withValues } from '../../cluster/section-document.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { configValueText } from '../../guests/qemu/config.ts';
import {
  type Accelerator,
  flagDescription,
  guestCpuFlags,
  supportedCpuFlags,
} from '../../guests/qemu/cpu-flags.ts';
import {
  bareModelName,
  cpuModelSections,
  cpuModelsPath,
  cpuModelType,
  customCpu,
  requireCpuModel,
} from '../../guests/qemu/cpu-models.ts';
import type { HandlerTable } from '../handler-table.ts';

export function clusterQemuHandlers(table: HandlerTable, services: DaemonServices): void {
  table.on(clusterQemuIndex, () => ['cpu-flags', 'custom-cpu-models'].map((name) => ({ name })));
  flagHandlers(table, services);
  modelHandlers(table, services);
}

function flagHandlers(table: HandlerTable, services: DaemonServices): void {
  const { paths, settings } = services;
  const supported = async (accelerator: Accelerator): Promise<string[]> => {
    // Where KVM does not work it cannot be asked; what it would give is unknown.
    if (accelerator === 'kvm' && services.accelerator().accelerator !== 'kvm') return [];
    return supportedCpuFlags(join(paths.run, `qemu-cpu-flags-${accelerator}.json`), accelerator);
  };
  table.on(clusterCpuFlags, async ({ accel = 'kvm', arch }) => {
    if (arch === 'aarch64') return [];
    return (await supported(accel)).map((name) => {
      const description = flagDescription(name);
      return {
        name,
        ...(description === undefined ? {} : { description }),
        'supported-on': [settings.node],
      };
    });
  });
  table.on(nodeCpuFlags, async ({ accel = 'kvm', arch }) => {
    if (arch === 'aarch64') return [];
    const here = new Set(await supported(accel));
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

function modelHandlers(table: HandlerTable, { store }: DaemonServices): void {
  const row = (section: Section) => {
    const { hidden, ...options } = customCpu(section);
    return {
      cputype: `custom-${section.id}`,
      ...options,
      ...(hidden === undefined ? {} : { hidden: hidden ? (1 as const) : (0 as const) }),
    };
  };
  table.on(cpuModelsList, (_params, call) =>
    cpuModelSections(store)
      .filter(({ id }) =>
        call.can(`/mapping/cpu/${id}`, ['Mapping.Audit', 'Mapping.Use', 'Mapping.Modify'], true),
      )
      .map(row),
  );
  table.on(cpuModelsGet, ({ cputype }) => ({
    ...row(requireCpuModel(store, cputype)),
    digest: sectionsDigest(store, cpuModelsPath),
  }));
  table.on(cpuModelsCreate, async ({ cputype, ...options }, call) => {
    const id = bareModelName(cputype);
    await changeSections(store, cpuModelsPath, { author: call.user }, (sections) => {
      if (sections.some((one) => one.id === id))
        throw new ParameterError({ cputype: `CPU type '${id}' already exists` });
      return [...sections, withValues({ type: cpuModelType, id, lines: [] }, lines(options))];
    });
    return null;
  });
  table.on(cpuModelsUpdate, async ({ cputype, delete: removed, digest, ...options }, call) => {
    const keys = splitList(removed ?? '');
    if (keys.includes('reported-model'))
      throw new ParameterError({ delete: "'reported-model' cannot be removed" });
    const { id } = requireCpuModel(store, cputype);
    const gone = Object.fromEntries(keys.map((key) => [key, undefined]));
    await changeSections(store, cpuModelsPath, { author: call.user, digest }, (sections) =>
      sections.map((one) => (one.id === id ? withValues(one, { ...lines(options), ...gone }) : one)),
    );
    return null;
  });
  table.on(cpuModelsDelete, async ({ cputype }, call) => {
    const { id } = requireCpuModel(store, cputype);
    await changeSections(store, cpuModelsPath, { author: call.user }, (sections) =>
      sections.filter((one) => one.id !== id),
    );
    return null;
  });
}

function lines(
  options: Readonly<Record<string, string | number | boolean | undefined>>,
): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, [configValueText(value)]]],
    ),
  );
}
