/** A schema as rows for people: name, type with its limits, description, and the rows inside. */
import type { ApiDocument, Schema } from './document.ts';

export interface Row {
  /** Name of the field; `net[n]` for a numbered family. */
  readonly name: string;
  readonly required: boolean;
  /** Only for parameters. */
  readonly place?: 'path' | 'query' | 'header' | 'body';
  readonly description: string;
  /** As `integer`, `list of strings`. */
  readonly schema: Schema;
  /** How a property string is written, when the description says it. */
  readonly form?: string;
  /** Fields of an object, of a list's objects or of a property string; empty for plain values. */
  readonly fields: readonly Row[];
}

/** Deeper than any result of the API: a guard against schemas that contain themselves. */
const deepest = 6;

/** The schema itself, or the component that it refers to. */
export function resolve(schema: Schema, document: ApiDocument): Schema {
  if (schema.$ref === undefined) return schema;
  const { $ref, ...beside } = schema;
  const found = document.components.schemas[$ref.slice($ref.lastIndexOf('/') + 1)];
  return found ? resolve({ ...found, ...beside }, document) : beside;
}

/** The fields of an object (or of a list of objects), in the order of the document; other names come last. */
export function rowsOf(schema: Schema, document: ApiDocument, depth = 0): Row[] {
  const object = listedIn(resolve(schema, document), document);
  if (depth > deepest) return [];
  const required = new Set(object.required ?? []);
  const named = Object.entries(object.properties ?? {});
  const families = Object.entries(object.patternProperties ?? {}).map(
    ([pattern, one]) => [resolve(one, document)['x-family'] ?? pattern, one] as const,
  );
  const others = typeof object.additionalProperties === 'object' ? object.additionalProperties : undefined;
  const isAnyName = (name: string) => name === '^(.*)$';
  return [
    ...[...named, ...families].map(([name, one]) =>
      row(isAnyName(name) ? '*' : name, one, required.has(name), document, depth),
    ),
    ...(others ? [row('*', others, false, document, depth)] : []),
  ];
}

/** What a list holds; anything else is itself. */
function listedIn(schema: Schema, document: ApiDocument): Schema {
  return schema.items ? listedIn(resolve(schema.items, document), document) : schema;
}

function row(name: string, given: Schema, required: boolean, document: ApiDocument, depth: number): Row {
  const schema = resolve(given, document);
  const [, description = '', form] = /^(.*?)(?:\s*Form: `([^`]*)`)?$/s.exec(schema.description ?? '') ?? [];
  const fields = schema['x-property-string']
    ? rowsOf(schema['x-property-string'], document, depth + 1).filter(
        ({ schema: one }) => one['x-alias'] === undefined,
      )
    : rowsOf(schema, document, depth + 1);
  return { name, required, description, schema, ...(form ? { form } : {}), fields };
}

/** Required ones first, each part in its order. */
export function sortRows(rows: readonly Row[]): Row[] {
  return [...rows.filter((one) => one.required), ...rows.filter((one) => !one.required)];
}

/** The JSON type in its own words, `a | b` where there are several. */
export function typeName(schema: Schema, listOf: (items: string) => string): string {
  if (schema['x-property-string']) return 'string';
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return [...new Set(choices.map((one) => typeName(one, listOf)))].join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === 'array') return schema.items ? listOf(typeName(schema.items, listOf)) : 'array';
  if (typeof schema.type === 'string') return schema.type;
  return schema.type?.join(' | ') ?? (schema.properties ? 'object' : 'any');
}

/** `100 – 999999999`, `≥ 1`; of several types the limits of the first. Undefined without limits. */
export function rangeText(schema: Schema): string | undefined {
  const { minimum, maximum } = schema.anyOf?.[0] ?? schema;
  if (minimum !== undefined && maximum !== undefined) return `${minimum} – ${maximum}`;
  if (minimum !== undefined) return `≥ ${minimum}`;
  return maximum === undefined ? undefined : `≤ ${maximum}`;
}

/** The default as people write it: booleans are 1 and 0. */
export function defaultText(schema: Schema): string | undefined {
  const value = schema.default;
  if (value === undefined) return undefined;
  if (typeof value === 'boolean') return value ? '1' : '0';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
