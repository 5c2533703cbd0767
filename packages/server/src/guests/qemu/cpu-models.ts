/** Custom processor models of the cluster: virtual-guest/cpu-models.conf. A guest names one as `cpu: custom-NAME`. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { cpuFields, type QemuCpu } from '@ryokan/api/schema/qemu-options.ts';
import { parseSections, type Section } from '../../cluster/section-document.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import { optionOf } from './config.ts';
import type { QemuHost } from './host-input.ts';
import type { GuestStart } from './start-host.ts';

export const cpuModelsPath = 'virtual-guest/cpu-models.conf';
export const cpuModelType = 'cpu-model';

/** The options of a model; `cputype` has no place in it. */
export type CustomCpu = Omit<QemuCpu, 'cputype'>;

export function cpuModelSections(store: ConfigStore): Section[] {
  return parseSections(store.get(cpuModelsPath)?.text ?? '').filter(({ type }) => type === cpuModelType);
}

/** The name without the `custom-` that guests put in front. */
export const bareModelName = (name: string): string => name.replace(/^custom-/, '');

/** Throws 'not-found'. */
export function requireCpuModel(store: ConfigStore, name: string): Section {
  const id = bareModelName(name);
  const found = cpuModelSections(store).find((one) => one.id === id);
  if (!found) {
    throw new RyokanError(
      'not-found',
      `Custom cputype '${id}' not found: a processor model of that name does not exist`,
      {
        context: { cputype: id },
      },
    );
  }
  return found;
}

/** The options of a stored model. Throws 'parameter' when somebody has edited it into nonsense. */
export function customCpu(section: Section): CustomCpu {
  const text = section.lines.map(([key, value]) => `${key}=${value}`).join(',');
  try {
    return parsePropertyString(cpuFields, text);
  } catch (cause) {
    throw new RyokanError(
      'parameter',
      `processor model '${section.id}' in ${cpuModelsPath} is wrong: ${(cause as Error).message.trim()}`,
      { context: { cputype: section.id }, cause },
    );
  }
}

/** Part of a start: the model that the guest names. */
export function customCpuOf({
  services,
  config,
}: Pick<GuestStart, 'services' | 'config'>): Partial<QemuHost> {
  const type = optionOf(config, 'cpu', cpuFields)?.cputype;
  if (!type?.startsWith('custom-')) return {};
  return { customCpu: customCpu(requireCpuModel(services.store, type)) };
}
