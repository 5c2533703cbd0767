/** Makes the manifest (manifest.ts) from method records. Runs at build time and in tests, never in a CLI call. */
import type { Method } from '@ryokan/api/method.ts';
import { propertyStringFields } from '@ryokan/api/schema/property-string.ts';
import type { TObject, TSchema } from '@ryokan/api/schema/types.ts';
import type {
  CliHelp,
  CliManifest,
  CliMethod,
  ParamDef,
  ParamHelp,
  ParamType,
  ResultField,
  ResultShape,
} from './manifest.ts';

export interface BuiltManifest {
  readonly manifest: CliManifest;
  readonly help: CliHelp;
}

/** `version` is the product's version, shown by `ryokan --version`. */
export function buildCliManifest(methods: readonly Method[], version: string): BuiltManifest {
  const shared = new SharedDefs();
  const cliMethods = methods.map((method) => cliMethod(method, shared));
  return {
    manifest: { version, defs: shared.defs, methods: cliMethods },
    help: { defs: shared.help, methods: methods.map((method) => method.description) },
  };
}

/** Gives equal parameter definitions one index: qm create and qm set share hundreds. */
class SharedDefs {
  readonly defs: ParamDef[] = [];
  readonly help: ParamHelp[] = [];
  private readonly indexes = new Map<string, number>();

  add(def: ParamDef, help: ParamHelp): number {
    const key = JSON.stringify([def, help]);
    let index = this.indexes.get(key);
    if (index === undefined) {
      index = this.defs.push(def) - 1;
      this.help.push(help);
      this.indexes.set(key, index);
    }
    return index;
  }
}

function cliMethod(method: Method, shared: SharedDefs): CliMethod {
  const { cli } = method;
  return {
    id: method.id,
    verb: method.verb,
    path: method.path,
    params: paramIndexes(method.params, shared),
    ...(method.params.required?.length ? { required: [...method.params.required] } : {}),
    ...(method.task ? { task: true as const } : {}),
    ...(method.openParams ? { open: true as const } : {}),
    ...(method.transport ? { transport: method.transport } : {}),
    result: resultShape(method.returns),
    ...(cli ? { command: cli.command } : {}),
    ...(cli?.args?.length ? { args: [...cli.args] } : {}),
    ...(cli?.aliases?.length ? { aliases: [...cli.aliases] } : {}),
    ...(cli?.columns?.length ? { columns: [...cli.columns] } : {}),
  };
}

function paramIndexes(params: TObject, shared: SharedDefs): Record<string, number> {
  const properties = params.properties as Record<string, TSchema>;
  const counts = new Map<string, number>();
  for (const schema of Object.values(properties)) {
    const family = schema.family as string | undefined;
    if (family) counts.set(family, (counts.get(family) ?? 0) + 1);
  }
  const indexes: Record<string, number> = {};
  for (const [name, schema] of Object.entries(properties)) {
    const family = schema.family as string | undefined;
    const key = family ? `${family}[n]` : name;
    if (Object.hasOwn(indexes, key)) continue;
    indexes[key] = shared.add(paramDef(schema, family ? counts.get(family) : undefined), paramHelp(schema));
  }
  return indexes;
}

function paramDef(schema: TSchema, family: number | undefined): ParamDef {
  const items = schema.items as TSchema | undefined;
  const format = (schema.format ?? items?.format) as string | undefined;
  const values = (schema.enum ?? items?.enum) as readonly unknown[] | undefined;
  return {
    type: paramType(schema),
    ...(format ? { format } : {}),
    ...(values ? { enum: values.map(String) } : {}),
    ...(family === undefined ? {} : { family }),
  };
}

function paramType(schema: TSchema): ParamType {
  switch (schema.type) {
    case 'integer':
    case 'number':
    case 'boolean':
    case 'array':
      return schema.type;
    default:
      return 'string';
  }
}

function paramHelp(schema: TSchema): ParamHelp {
  const fields = propertyStringFields(schema);
  const help: Record<string, string | number> = {};
  if (schema.description) help.description = schema.description;
  if (schema.default !== undefined) help.default = defaultText(schema.default);
  for (const key of ['minimum', 'maximum', 'maxLength', 'pattern'] as const) {
    const value = schema[key] as string | number | undefined;
    if (value !== undefined) help[key] = value;
  }
  if (fields) help.synopsis = propertySynopsis(fields);
  return help;
}

const defaultText = (value: unknown): string =>
  value === true ? '1' : value === false ? '0' : typeof value === 'string' ? value : JSON.stringify(value);

/** `[model=]<e1000|virtio> [,bridge=<pve-bridge-id>] ...`: the default key first, then the rest as declared. */
export function propertySynopsis(fields: TObject): string {
  const required = new Set(fields.required ?? []);
  const entries = Object.entries(fields.properties as Record<string, TSchema>).filter(
    ([, schema]) => !schema.alias,
  );
  entries.sort(([, a], [, b]) => Number(b.defaultKey === true) - Number(a.defaultKey === true));
  return entries
    .map(([name, schema], i) => {
      const text = `${schema.defaultKey === true ? `[${name}=]` : `${name}=`}<${valueWord(schema)}>`;
      const one = i === 0 ? text : `,${text}`;
      return required.has(name) || (i === 0 && schema.defaultKey === true) ? one : `[${one}]`;
    })
    .join(' ');
}

function valueWord(schema: TSchema): string {
  if (schema.enum) return (schema.enum as unknown[]).join('|');
  if (schema.type === 'boolean') return '1|0';
  const format = schema.format as string | undefined;
  if (format) return format.replace(/^pve-/, '');
  return String(schema.type ?? 'string');
}

function resultShape(returns: TSchema): ResultShape {
  if (returns.type === 'null') return { kind: 'none' };
  const items = returns.items as TSchema | undefined;
  if (returns.type === 'array') return { kind: 'list', ...withFields(items) };
  return returns.type === 'object' ? { kind: 'object', ...withFields(returns) } : { kind: 'value' };
}

function withFields(schema: TSchema | undefined): { fields?: ResultField[] } {
  const properties = schema?.properties as Record<string, TSchema> | undefined;
  if (!properties) return {};
  return { fields: Object.entries(properties).map(([name, one]) => resultField(name, one)) };
}

function resultField(name: string, schema: TSchema): ResultField {
  const isBit = schema.type === 'integer' && schema.minimum === 0 && schema.maximum === 1;
  const renderer = schema.renderer as string | undefined;
  return {
    name,
    ...(isBit ? { type: 'boolean' as const } : schema.type ? { type: paramType(schema) } : {}),
    ...(renderer ? { renderer } : {}),
  };
}
