/** Parameter and result schemas as JSON Schema 2020-12, the dialect of OpenAPI 3.1. */
import { propertyStringFields } from './schema/property-string.ts';
import type { TObject, TSchema } from './schema/types.ts';

export type Json = Record<string, unknown>;

/** A schema as JSON Schema 2020-12: our own keywords become texts or `x-` keywords. */
export function toJsonSchema(schema: TSchema): Json {
  if (schema.type === 'object' && schema.properties) {
    const object = schema as unknown as TObject;
    const extra = object.additionalProperties;
    const converted = objectSchema(object.properties, object.required ?? [], extra !== false);
    return {
      ...converted,
      ...(typeof extra === 'object' ? { additionalProperties: toJsonSchema(extra) } : {}),
      ...described(schema.description as string | undefined),
    };
  }
  const fields = propertyStringFields(schema);
  if (fields) return propertyString(schema, fields);
  return plainKeywords(schema);
}

function plainKeywords(schema: TSchema): Json {
  const converted: Json = {};
  for (const [key, value] of Object.entries(schema)) {
    if (ownKeywords.has(key)) continue;
    if (key === 'items') converted.items = toJsonSchema(value as TSchema);
    else if (key === 'patternProperties')
      converted.patternProperties = mapSchemas(value as Record<string, TSchema>);
    else if (key === 'additionalProperties' && typeof value === 'object')
      converted[key] = toJsonSchema(value as TSchema);
    else if (key === 'anyOf' || key === 'oneOf' || key === 'allOf')
      converted[key] = (value as TSchema[]).map(toJsonSchema);
    else converted[extensionNames[key] ?? key] = value;
  }
  return converted;
}

/** Keywords that only our own code reads. */
const ownKeywords = new Set(['family', 'renderer', 'propertyString']);

/** Own keywords that readers of the document need, as OpenAPI wants extensions named. */
const extensionNames: Readonly<Record<string, string>> = {
  requires: 'x-requires',
  // Fields of property strings, see schema/property-string.ts.
  defaultKey: 'x-default-key',
  alias: 'x-alias',
  keyAlias: 'x-key-alias',
};

function mapSchemas(schemas: Record<string, TSchema>): Json {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, toJsonSchema(schema)]));
}

function described(text: string | undefined): Json {
  return text ? { description: text } : {};
}

/** An object schema of parameters; numbered families become one pattern each. `open`: more keys may come. */
export function objectSchema(
  properties: Record<string, TSchema>,
  required: readonly string[],
  open: boolean,
): Json {
  const { single, families } = splitFamilies(properties);
  const patterns = families.map(({ name, last, schema }) => {
    const { description, ...converted } = toJsonSchema(schema);
    const text = [`\`${name}[n]\`: ${name}0 to ${name}${last}.`, description].filter(Boolean).join(' ');
    return [
      `^${name}(?:${rangePattern(last)})$`,
      { ...converted, description: text, 'x-family': `${name}[n]` },
    ];
  });
  return {
    type: 'object',
    properties: mapSchemas(single),
    ...(patterns.length > 0 ? { patternProperties: Object.fromEntries(patterns) } : {}),
    ...(required.length > 0 ? { required: [...required] } : {}),
    ...(open ? {} : { additionalProperties: false }),
  };
}

interface Family {
  readonly name: string;
  /** Highest number. */
  readonly last: number;
  readonly schema: TSchema;
}

/** Takes the numbered families (`family` keyword) out of properties. */
export function splitFamilies(properties: Record<string, TSchema>): {
  single: Record<string, TSchema>;
  families: Family[];
} {
  const single: Record<string, TSchema> = {};
  const families = new Map<string, Family>();
  for (const [key, schema] of Object.entries(properties)) {
    const name = schema.family as string | undefined;
    if (name === undefined) single[key] = schema;
    else {
      const last = Math.max(families.get(name)?.last ?? 0, Number(key.slice(name.length)));
      families.set(name, { name, last, schema });
    }
  }
  return { single, families: [...families.values()] };
}

/** A regular expression for the numbers 0..last without leading zeros, last < 1000. */
export function rangePattern(last: number): string {
  if (last < 10) return digits(0, last);
  if (last < 100) return ['\\d', ...twoDigits(1, last)].join('|');
  const hundreds = Math.floor(last / 100);
  return [
    '[1-9]?\\d',
    ...(hundreds > 1 ? [`${digits(1, hundreds - 1)}\\d\\d`] : []),
    ...twoDigits(0, last % 100).map((part) => `${hundreds}${part}`),
  ].join('|');
}

/** Two-digit numbers from `firstTen`0 to `last`. */
function twoDigits(firstTen: number, last: number): string[] {
  const tens = Math.floor(last / 10);
  const full = last % 10 === 9 ? tens : tens - 1;
  return [
    ...(full >= firstTen ? [`${digits(firstTen, full)}\\d`] : []),
    ...(full < tens ? [`${tens}${digits(0, last % 10)}`] : []),
  ];
}

function digits(from: number, to: number): string {
  if (from === to) return String(from);
  return from === 0 && to === 9 ? '\\d' : `[${from}-${to}]`;
}

/** A property string stays a string for the wire; its fields follow in words and as a schema. */
function propertyString(schema: TSchema, fields: TObject): Json {
  const { description, ...plain } = plainKeywords(schema);
  const form = propertyStringForm(fields);
  return {
    ...plain,
    description: [description, `Form: \`${form}\``].filter(Boolean).join(' '),
    'x-property-string': toJsonSchema(fields),
  };
}

/**
 * Moves property strings that several operations take (disks, network cards) into components of their own, named after
 * the parameter: half of the document would be repetition.
 */
export function shareRepeated(schemas: Json): void {
  const uses = new Map<string, { count: number; key: string; area: string }>();
  const visit = (act: (holder: Json, key: string, text: string, area: string) => void) => {
    for (const [name, schema] of Object.entries(schemas) as [string, Json][]) {
      for (const holder of [schema.properties, schema.patternProperties] as Array<Json | undefined>) {
        for (const [key, value] of Object.entries(holder ?? {})) {
          if (holder && value && typeof value === 'object' && 'x-property-string' in value) {
            act(holder, key, JSON.stringify(value), name.split('.')[0] ?? '');
          }
        }
      }
    }
  };
  visit((_holder, key, text, area) => {
    const use = uses.get(text) ?? { count: 0, key: /^\^?(\w+)/.exec(key)?.[1] ?? key, area };
    uses.set(text, use);
    use.count++;
  });
  // Areas whose parameter of the same name has another form: net0 of a VM and of a container.
  const areas = new Map<string, Set<string>>();
  for (const { count, key, area } of uses.values())
    if (count > 1) areas.set(key, (areas.get(key) ?? new Set()).add(area));
  const names = new Map<string, string>();
  visit((holder, key, text) => {
    const use = uses.get(text);
    if (!use || use.count < 2) return;
    let name = (areas.get(use.key)?.size ?? 0) > 1 ? `value.${use.area}.${use.key}` : `value.${use.key}`;
    // The same parameter with another form in another operation of the area.
    while ((names.get(name) ?? text) !== text) name += '_';
    names.set(name, text);
    schemas[name] = JSON.parse(text);
    holder[key] = { $ref: `#/components/schemas/${name}` };
  });
}

/** How a property string is written: `[model=]<e1000|virtio>[,bridge=<bridge>]`. */
export function propertyStringForm(fields: TObject): string {
  const required = new Set(fields.required ?? []);
  const entries = Object.entries(fields.properties as Record<string, TSchema>);
  const shown = entries.filter(([, schema]) => !schema.alias && !schema.keyAlias);
  const ordered = [...shown].sort(
    ([, a], [, b]) => Number(Boolean(b.defaultKey)) - Number(Boolean(a.defaultKey)),
  );
  return ordered
    .map(([name, schema], index) => {
      const value = `<${valueForm(schema)}>`;
      const text = `${index > 0 ? ',' : ''}${schema.defaultKey ? `[${name}=]` : `${name}=`}${value}`;
      return required.has(name) || schema.defaultKey ? text : `[${text}]`;
    })
    .join('');
}

function valueForm(schema: TSchema): string {
  if (Array.isArray(schema.enum)) return schema.enum.join('|');
  if (schema.type === 'boolean') return '1|0';
  return (schema.format as string | undefined) ?? (schema.type as string | undefined) ?? 'value';
}
