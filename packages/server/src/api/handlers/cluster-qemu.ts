/** Custom processor models and processor flags of the cluster. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import {
  clusterCpuFlags,
  clusterQemuIndex,
  cpuModelsCreate,
  cpuModelsDelete,
  cpuModelsGet,
  cpuModelsList,
  cpuModelsUpdate,
} from '@ryokan/api/methods/cluster-qemu.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { cpuFields } from '@ryokan/api/schema/qemu-options.ts';
import { changeSections, type Section, sectionsDigest, withValues } from '../../cluster/section-document.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { configValueText } from '../../guests/config-values.ts';
import { flagDescription } from '../../guests/qemu/cpu-flags.ts';
import {
  bareModelName,
  cpuModelsPath,
  cpuModelType,
  customCpu,
  requireCpuModel,
} from '../../guests/qemu/cpu-models.ts';
import { childrenOf } from '../directory.ts';
import type { HandlerTable } from '../handler-table.ts';
import { cpuFlagsHere, visibleModels } from './node-capabilities.ts';

export function clusterQemuHandlers(table: HandlerTable, services: DaemonServices): void {
  table.on(clusterQemuIndex, () => childrenOf(clusterQemuIndex, 'name'));
  flagHandlers(table, services);
  modelHandlers(table, services);
}

function flagHandlers(table: HandlerTable, services: DaemonServices): void {
  table.on(clusterCpuFlags, async ({ accel = 'kvm', arch }) => {
    if (arch === 'aarch64') return [];
    return (await cpuFlagsHere(services, accel)).map((name) => {
      const description = flagDescription(name);
      return {
        name,
        ...(description === undefined ? {} : { description }),
        'supported-on': [services.settings.node],
      };
    });
  });
}

/** A model has a name and something that it grows from. */
const fixedKeys: ReadonlySet<string> = new Set(['cputype', 'reported-model']);

function modelHandlers(table: HandlerTable, { store }: DaemonServices): void {
  const row = (section: Section) => {
    const { hidden, ...options } = customCpu(section);
    return {
      cputype: `custom-${section.id}`,
      ...options,
      ...(hidden === undefined ? {} : { hidden: hidden ? (1 as const) : (0 as const) }),
    };
  };
  table.on(cpuModelsList, (_params, call) => {
    const digest = sectionsDigest(store, cpuModelsPath);
    return visibleModels(store, call).map((section) => ({ ...row(section), digest }));
  });
  table.on(cpuModelsGet, ({ cputype }) => ({
    ...row(requireCpuModel(store, cputype)),
    digest: sectionsDigest(store, cpuModelsPath),
  }));
  table.on(cpuModelsCreate, async ({ cputype, ...options }, call) => {
    const id = bareModelName(cputype);
    await changeSections(store, cpuModelsPath, { author: call.user }, (sections) => {
      if (sections.some((one) => one.id === id))
        throw new RyokanError('exists', `custom CPU model '${id}' already exists`);
      return [...sections, withValues({ type: cpuModelType, id, lines: [] }, lines(options))];
    });
    return null;
  });
  table.on(cpuModelsUpdate, async ({ cputype, delete: removed, digest, ...options }, call) => {
    const keys = splitList(removed ?? '');
    const fixed = keys.find((key) => fixedKeys.has(key) || !(key in cpuFields.properties));
    if (fixed !== undefined) throw new ParameterError({ delete: `'${fixed}' cannot be removed` });
    const gone = Object.fromEntries(keys.map((key) => [key, undefined]));
    await changeSections(store, cpuModelsPath, { author: call.user, digest }, (sections) => {
      const { id } = requireCpuModel(store, cputype);
      return sections.map((one) => (one.id === id ? withValues(one, { ...lines(options), ...gone }) : one));
    });
    return null;
  });
  table.on(cpuModelsDelete, async ({ cputype }, call) => {
    await changeSections(store, cpuModelsPath, { author: call.user }, (sections) => {
      const { id } = requireCpuModel(store, cputype);
      return sections.filter((one) => one.id !== id);
    });
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
