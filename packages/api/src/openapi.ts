/** Turns method records into an OpenAPI 3.1 document: what /api2/openapi.json and docs/generated/ show. */
import type { Method, Permission } from './method.ts';
import { propertyStringFields } from './schema/property-string.ts';
import type { TObject, TSchema } from './schema/types.ts';

export interface OpenApiOptions {
  readonly version?: string;
}

type Json = Record<string, unknown>;

/** The document for these methods, as plain JSON values. */
export function toOpenApi(methods: readonly Method[], options: OpenApiOptions = {}): Json {
  const paths: Record<string, Json> = {};
  const schemas: Json = {};
  for (const method of methods) {
    const path = paths[method.path] ?? {};
    paths[method.path] = path;
    path[method.verb.toLowerCase()] = operation(method, schemas);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Ryokan API',
      version: options.version ?? '0.1.0',
      description:
        'Speaks the API of Proxmox VE. Every result stands in the field `data`. Operations that take longer than a moment answer with the id of a task (UPID) at once.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/api2/json' }],
    tags: [...new Set(methods.map(areaOf))].map((name) => ({ name })),
    paths,
    components: { securitySchemes, responses: errorResponses, schemas: { Error: errorSchema, ...schemas } },
  };
}

/** The part of the API a method belongs to: `nodes/qemu`, `access`, `cluster`. */
export function areaOf(method: Pick<Method, 'path'>): string {
  return areaOfPath(method.path);
}

/** The area of a path: its first fragment, below a node also the one after the node's name. */
export function areaOfPath(path: string): string {
  const [first = 'index', , third] = path.split('/').filter(Boolean);
  return first === 'nodes' && third ? `nodes/${third}` : first;
}

function operation(method: Method, schemas: Json): Json {
  const inPath = new Set([...method.path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1] as string));
  const hasBody = method.verb === 'POST' || method.verb === 'PUT';
  const { properties, required = [] } = method.params;
  const rest = Object.fromEntries(Object.entries(properties).filter(([name]) => !inPath.has(name)));
  const restRequired = required.filter((name) => !inPath.has(name));
  const parameters = [
    ...[...inPath].map((name) => parameter(name, 'path', properties[name], true)),
    ...(hasBody ? [] : queryParameters(rest, restRequired)),
  ];
  return {
    operationId: method.id,
    tags: [areaOf(method)],
    summary: firstSentence(method.description),
    description: describe(method),
    security: security(method),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(hasBody && (Object.keys(rest).length > 0 || method.transport === 'upload')
      ? { requestBody: requestBody(method, rest, restRequired, schemas) }
      : {}),
    responses: responses(method),
    ...(method.task ? { 'x-task': method.task.type } : {}),
    ...(method.extension ? { 'x-extension': true } : {}),
  };
}

function describe(method: Method): string {
  const lines = [method.description];
  if (method.task) lines.push(`Runs as a task of type \`${method.task.type}\`; the result is its UPID.`);
  lines.push(`Permission: ${describePermission(method.permission)}.`);
  if (method.allowToken === false) lines.push('Not possible with an API token.');
  if (method.extension) lines.push('Not part of the API of Proxmox VE.');
  return lines.join('\n\n');
}

function firstSentence(text: string): string {
  return /^.*?\.(?=\s|$)/s.exec(text)?.[0] ?? text;
}

/** A permission rule in words. */
export function describePermission(rule: Permission): string {
  if ('perm' in rule) {
    const condition = rule.ifParam ? `, when \`${rule.ifParam}\` is given` : '';
    return `${anyOrAll(rule.privs, rule.any)} on ${rule.perm}${condition}`;
  }
  if ('modifyPath' in rule) return `the right to hand out rights on ${rule.modifyPath}`;
  if ('self' in rule) return `being the user named by \`${rule.self}\``;
  if ('realmOf' in rule) return `${anyOrAll(rule.privs)} on the realm of \`${rule.realmOf}\``;
  if ('userGroup' in rule) {
    return `${anyOrAll(rule.privs, true)} on /access/groups or on a group of \`${rule.userGroup}\``;
  }
  if ('user' in rule)
    return { world: 'none, no login needed', all: 'any user', root: 'root@pam only' }[rule.user];
  return 'and' in rule ? combined(rule.and, ' and ') : combined(rule.or, ' or ');
}

function anyOrAll(privileges: readonly string[], any = false): string {
  return privileges.join(any ? ' or ' : ' and ');
}

function combined(rules: readonly Permission[], word: string): string {
  const nested = (rule: Permission) => 'and' in rule || 'or' in rule;
  return rules
    .map((rule) => (nested(rule) ? `(${describePermission(rule)})` : describePermission(rule)))
    .join(word);
}

function security(method: Method): Json[] {
  if ('user' in method.permission && method.permission.user === 'world') return [];
  const ticket = method.verb === 'GET' ? { ticket: [] } : { ticket: [], csrf: [] };
  return method.allowToken === false ? [ticket] : [ticket, { apiToken: [] }];
}

function parameter(
  name: string,
  place: 'path' | 'query',
  schema: TSchema | undefined,
  required: boolean,
): Json {
  const { description, ...plain } = toJsonSchema(schema ?? ({ type: 'string' } as unknown as TSchema));
  return { name, in: place, required, ...(description ? { description } : {}), schema: plain };
}

function queryParameters(properties: Record<string, TSchema>, required: readonly string[]): Json[] {
  const { single, families } = splitFamilies(properties);
  return [
    ...Object.entries(single).map(([name, schema]) =>
      parameter(name, 'query', schema, required.includes(name)),
    ),
    ...families.map(({ name, schema }) => parameter(`${name}[n]`, 'query', schema, false)),
  ];
}

function requestBody(
  method: Method,
  properties: Record<string, TSchema>,
  required: readonly string[],
  schemas: Json,
): Json {
  const name = `${method.id}.parameters`;
  const schema = objectSchema(properties, required, method.openParams === true);
  schemas[name] = schema;
  const reference = { schema: { $ref: `#/components/schemas/${name}` } };
  const content =
    method.transport === 'upload'
      ? { 'multipart/form-data': reference }
      : { 'application/x-www-form-urlencoded': reference, 'application/json': reference };
  return { required: required.length > 0, content };
}

function responses(method: Method): Json {
  const errors = Object.fromEntries(
    Object.keys(errorResponses).map((status) => [status, { $ref: `#/components/responses/${status}` }]),
  );
  if (method.transport === 'websocket') {
    return { '101': { description: 'The connection becomes a WebSocket.' }, ...errors };
  }
  const content =
    method.transport === 'events'
      ? { 'text/event-stream': { schema: { type: 'string' } } }
      : { 'application/json': { schema: envelope(toJsonSchema(method.returns)) } };
  return { '200': { description: 'Done.', content }, ...errors };
}

function envelope(data: Json): Json {
  return { type: 'object', properties: { data }, required: ['data'] };
}

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
    else if (key === 'requires') converted['x-requires'] = value;
    else converted[key] = value;
  }
  return converted;
}

/** Keywords that only our own code reads. */
const ownKeywords = new Set(['family', 'renderer', 'defaultKey', 'alias', 'keyAlias', 'propertyString']);

function mapSchemas(schemas: Record<string, TSchema>): Json {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, toJsonSchema(schema)]));
}

function described(text: string | undefined): Json {
  return text ? { description: text } : {};
}

function objectSchema(properties: Record<string, TSchema>, required: readonly string[], open: boolean): Json {
  const { single, families } = splitFamilies(properties);
  const patterns = families.map(({ name, last, schema }) => {
    const text = [`\`${name}[n]\`: ${name}0 to ${name}${last}.`, schema.description]
      .filter(Boolean)
      .join(' ');
    const pattern = `^${name}(?:${rangePattern(last)})$`;
    return [pattern, { ...toJsonSchema(schema), description: text, 'x-family': `${name}[n]` }];
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

const securitySchemes: Json = {
  ticket: {
    type: 'apiKey',
    in: 'cookie',
    name: 'PVEAuthCookie',
    description: 'The ticket that POST /access/ticket answers with; valid for two hours.',
  },
  csrf: {
    type: 'apiKey',
    in: 'header',
    name: 'CSRFPreventionToken',
    description: 'Comes with the ticket; needed beside it for everything but GET.',
  },
  apiToken: {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description: '`PVEAPIToken=USER@REALM!TOKENID=SECRET`',
  },
};

const errorSchema: Json = {
  type: 'object',
  properties: {
    data: { type: 'null' },
    message: { type: 'string', description: 'What happened; its first line is also the reason phrase.' },
    errors: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'One text a parameter, for status 400 only.',
    },
  },
  required: ['data'],
};

const errorContent = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };

const errorResponses: Json = {
  '400': { description: 'A parameter is missing or wrong.', content: errorContent },
  '401': { description: 'No login, or one that is over. The body may be empty.' },
  '403': { description: 'The user lacks a privilege.', content: errorContent },
  '500': {
    description: 'It failed, or something named does not exist or exists already.',
    content: errorContent,
  },
  '501': { description: 'There is no such operation.', content: errorContent },
};
