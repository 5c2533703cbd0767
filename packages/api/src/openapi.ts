/** Turns method records into an OpenAPI 3.1 document: what /api2/openapi.json and docs/generated/ show. */
import { type CliCommand, type Method, type Permission, sessionHeader } from './method.ts';
import { type Json, objectSchema, shareRepeated, splitFamilies, toJsonSchema } from './openapi-schema.ts';
import type { TSchema } from './schema/types.ts';

export interface OpenApiOptions {
  readonly version?: string;
}

/** The document for these methods, as plain JSON values. */
export function toOpenApi(methods: readonly Method[], options: OpenApiOptions = {}): Json {
  const paths: Record<string, Json> = {};
  const schemas: Json = {};
  for (const method of methods) {
    const path = paths[method.path] ?? {};
    paths[method.path] = path;
    path[method.verb.toLowerCase()] = operation(method, schemas);
  }
  shareRepeated(schemas);
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
    components: {
      securitySchemes,
      parameters: contractParameters,
      responses: errorResponses,
      schemas: { Error: errorSchema, ...schemas },
    },
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
    ...contractParametersOf(method),
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
    'x-permission': method.permission,
    ...(method.cli ? { 'x-cli': commandLine(method.cli) } : {}),
    ...(method.task ? { 'x-task': method.task.type } : {}),
    ...(method.extension ? { 'x-extension': true } : {}),
  };
}

function commandLine({ command, args, aliases }: CliCommand): Json {
  return { command, ...(args ? { args } : {}), ...(aliases ? { aliases } : {}) };
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

/** Parameters that every changing call takes beside its own; no method record names them. */
const contractParameters: Json = {
  'dry-run': {
    name: 'dry-run',
    in: 'query',
    required: false,
    description:
      'Change nothing: answer what would change, what blocks the call and which privileges it needs. Not part of the API of Proxmox VE.',
    schema: { type: 'integer', minimum: 0, maximum: 1 },
  },
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'A repeated call with this key gets the answer of the first, for 24 hours. Not part of the API of Proxmox VE.',
    schema: { type: 'string', minLength: 1, maxLength: 255 },
  },
  [sessionHeader]: {
    name: sessionHeader,
    in: 'header',
    required: false,
    description:
      'For pages in a browser: the ticket goes into a cookie that scripts cannot read, not into the body, and a logout takes it away. Not part of the API of Proxmox VE.',
    schema: { type: 'string', const: 'cookie' },
  },
};

function contractParametersOf(method: Method): Json[] {
  const names: string[] = [];
  if (method.verb !== 'GET' && method.transport === undefined && !('dry-run' in method.params.properties))
    names.push('dry-run');
  const open = 'user' in method.permission && method.permission.user === 'world';
  if (method.verb === 'POST' && method.transport === undefined && !open) names.push('Idempotency-Key');
  if (method.session) names.push(sessionHeader);
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

/** A VMID that the server chooses on request. */
function withAuto(schema: Json): Json {
  const { description, ...integer } = schema;
  return {
    anyOf: [integer, { type: 'string', const: 'auto' }],
    description: `${description} \`auto\`: the next free one.`,
  };
}

function requestBody(
  method: Method,
  properties: Record<string, TSchema>,
  required: readonly string[],
  schemas: Json,
): Json {
  const name = `${method.id}.parameters`;
  const schema = objectSchema(properties, required, method.openParams === true);
  const fields = schema.properties as Record<string, Json>;
  const chosen = method.assigns === undefined ? undefined : fields[method.assigns];
  if (method.assigns !== undefined && chosen) fields[method.assigns] = withAuto(chosen);
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
