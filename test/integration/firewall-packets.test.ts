/**
 * The firewall's rulesets on real packets: namespaces play guests, the node's ends of their cables are named like taps.
 * 100 is protected, 101 is not.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFirewall } from '@ryokan/server/network/firewall/compile.ts';
import { parseDocument } from '@ryokan/server/network/firewall/document.ts';
import { firewallFeatures } from '@ryokan/server/network/firewall/kernel-features.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, openLab } from './network-lab.ts';

let lab: Lab;
let inside: (name: string) => string;
const mac = 'bc:24:11:00:00:01';
const addresses = { node: '192.0.2.1', protected: '192.0.2.100', other: '192.0.2.101' };
const servers: ReturnType<typeof spawn>[] = [];

beforeAll(async () => {
  lab = await openLab();
  const names = { node: await lab.addNamespace('node'), protected: '', other: '' };
  await lab.inside('node', 'ip', 'link', 'add', 'br0', 'type', 'bridge');
  await lab.inside('node', 'ip', 'address', 'add', `${addresses.node}/24`, 'dev', 'br0');
  await lab.inside('node', 'ip', 'link', 'set', 'br0', 'up');
  for (const [name, tap] of [
    ['protected', 'tap100i0'],
    ['other', 'tap101i0'],
  ] as const) {
    names[name] = await lab.addNamespace(name);
    await lab.connect('node', tap, name, 'eth0');
    await lab.inside('node', 'ip', 'link', 'set', tap, 'master', 'br0');
    await lab.inside(name, 'ip', 'address', 'add', `${addresses[name]}/24`, 'dev', 'eth0');
  }
  inside = (name) => names[name as keyof typeof names];
  await setMac(mac);
  await Promise.all([serve('protected'), serve('other')]);
});

afterAll(async () => {
  for (const server of servers) server.kill('SIGKILL');
  await lab.close();
});

/** Takes connections on ports 8080 and 8081. */
async function serve(name: string): Promise<void> {
  const script =
    "const {createServer}=require('net');let open=0;for(const p of [8080,8081])createServer((s)=>s.end()).listen(p,()=>++open===2&&console.log('ready'))";
  const server = spawn('ip', ['netns', 'exec', inside(name), process.execPath, '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  servers.push(server);
  await once(server.stdout, 'data');
}

const connect =
  "const s=require('net').connect(process.argv[2],process.argv[1],()=>process.exit(0));s.on('error',()=>process.exit(1));setTimeout(()=>process.exit(2),1000)";

async function setMac(address: string): Promise<void> {
  await lab.inside('protected', 'ip', 'link', 'set', 'eth0', 'down');
  await lab.inside('protected', 'ip', 'link', 'set', 'eth0', 'address', address);
  await lab.inside('protected', 'ip', 'link', 'set', 'eth0', 'up');
  for (const name of ['node', 'other']) await lab.inside(name, 'ip', 'neighbour', 'flush', 'all');
}

/** Loads what the documents mean, with what this kernel can do. */
async function load(guest: string, cluster = '[OPTIONS]\nenable: 1\n'): Promise<void> {
  const file = join(lab.dataDir, 'rules.nft');
  const features = await firewallFeatures(async (text) => {
    writeFileSync(file, text);
    return (await lab.exitCode('node', 'nft', '--check', '-f', file)) === 0;
  });
  const card = { key: 'net0', ifname: 'tap100i0', mac };
  const { text, problems } = compileFirewall({
    table: 'ryokan_fw',
    logGroup: 7,
    cluster: parseDocument(cluster),
    guests: [{ vmid: 100, document: parseDocument(`[OPTIONS]\nenable: 1\n${guest}`), cards: [card] }],
    ...features,
  });
  expect(problems).toEqual([]);
  writeFileSync(file, text);
  await lab.inside('node', 'nft', '-f', file);
}

const pings = async (from: string, to: keyof typeof addresses) =>
  (await lab.exitCode(from, 'busybox', 'ping', '-c', '1', '-W', '1', addresses[to])) === 0;
const connects = async (from: string, to: keyof typeof addresses, port: string) =>
  (await lab.exitCode(from, process.execPath, '-e', connect, addresses[to], port)) === 0;

test('without rules everything passes', async () => {
  expect(await pings('other', 'protected')).toBe(true);
  expect(await connects('other', 'protected', '8081')).toBe(true);
});

test('what a rule allows comes in, all else does not; answers come back', async () => {
  await load('[RULES]\nIN ACCEPT -p tcp -dport 8080\n');
  expect(await connects('other', 'protected', '8080')).toBe(true);
  expect(await connects('other', 'protected', '8081')).toBe(false);
  expect(await pings('other', 'protected')).toBe(false);
  expect(await pings('node', 'protected')).toBe(false);
  expect(await connects('node', 'protected', '8080')).toBe(true);
  expect(await pings('protected', 'other')).toBe(true);
  expect(await pings('protected', 'node')).toBe(true);
  expect(await connects('protected', 'other', '8081')).toBe(true);
});

test('what goes out is filtered too', async () => {
  await load('policy_out: DROP\n[RULES]\nOUT ACCEPT -p tcp -dport 8080 -dest 192.0.2.101\n');
  expect(await connects('protected', 'other', '8080')).toBe(true);
  expect(await connects('protected', 'other', '8081')).toBe(false);
  expect(await pings('protected', 'node')).toBe(false);
});

test('groups, aliases and sets with exceptions', async () => {
  const cluster =
    '[OPTIONS]\nenable: 1\n[ALIASES]\nnet 192.0.2.0/24\n[IPSET friends]\ndc/net\n!192.0.2.1\n[group probe]\nIN Ping(ACCEPT) -source +friends\n';
  await load('[RULES]\nGROUP probe -i net0\n', cluster);
  expect(await pings('other', 'protected')).toBe(true);
  expect(await pings('node', 'protected')).toBe(false);
});

test('forged senders are dropped: MAC address and IP address', async () => {
  await load('policy_in: ACCEPT\n[IPSET ipfilter-net0]\n192.0.2.100\n');
  expect(await pings('protected', 'other')).toBe(true);
  await lab.inside('protected', 'ip', 'address', 'add', '192.0.2.66/24', 'dev', 'eth0');
  expect(
    await lab.exitCode(
      'protected',
      'busybox',
      'ping',
      '-c',
      '1',
      '-W',
      '1',
      '-I',
      '192.0.2.66',
      addresses.other,
    ),
  ).not.toBe(0);
  await setMac('bc:24:11:00:00:99');
  expect(await pings('protected', 'other')).toBe(false);
  await setMac(mac);
  expect(await pings('protected', 'other')).toBe(true);
});

test('switched off nothing is left', async () => {
  await load('', '[OPTIONS]\nenable: 0\n');
  expect(await pings('other', 'protected')).toBe(true);
  expect(await lab.inside('node', 'nft', 'list', 'tables')).toBe('');
});
