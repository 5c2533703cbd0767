/** A node from `./ryokan up` to `./ryokan down`, as a person meets it. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startNode, type TestNode } from '../lib/node.ts';

let node: TestNode;

beforeAll(async () => {
  node = await startNode({ name: 'life1' });
});

afterAll(async () => {
  await node?.stop();
});

describe('a first start', () => {
  test('leaves the password of admin@pve in a file that only root reads', async () => {
    const file = await stat(join(node.dataDir, 'initial-admin-password'));
    expect(file.mode & 0o777).toBe(0o600);
    expect(file.uid).toBe(0);
    const admin = await node.admin();
    expect(await admin.get('/version')).toMatchObject({ version: expect.stringMatching(/^\d+\.\d+/) });
    expect(await admin.get('/nodes')).toMatchObject([{ node: 'life1', status: 'online' }]);
  });
});
