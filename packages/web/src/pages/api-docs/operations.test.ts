import '@ryokan/api/methods/index.ts';
import { allMethods, defineMethod } from '@ryokan/api/method.ts';
import { toOpenApi } from '@ryokan/api/openapi.ts';
import { Type } from '@ryokan/api/schema/types.ts';
import { describe, expect, it } from 'vitest';
import type { ApiDocument } from './document.ts';
import { commandExample, curlExample, pveshExample } from './examples.ts';
import {
  addressOf,
  areasOf,
  findOperations,
  type Operation,
  operationAt,
  operationsOf,
  parametersOf,
  resultOf,
} from './operations.ts';
import { rowsOf } from './schema-rows.ts';

/** The document as a browser gets it. */
const document = JSON.parse(JSON.stringify(toOpenApi(allMethods()))) as ApiDocument;
const operations = operationsOf(document);

function at(address: string): Operation {
  const found = operationAt(operations, address);
  if (!found) throw new Error(`no operation at ${address}`);
  return found;
}

describe('operations', () => {
  it('are those of the registry, and every one is found again by its address', () => {
    expect(operations.length).toBe(allMethods().length);
    for (const one of operations)
      expect(operationAt(operations, addressOf(one).slice('/api-docs/'.length))).toBe(one);
  });
  it('are found whatever the case of the verb and a slash at the end; others are not', () => {
    expect(at('get/nodes/{node}/qemu/').source.operationId).toBe('qemu.list');
    expect(operationAt(operations, 'GET/nodes/pve1/qemu')).toBeUndefined();
    expect(operationAt(operations, '')).toBeUndefined();
  });
  it('stand in one area each; single ones below a node stand in that of the node', () => {
    const areas = areasOf(operations);
    expect(areas.flatMap((area) => area.operations).length).toBe(operations.length);
    expect(areas.map((area) => area.name)).toContain('nodes/qemu');
    const dns = areas.find((area) => area.operations.includes(at('GET/nodes/{node}/dns')));
    expect(dns?.name).toBe('nodes');
  });
  it('are found by all words of a text: path, description, command, in any order and case', () => {
    const found = (text: string) => findOperations(operations, text).map((one) => one.source.operationId);
    expect(found('START qemu')).toContain('qemu.start');
    expect(found('qm  Start')).toContain('qemu.start');
    expect(found('qm start')).not.toContain('qemu.pending');
    expect(found('start nosuchword')).toEqual([]);
    expect(found(' ').length).toBe(operations.length);
  });
});

describe('parameters', () => {
  const create = parametersOf(at('POST/nodes/{node}/qemu'), document);
  const named = (name: string) => create.find((row) => row.name === name);
  it('have those of the path first, then the required ones', () => {
    expect(create.slice(0, 3).map((row) => [row.name, row.place, row.required])).toEqual([
      ['node', 'path', true],
      ['vmid', 'body', true],
      [create[2]?.name, 'body', false],
    ]);
  });
  it('show a numbered family once, with the fields of its property string but not their other names', () => {
    const card = named('net[n]');
    expect(card?.description).toMatch(/net0 to net31/);
    expect(card?.form).toMatch(/^\[model=\]</);
    expect(card?.fields.map((row) => row.name)).toEqual(expect.arrayContaining(['model', 'bridge', 'tag']));
    expect(card?.fields.map((row) => row.name)).not.toContain('e1000');
    expect(named('net0')).toBeUndefined();
  });
  it('take limits and texts from shared components', () => {
    expect(named('vmid')?.schema.anyOf?.[0]).toMatchObject({ type: 'integer', minimum: 100 });
    expect(create.slice(-2).map((row) => [row.name, row.place])).toEqual([
      ['dry-run', 'query'],
      ['Idempotency-Key', 'header'],
    ]);
    expect(named('cpu')?.fields.length).toBeGreaterThan(1);
  });
});

describe('results', () => {
  it('are the rows of what a list holds', () => {
    const schema = resultOf(at('GET/nodes/{node}/qemu'), document);
    expect(schema?.type).toBe('array');
    expect(rowsOf(schema ?? {}, document).map((row) => row.name)).toContain('vmid');
  });
  it('end where a schema contains itself', () => {
    const loop = { paths: {}, components: { schemas: { A: { properties: { a: { $ref: '#/x/A' } } } } } };
    expect(rowsOf({ $ref: '#/x/A' }, loop).length).toBe(1);
  });
});

describe('examples', () => {
  const around = { origin: 'https://192.0.2.1:8006', node: 'pve1', user: 'admin@pve' };
  const examples = (address: string) => {
    const operation = at(address);
    const parameters = parametersOf(operation, document);
    return {
      curl: curlExample(operation, parameters, around),
      command: commandExample(operation, parameters, around),
      pvesh: pveshExample(operation, parameters, around),
    };
  };
  it('fill in what is known and quote for the shell', () => {
    expect(examples('POST/nodes/{node}/qemu')).toEqual({
      curl: [
        'curl https://192.0.2.1:8006/api2/json/nodes/pve1/qemu \\',
        "  -H 'Authorization: PVEAPIToken=admin@pve!TOKENID=SECRET' \\",
        '  --data-urlencode vmid=100',
      ].join('\n'),
      command: 'qm create 100',
      pvesh: 'pvesh create /nodes/pve1/qemu --vmid 100',
    });
  });
  it('name the method when curl would take another', () => {
    expect(examples('POST/nodes/{node}/qemu/{vmid}/status/start').curl).toMatch(/^curl -X POST https:/);
    expect(examples('DELETE/nodes/{node}/qemu/{vmid}').curl).toMatch(/^curl -X DELETE https:/);
    expect(examples('GET/version').curl).toMatch(/^curl https:/);
  });
  it('use a ticket where a token is refused, and nothing where no login is needed', () => {
    expect(examples('POST/access/ticket').curl).not.toMatch(/Authorization|Cookie/);
    expect(examples('PUT/access/password').curl).toMatch(/PVEAuthCookie=\$TICKET[\s\S]*CSRFPreventionToken/);
  });
  it('send a file as a form', () => {
    const { curl, pvesh } = examples('POST/nodes/{node}/storage/{storage}/upload');
    expect(curl).toMatch(/-F content=iso \\\n {2}-F filename=@FILE$/);
    expect(pvesh).toBeUndefined();
  });
  it('put what a GET needs into the query', () => {
    const method = defineMethod({
      id: 'test.query',
      verb: 'GET',
      path: '/test',
      description: 'For this test.',
      params: Type.Object({ text: Type.String({ default: "it's" }) }),
      returns: Type.Null(),
      permission: { user: 'all' },
    });
    const own = JSON.parse(JSON.stringify(toOpenApi([method]))) as ApiDocument;
    const [operation] = operationsOf(own);
    if (!operation) throw new Error('no operation');
    expect(curlExample(operation, parametersOf(operation, own), around)).toMatch(
      /^curl -G https:[^ ]+ \\\n.*\\\n {2}--data-urlencode 'text=it'\\''s'$/,
    );
  });
});
