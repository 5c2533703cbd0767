import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Type } from '@sinclair/typebox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError, createClient, encodeParams, fillPath } from './client.ts';
import type { Method } from './method.ts';

/** A real HTTP server that answers by path and remembers the last request. */
let server: Server;
let baseUrl = '';
let last: { method: string; url: string; headers: IncomingMessage['headers']; body: string };

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    last = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    if (last.url.startsWith('/api2/json/refused')) {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(
        '{"data":null,"message":"Parameter verification failed.\\n","errors":{"vmid":"too small"}}',
      );
    } else if (last.url.startsWith('/api2/json/login')) {
      response.writeHead(401, 'No ticket').end();
    } else response.end('{"data":[{"n":1}],"total":7}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const params = Type.Object({
  node: Type.String(),
  vmid: Type.Integer(),
  force: Type.Optional(Type.Boolean()),
  tags: Type.Optional(Type.Array(Type.String())),
});
const returns = Type.Array(Type.Object({ n: Type.Integer() }));
const record = (verb: 'GET' | 'POST', path: string): Method<typeof params, typeof returns> => ({
  id: 'test.one',
  verb,
  path,
  description: '',
  params,
  returns,
  permission: { user: 'all' },
});

describe('createClient', () => {
  it('puts path, query and result together for GET', async () => {
    const client = createClient({ baseUrl, csrf: () => 'token' });
    const rows = await client.call(record('GET', '/nodes/{node}/x/{vmid}'), {
      node: 'n/1',
      vmid: 100,
      force: true,
    });
    expect(rows[0]?.n).toBe(1);
    expect(last.url).toBe('/api2/json/nodes/n%2F1/x/100?force=1');
    expect(last.headers.csrfpreventiontoken).toBeUndefined();
  });
  it('sends forms with a length and the CSRF token for POST', async () => {
    const client = createClient({ baseUrl, csrf: () => 'token', headers: () => ({ 'X-One': '1' }) });
    await client.call(record('POST', '/nodes/{node}/x/{vmid}'), {
      node: 'n',
      vmid: 1,
      force: false,
      tags: ['a', 'b'],
    });
    expect(last.body).toBe('force=0&tags=a&tags=b');
    expect(last.headers['content-length']).toBe(String(last.body.length));
    expect(last.headers.csrfpreventiontoken).toBe('token');
    expect(last.headers['x-one']).toBe('1');
  });
  it('hands over the total', async () => {
    const answer = await createClient({ baseUrl }).request<unknown[]>('GET', '/list');
    expect(answer.total).toBe(7);
  });
  it('throws the message and the parameter errors', async () => {
    const failure = await createClient({ baseUrl })
      .request('GET', '/refused')
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ApiError);
    const error = failure as ApiError;
    expect([error.status, error.code, error.message]).toEqual([
      400,
      'parameter',
      'Parameter verification failed.',
    ]);
    expect(error.errors).toEqual({ vmid: 'too small' });
  });
  it('tells of a 401, by which login the call was made, and takes its reason phrase', async () => {
    const told: (string | undefined)[] = [];
    let csrf = 'first';
    const client = createClient({ baseUrl, csrf: () => csrf, onUnauthenticated: (one) => told.push(one) });
    const call = client.request('GET', '/login');
    csrf = 'second';
    await expect(call).rejects.toThrow('No ticket');
    expect(told).toEqual(['first']);
  });
  it('says that nobody answers, and passes an abort on as it is', async () => {
    const nobody = createClient({ baseUrl: 'http://127.0.0.1:1' });
    await expect(nobody.request('GET', '/x')).rejects.toMatchObject({ status: 0, code: 'unavailable' });
    const aborted = AbortSignal.abort();
    await expect(
      createClient({ baseUrl }).request('GET', '/x', {}, { signal: aborted }),
    ).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});

describe('parameters', () => {
  it('need every fragment of the path', () => {
    expect(() => fillPath('/nodes/{node}', { node: '' })).toThrow("the path needs 'node'");
  });
  it('leave out what was not given', () => {
    expect(encodeParams({ a: null, b: undefined, c: 0, d: '' }).toString()).toBe('c=0&d=');
  });
});
