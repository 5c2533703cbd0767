/** JavaScript clients that nobody here wrote: npm's proxmox-api, and one made from the OpenAPI document. */
import { Agent } from 'node:https';
import { Validator } from '@seriousme/openapi-schema-validator';
import type { AxiosInstance } from 'axios';
import { OpenAPIClientAxios } from 'openapi-client-axios';
import proxmoxApi from 'proxmox-api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiSession } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';

let node: TestNode;
let admin: ApiSession;
const strict = process.env.NODE_TLS_REJECT_UNAUTHORIZED;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  // proxmox-api has no other way to a node that signs its own certificate.
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
});
afterAll(async () => {
  if (strict === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  else process.env.NODE_TLS_REJECT_UNAUTHORIZED = strict;
  await node?.stop();
});

describe('proxmox-api', () => {
  const connect = async (login: { password: string } | { token: string; secret: string }) =>
    proxmoxApi({
      host: '127.0.0.1',
      port: node.port,
      ...('password' in login
        ? { username: 'admin@pve', password: login.password }
        : { tokenID: login.token, tokenSecret: login.secret }),
    });

  const ended = async (upid: string) => (await admin.taskEnd(upid)).exitstatus;

  test('the life of a guest, with a password', async () => {
    const proxmox = await connect({ password: await node.adminPassword() });
    expect(await proxmox.nodes.$get()).toMatchObject([{ node: node.name, status: 'online' }]);
    const guests = proxmox.nodes.$(node.name).qemu;
    const vmid = Number(await proxmox.cluster.nextid.$get());
    expect(await ended(await guests.$post({ vmid, memory: '32', scsi0: 'local:1', onboot: true }))).toBe(
      'OK',
    );
    const guest = guests.$(vmid);
    expect(await guest.config.$get()).toMatchObject({ onboot: 1, scsi0: expect.stringContaining('size=1G') });
    await guest.config.$put({ description: 'ü & +', tags: 'a;b' });
    expect(await guest.config.$get()).toMatchObject({ description: 'ü & +', tags: 'a;b' });
    expect(await ended(await guest.snapshot.$post({ snapname: 's1' }))).toBe('OK');
    expect((await guest.snapshot.$get()).map((one) => one.name)).toEqual(['s1', 'current']);
    expect(await ended(await guest.status.start.$post())).toBe('OK');
    expect(await guest.status.current.$get()).toMatchObject({ status: 'running' });
    expect(await ended(await guest.status.stop.$post())).toBe('OK');
    expect(await ended(await guest.$delete())).toBe('OK');
    await expect(guest.config.$get()).rejects.toThrow(/does not exist/);
    await expect(guests.$post({ vmid: 5 })).rejects.toThrow(/Parameter verification failed/);
  });

  test('with an API token', async () => {
    const { value } = await admin.call<{ value: string }>('POST', '/access/users/admin@pve/token/js', {
      privsep: 0,
    });
    const proxmox = await connect({ token: 'admin@pve!js', secret: value });
    expect(await proxmox.version.$get()).toMatchObject({ release: expect.any(String) });
    expect(await proxmox.access.permissions.$get()).toHaveProperty('/');
  });
});

describe('OpenAPI', () => {
  const document = async () =>
    JSON.parse((await admin.client.send('/api2/openapi.json')).body.toString()) as Record<string, unknown>;

  test('the document is valid by a public validator', async () => {
    const { valid, errors } = await new Validator().validate(await document());
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
  });

  test('a client made from it logs in, creates a guest, reads it, and sees errors', async () => {
    const api = new OpenAPIClientAxios({
      definition: (await document()) as never,
      withServer: { url: `${node.url}/api2/json` },
      axiosConfigDefaults: {
        httpsAgent: new Agent({ rejectUnauthorized: false }),
        validateStatus: () => true,
      },
    });
    const client = await api.init<AxiosInstance & Record<string, Operation>>();
    const login = await operation(client, 'access.login')(null, {
      username: 'admin@pve',
      password: await node.adminPassword(),
    });
    const { ticket, CSRFPreventionToken } = login.data.data as Record<string, string>;
    client.defaults.headers.common.Cookie = `PVEAuthCookie=${ticket}`;
    client.defaults.headers.common.CSRFPreventionToken = CSRFPreventionToken as string;
    const created = await operation(client, 'qemu.create')(
      { node: node.name },
      { vmid: 300, name: 'made', memory: '32' },
    );
    expect(created.status).toBe(200);
    expect(await admin.taskEnd(created.data.data as string)).toMatchObject({ exitstatus: 'OK' });
    const config = await operation(client, 'qemu.config.get')({ node: node.name, vmid: 300 });
    expect(config.data.data).toMatchObject({ name: 'made' });
    const report = await operation(client, 'qemu.destroy')({ node: node.name, vmid: 300, 'dry-run': 1 });
    expect(report.data.data).toMatchObject({ 'dry-run': 1, accepted: 1 });
    expect(await operation(client, 'qemu.config.get')({ node: node.name, vmid: 301 })).toMatchObject({
      status: 500,
      data: { data: null, code: 'not-found' },
    });
  });
});

type Operation = (
  parameters?: Record<string, unknown> | null,
  body?: unknown,
) => Promise<{ status: number; data: { data: unknown; code?: string } }>;

function operation(client: Record<string, Operation>, id: string): Operation {
  const found = client[id];
  if (!found) throw new Error(`the client has no operation ${id}`);
  return found;
}
