import { expect, test } from 'vitest';
import { parseDocument } from './document.ts';
import { demandReachable } from './lock-out.ts';

const node = (text = '') => ({
  path: 'nodes/one/host.fw',
  document: parseDocument(text),
  apiPort: 8006,
  localNetworks: ['192.0.2.0/24'],
  bridges: [],
});
const on = '[OPTIONS]\nenable: 1\n';
const far = '198.51.100.7';

const refuses = (cluster: string, host?: string, remote = far): boolean => {
  try {
    demandReachable(parseDocument(cluster), node(host), remote);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'state', message: expect.stringContaining(remote) });
    return true;
  }
};

test.each([
  ['the firewall is off', '', undefined],
  ['the node is left out', on, '[OPTIONS]\nenable: 0\n'],
  ['the policy accepts', `${on}policy_in: ACCEPT\n`, undefined],
  ['the set management', `${on}[IPSET management]\n198.51.100.0/24\n`, undefined],
  ['the alias local_network', `${on}[ALIASES]\nlocal_network 198.51.100.0/24\n`, undefined],
  ['a rule for the port', `${on}[RULES]\nIN ACCEPT -p tcp -dport 8000:8010\n`, undefined],
  ['a rule of the node', on, '[RULES]\nIN ACCEPT -source 198.51.100.7\n'],
  ['a group', `${on}[RULES]\nGROUP web\n[group web]\nIN PMG(ACCEPT)\n`, undefined],
  ['the rule above decides', `${on}[RULES]\nIN ACCEPT -source 198.51.100.7\nIN DROP\n`, undefined],
  ['what cannot be compiled holds nobody up', `${on}[RULES]\nIN ACCEPT -source nobody\n`, undefined],
])('lets in: %s', (_what, cluster, host) => {
  expect(refuses(cluster, host)).toBe(false);
});

test.each([
  ['the policy drops', on],
  ['a rule for another port', `${on}[RULES]\nIN ACCEPT -p tcp -dport 22\n`],
  ['a rule that is off', `${on}[RULES]\n|IN ACCEPT\n`],
  ['an accept that rests on the card', `${on}[RULES]\nIN ACCEPT -i eno1\n`],
  ['the blacklist', `${on}policy_in: ACCEPT\n[IPSET blacklist]\n198.51.100.0/24\n`],
  ['a drop above', `${on}[RULES]\nIN DROP -p tcp\n[IPSET management]\n198.51.100.0/24\n`],
])('refuses: %s', (_what, cluster) => {
  expect(refuses(cluster)).toBe(true);
});

test('the local network and the node itself always come in', () => {
  for (const remote of ['192.0.2.9', '::ffff:192.0.2.9', '127.0.0.1', '::1', 'local']) {
    expect(refuses(on, undefined, remote), remote).toBe(false);
  }
});
