import './methods/index.ts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { allMethods, type Method } from './method.ts';
import { describePermission, toOpenApi } from './openapi.ts';
import { propertyStringForm, rangePattern, toJsonSchema } from './openapi-schema.ts';
import { PropertyString } from './schema/property-string.ts';
import { Enum, family, Type, Vmid } from './schema/types.ts';

type Json = Record<string, unknown>;
interface Operation {
  operationId: string;
  parameters?: Array<{ name: string; in: string; required: boolean }>;
  requestBody?: { content: Record<string, { schema: { $ref: string } }>; required: boolean };
  responses: Record<string, { content?: Record<string, { schema: Json }> }>;
  security: Json[];
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Json>; responses: Json; securitySchemes: Json };
}

const document = JSON.parse(JSON.stringify(toOpenApi(allMethods()))) as Document;
const operations = Object.entries(document.paths).flatMap(([path, verbs]) =>
  Object.entries(verbs).map(([verb, operation]) => ({ path, verb, operation })),
);

test('has every method once', () => {
  expect(document.openapi).toBe('3.1.0');
  expect(operations.map((one) => one.operation.operationId).sort()).toEqual(
    allMethods()
      .map((method) => method.id)
      .sort(),
  );
});

test('every fragment of a path is a required parameter, and no other is in the path', () => {
  for (const { path, operation } of operations) {
    const named = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
    const given = (operation.parameters ?? []).filter((one) => one.in === 'path');
    expect(given.map((one) => one.name)).toEqual(named);
    expect(given.every((one) => one.required)).toBe(true);
  }
});

test('every schema is valid JSON Schema 2020-12 and every reference leads somewhere', () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  let schemas = 0;
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    if ('$ref' in value && typeof value.$ref === 'string') {
      const target = value.$ref
        .slice(2)
        .split('/')
        .reduce<unknown>((at, key) => (at as Json)?.[key], document);
      expect(target, value.$ref).toBeDefined();
    }
    if ('schema' in value) {
      schemas++;
      expect(ajv.validateSchema(value.schema as Json), ajv.errorsText()).toBe(true);
    }
    for (const one of Object.values(value)) walk(one);
  };
  walk(document);
  expect(schemas).toBeGreaterThan(operations.length);
});

test('results stand in the envelope', () => {
  const schema = document.paths['/version']?.get?.responses['200']?.content?.['application/json']?.schema;
  expect(schema).toMatchObject({
    type: 'object',
    required: ['data'],
    properties: { data: { type: 'object' } },
  });
});

test('writing needs the CSRF token beside a ticket; what anybody may call needs nothing', () => {
  expect(document.paths['/version']?.get?.security).toEqual([{ ticket: [] }, { apiToken: [] }]);
  expect(document.paths['/nodes/{node}/qemu']?.post?.security).toEqual([
    { ticket: [], csrf: [] },
    { apiToken: [] },
  ]);
  expect(document.paths['/access/ticket']?.post?.security).toEqual([]);
});

test('numbered families are one pattern', () => {
  const create = document.components.schemas['qemu.create.parameters'] as {
    properties: Json;
    patternProperties: Record<string, Json>;
  };
  expect(Object.keys(create.properties).filter((name) => /^(net|scsi)\d/.test(name))).toEqual([]);
  const pattern = Object.keys(create.patternProperties).find((one) => one.startsWith('^net'));
  expect(new RegExp(pattern ?? '').test('net31')).toBe(true);
  expect(new RegExp(pattern ?? '').test('net32')).toBe(false);
  expect(create.patternProperties[pattern ?? '']).toEqual({ $ref: '#/components/schemas/value.qemu.net' });
  expect(document.components.schemas['value.qemu.net']).toMatchObject({
    type: 'string',
    'x-family': 'net[n]',
  });
  const text = JSON.stringify(document);
  const own = ['propertyString', 'defaultKey', 'keyAlias'].filter((key) => text.includes(`"${key}":`));
  expect(own).toEqual([]);
});

test.each([0, 3, 9, 10, 15, 29, 31, 99, 100, 128, 255, 299, 999])('numbers up to %i', (last) => {
  const pattern = new RegExp(`^(?:${rangePattern(last)})$`);
  for (let n = 0; n <= 1005; n++) expect(pattern.test(String(n)), String(n)).toBe(n <= last);
  expect(pattern.test('00')).toBe(false);
});

test('a property string is described in words and as a schema', () => {
  const fields = Type.Object({
    bridge: Type.Optional(Type.String()),
    model: Enum(['e1000', 'virtio'], { defaultKey: true }),
    firewall: Type.Optional(Type.Boolean()),
    mac: Type.Optional(Type.String({ alias: 'macaddr' })),
  });
  expect(propertyStringForm(fields)).toBe('[model=]<e1000|virtio>[,bridge=<string>][,firewall=<1|0>]');
  const schema = toJsonSchema(PropertyString(fields, { description: 'A card.' }));
  expect(schema).toMatchObject({
    type: 'string',
    description: 'A card. Form: `[model=]<e1000|virtio>[,bridge=<string>][,firewall=<1|0>]`',
    'x-property-string': { type: 'object', required: ['model'] },
  });
});

test('command line and permission stand beside an operation as data', () => {
  const start = document.paths['/nodes/{node}/qemu/{vmid}/status/start']?.post;
  expect(start).toMatchObject({
    'x-cli': { command: 'qm start', args: ['vmid'] },
    'x-permission': { perm: '/vms/{vmid}', privs: ['VM.PowerMgmt'] },
    'x-task': 'qmstart',
  });
  expect(document.paths['/access/ticket']?.post).toMatchObject({ 'x-permission': { user: 'world' } });
});

test('what a method is for is one paragraph, the first of the description', () => {
  expect(allMethods().filter((method) => method.description.includes('\n\n'))).toEqual([]);
});

test('fields of property strings say what may stand without a key and what is another name', () => {
  const card = document.components.schemas['value.qemu.net']?.['x-property-string'] as {
    properties: Record<string, Json>;
  };
  expect(card.properties.model).toMatchObject({ 'x-default-key': true });
  expect(card.properties.e1000).toMatchObject({ 'x-alias': 'macaddr', 'x-key-alias': 'model' });
});

test('query parameters, uploads and tasks', () => {
  const method: Method = {
    id: 'x.list',
    verb: 'GET',
    path: '/x/{vmid}',
    description: 'Lists. More text.',
    params: Type.Object({
      vmid: Vmid(),
      limit: Type.Optional(Type.Integer()),
      ...family('link', 8, Type.String()),
    }),
    returns: Type.Null(),
    permission: { and: [{ self: 'userid' }, { or: [{ user: 'all' }, { perm: '/', privs: ['Sys.Audit'] }] }] },
  };
  const upload: Method = {
    ...method,
    id: 'x.up',
    verb: 'POST',
    path: '/up',
    transport: 'upload',
    task: { type: 'imgup' },
  };
  const { paths } = toOpenApi([method, upload]) as unknown as Document;
  const list = paths['/x/{vmid}']?.get;
  expect(list?.parameters?.map((one) => `${one.in} ${one.name} ${one.required}`)).toEqual([
    'path vmid true',
    'query limit false',
    'query link[n] false',
  ]);
  expect(list).toMatchObject({ summary: 'Lists.' });
  expect(paths['/up']?.post).toMatchObject({
    'x-task': 'imgup',
    requestBody: { content: { 'multipart/form-data': {} } },
  });
  expect(describePermission(method.permission)).toBe(
    'being the user named by `userid` and (any user or Sys.Audit on /)',
  );
});
