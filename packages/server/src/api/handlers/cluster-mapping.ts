/** Resource mappings: reading by whoever may use one, changing by administrators of mappings. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { dirMappings, mappingIndex, pciMappings, usbMappings } from '@ryokan/api/methods/cluster-mapping.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import {
  changeSections,
  type Section,
  sectionsDigest,
  sectionValue,
  sectionValues,
  withValues,
} from '../../cluster/section-document.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import {
  demandConsistent,
  type MappingKind,
  mappingPath,
  mappingProblems,
  mappings,
  requireMapping,
} from '../../guests/mappings.ts';
import { childrenOf } from '../directory.ts';
import type { Call, HandlerTable } from '../handler-table.ts';

export function mappingHandlers(table: HandlerTable, services: DaemonServices): void {
  table.on(mappingIndex, () => childrenOf(mappingIndex, 'name'));
  table.on(pciMappings.list, (params, call) => rows('pci', services, params['check-node'], call));
  table.on(dirMappings.list, (params, call) => rows('dir', services, params['check-node'], call));
  table.on(usbMappings.list, (params, call) =>
    rows('usb', services, params['check-node'], call).map(({ checks, ...row }) => ({
      ...row,
      ...(checks ? { error: checks } : {}),
    })),
  );
  const all = [
    ['pci', pciMappings],
    ['usb', usbMappings],
    ['dir', dirMappings],
  ] as const;
  for (const [kind, methods] of all) {
    table.on(methods.get, ({ id }) => ({
      ...rowOf(requireMapping(services.store, kind, id)),
      digest: sectionsDigest(services.store, mappingPath[kind]),
    }));
    table.on(methods.create, (params, call) => create(kind, services, params, call));
    table.on(methods.update, (params, call) => change(kind, services, params, call));
    table.on(methods.remove, ({ id }, call) => remove(kind, services, id, call));
  }
}

function rows(kind: MappingKind, services: DaemonServices, checkNode: string | undefined, call: Call) {
  const { store, settings } = services;
  if (checkNode !== undefined && checkNode !== settings.node) {
    throw new ParameterError({ 'check-node': `there is no node '${checkNode}' in this cluster` });
  }
  const digest = sectionsDigest(store, mappingPath[kind]);
  return mappings(store, kind)
    .filter(({ id }) =>
      call.can(`/mapping/${kind}/${id}`, ['Mapping.Audit', 'Mapping.Use', 'Mapping.Modify'], true),
    )
    .map((section) => ({
      ...rowOf(section),
      digest,
      ...(checkNode === undefined ? {} : { checks: mappingProblems(kind, section, checkNode) }),
    }));
}

const flags = ['mdev', 'live-migration-capable'] as const;

function rowOf(section: Section) {
  const description = sectionValue(section, 'description');
  const on = flags.filter((key) => sectionValue(section, key) === '1');
  return {
    id: section.id,
    map: sectionValues(section, 'map'),
    ...(description === undefined ? {} : { description: decoded(description) }),
    ...Object.fromEntries(on.map((key) => [key, 1 as const])),
  };
}

/** As it was before it became one line of the document; what somebody has typed there by hand stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface Values {
  readonly id: string;
  readonly description?: string | undefined;
  readonly map?: readonly string[] | undefined;
  readonly mdev?: boolean | undefined;
  readonly 'live-migration-capable'?: boolean | undefined;
}

/** Lines for what the call brings; what it does not name stays. */
function linesOf(kind: MappingKind, values: Values): Record<string, readonly string[]> {
  const { description, map } = values;
  if (map) demandConsistent(kind, map);
  const given = flags.filter((key) => values[key] !== undefined);
  return {
    ...(description === undefined ? {} : { description: [encodeURIComponent(description)] }),
    ...(map === undefined ? {} : { map }),
    ...Object.fromEntries(given.map((key) => [key, [values[key] ? '1' : '0']])),
  };
}

async function create(
  kind: MappingKind,
  { store }: DaemonServices,
  values: Values,
  call: Call,
): Promise<null> {
  await changeSections(store, mappingPath[kind], { author: call.user }, (sections) => {
    if (sections.some(({ id }) => id === values.id))
      throw new RyokanError(
        'exists',
        `${kind} ID '${values.id}' already defined: such a mapping already exists`,
      );
    return [...sections, withValues({ id: values.id, lines: [] }, linesOf(kind, values))];
  });
  return null;
}

async function change(
  kind: MappingKind,
  { store }: DaemonServices,
  values: Values & { readonly delete?: string | undefined; readonly digest?: string | undefined },
  call: Call,
): Promise<null> {
  const removed = splitList(values.delete ?? '');
  const fixed = removed.find((key) => key !== 'description' && !flags.some((flag) => flag === key));
  if (fixed !== undefined) throw new ParameterError({ delete: `'${fixed}' cannot be removed` });
  const { digest } = values;
  await changeSections(store, mappingPath[kind], { author: call.user, digest }, (sections) => {
    requireMapping(store, kind, values.id);
    const lines = { ...linesOf(kind, values), ...Object.fromEntries(removed.map((key) => [key, undefined])) };
    return sections.map((one) => (one.id === values.id ? withValues(one, lines) : one));
  });
  return null;
}

async function remove(kind: MappingKind, { store }: DaemonServices, id: string, call: Call): Promise<null> {
  requireMapping(store, kind, id);
  await changeSections(store, mappingPath[kind], { author: call.user }, (sections) =>
    sections.filter((one) => one.id !== id),
  );
  return null;
}
