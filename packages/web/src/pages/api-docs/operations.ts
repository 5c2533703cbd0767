/** The operations of the API's description as the pages list, find and address them. */
import type { Verb } from '@ryokan/api/method.ts';
import type { ApiDocument, DocumentOperation, DocumentParameter, Schema } from './document.ts';
import { type Row, resolve, rowsOf, sortRows } from './schema-rows.ts';

const verbs: readonly Verb[] = ['GET', 'POST', 'PUT', 'DELETE'];

export type Transport = 'json' | 'upload' | 'websocket' | 'events';

export interface Operation {
  readonly verb: Verb;
  /** Path below /api2/json with `{name}` fragments. */
  readonly path: string;
  readonly area: string;
  /** What it is for, one paragraph. */
  readonly description: string;
  readonly transport: Transport;
  /** Lower-case text that a search looks into. */
  readonly words: string;
  readonly source: DocumentOperation;
}

export interface Area {
  /** As `nodes/qemu`. */
  readonly name: string;
  readonly operations: readonly Operation[];
}

/** Every operation, by path, then GET, POST, PUT, DELETE. */
export function operationsOf(document: ApiDocument): Operation[] {
  return Object.entries(document.paths)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, byVerb]) =>
      verbs.flatMap((verb) => {
        const source = byVerb[verb.toLowerCase() as Lowercase<Verb>];
        return source ? [operation(verb, path, source)] : [];
      }),
    );
}

function operation(verb: Verb, path: string, source: DocumentOperation): Operation {
  const description = source.description.split('\n\n')[0] ?? '';
  const words = [verb, path, source.operationId, description, source['x-cli']?.command, source['x-task']];
  return {
    verb,
    path,
    area: source.tags[0] ?? '',
    description,
    transport: transportOf(source),
    words: words.filter(Boolean).join(' ').toLowerCase(),
    source,
  };
}

function transportOf(source: DocumentOperation): Transport {
  if ('101' in source.responses) return 'websocket';
  if (source.responses['200']?.content?.['text/event-stream']) return 'events';
  return source.requestBody?.content['multipart/form-data'] ? 'upload' : 'json';
}

/** Areas smaller than this join the one above, so that the list is not a row of single entries. */
const leastInArea = 3;

/** Operations by area, in the order of their names. */
export function areasOf(operations: readonly Operation[]): Area[] {
  const sizes = new Map<string, number>();
  for (const { area } of operations) sizes.set(area, (sizes.get(area) ?? 0) + 1);
  const areas = new Map<string, Operation[]>();
  for (const one of operations) {
    const small = (sizes.get(one.area) ?? 0) < leastInArea;
    const name = small && one.area.includes('/') ? (one.area.split('/')[0] ?? '') : one.area;
    areas.set(name, [...(areas.get(name) ?? []), one]);
  }
  return [...areas]
    .map(([name, members]) => ({ name, operations: members }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The operations in which the text stands as it is (a command, a path); without any, those that have all its words. */
export function findOperations(operations: readonly Operation[], text: string): Operation[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const phrase = words.join(' ');
  const exact = operations.filter((one) => one.words.includes(phrase));
  if (exact.length > 0) return exact;
  return operations.filter((one) => words.every((word) => one.words.includes(word)));
}

/** Address of an operation's page. */
export function addressOf({ verb, path }: Pick<Operation, 'verb' | 'path'>): string {
  return `/api-docs/${verb}${path}`;
}

/** The operation at `GET/nodes/{node}/qemu`, the part of an address after /api-docs/. */
export function operationAt(operations: readonly Operation[], address: string): Operation | undefined {
  const [verb = '', ...rest] = address.replace(/\/+$/, '').split('/');
  const path = `/${rest.join('/')}`;
  return operations.find((one) => one.verb === verb.toUpperCase() && one.path === path);
}

/** What an operation takes: what stands in the path, what it cannot do without, the rest; last what many others take too. */
export function parametersOf(operation: Operation, document: ApiDocument): Row[] {
  const { parameters = [], requestBody } = operation.source;
  const own = parameters.flatMap((one) => ('$ref' in one ? [] : [parameterRow(one, document)]));
  const common = parameters.flatMap((one) => {
    const found = '$ref' in one ? document.components.parameters?.[lastPart(one.$ref)] : undefined;
    return found ? [parameterRow(found, document)] : [];
  });
  const body = Object.values(requestBody?.content ?? {})[0]?.schema;
  const inBody = body ? rowsOf(body, document).map((row): Row => ({ ...row, place: 'body' })) : [];
  const inPath = own.filter((row) => row.place === 'path');
  return [...inPath, ...sortRows([...own.filter((row) => row.place !== 'path'), ...inBody]), ...common];
}

const lastPart = (reference: string): string => reference.slice(reference.lastIndexOf('/') + 1);

function parameterRow(one: DocumentParameter, document: ApiDocument): Row {
  const { name, in: place, required, description, schema } = one;
  const field = { ...schema, ...(description === undefined ? {} : { description }) };
  const [row] = rowsOf(
    { type: 'object', properties: { [name]: field }, required: required ? [name] : [] },
    document,
  );
  return { ...(row as Row), place };
}

/** Schema of the `data` that the operation answers with; undefined for streams. */
export function resultOf(operation: Operation, document: ApiDocument): Schema | undefined {
  const envelope = operation.source.responses['200']?.content?.['application/json']?.schema;
  const data = envelope && resolve(envelope, document).properties?.data;
  return data && resolve(data, document);
}
