/** proxmoxer, Debian's Python client of the API, as admin@pve: ../clients/proxmoxer_check.py has what it does. */
import { join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';
import { projectRoot, type TestNode } from './node.ts';

/** Debian's own; another python3 may stand in front of it on PATH. */
const python = '/usr/bin/python3';

/** Runs a check of proxmoxer_check.py and gives what it saw. */
export async function askProxmoxer<T>(node: TestNode, check: string, facts: object = {}): Promise<T> {
  const env: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C.UTF-8' };
  // They would win over verify_ssl=False, and a test node signs its own certificate.
  for (const name of ['REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE', 'CURL_CA_BUNDLE']) delete env[name];
  const input = JSON.stringify({
    host: `127.0.0.1:${node.port}`,
    node: node.name,
    user: 'admin@pve',
    password: await node.adminPassword(),
    ...facts,
  });
  const script = join(projectRoot, 'test/clients/proxmoxer_check.py');
  const { stdout } = await run(python, [script, check], { env, input, timeout: 300_000 });
  return JSON.parse(stdout) as T;
}
