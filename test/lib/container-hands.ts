/**
 * One container handled by different clients, for a story that is the same for all of them: what each does for "create",
 * "snapshot" and so on. The browser's hand stands in container-browser.ts.
 */
import { join } from 'node:path';
import { openTerminal, type ProxyAnswer, type Terminal } from './console-client.ts';
import type { ContainerLab } from './containers.ts';
import { projectRoot } from './node.ts';
import { askProxmoxer } from './proxmoxer.ts';

export interface Wish {
  /** Storage of the root file system. */
  readonly storage: string;
  /** GiB. */
  readonly size: number;
  readonly hostname: string;
  /** Root's. */
  readonly password: string;
}

/** Every step resolves when its task has ended well. */
export interface ContainerHand {
  create(vmid: number, wish: Wish): Promise<void>;
  start(vmid: number): Promise<void>;
  stop(vmid: number): Promise<void>;
  /** Runs a shell command as root inside, where this client reaches a shell; waits for `answer` in its output. */
  command(vmid: number, wish: Wish, command: string, answer: RegExp): Promise<void>;
  /** Text that says why the container cannot have a snapshot. */
  whyNoSnapshot(vmid: number): Promise<string>;
  /** Of the root file system; the old volume goes. */
  move(vmid: number, storage: string): Promise<void>;
  snapshot(vmid: number, name: string): Promise<void>;
  /** The container runs afterwards. */
  rollback(vmid: number, name: string): Promise<void>;
  /** A full clone. */
  clone(vmid: number, newid: number, hostname: string, storage: string): Promise<void>;
  /** Root file system, by 1 GiB. */
  grow(vmid: number): Promise<void>;
  remove(vmid: number): Promise<void>;
}

const createParams = (wish: Wish, template: string) => ({
  ...{ ostemplate: template, rootfs: `${wish.storage}:${wish.size}`, hostname: wish.hostname },
  ...{ password: wish.password, memory: 512, features: 'nesting=1' },
  net0: 'name=eth0,bridge=vmbr0,ip=dhcp',
});

/** What a command that has to be refused says. */
async function refusal(call: Promise<unknown>): Promise<string> {
  return call.then(
    (answer) => {
      throw new Error(`it was accepted: ${JSON.stringify(answer)}`);
    },
    (error: unknown) => (error as Error).message,
  );
}

/** Logs in as root on a container's terminal and runs a command there. */
async function typeInto(terminal: Terminal, wish: Wish, command: string, answer: RegExp): Promise<void> {
  terminal.type('\n');
  const login = await terminal.shows(/login: /, 60);
  terminal.type('root\n');
  const asked = await terminal.shows(/Password: /, 60, login);
  terminal.type(`${wish.password}\n`);
  const prompt = await terminal.shows(/:~# /, 60, asked);
  terminal.type(`${command}\n`);
  await terminal.shows(answer, 180, prompt);
  terminal.type('exit\n');
  terminal.close();
}

/** The command line on the node, as root. */
export function pctHand({ node }: ContainerLab, template: string): ContainerHand {
  const pct = async (...args: (string | number)[]) => {
    await node.cliWith({ timeout: 300_000 }, 'pct', ...args.map(String));
  };
  return {
    create: (vmid, wish) => {
      const { ostemplate, ...params } = createParams(wish, template);
      const options = Object.entries(params).flatMap(([key, value]) => [`--${key}`, value]);
      return pct('create', vmid, ostemplate, ...options);
    },
    start: (vmid) => pct('start', vmid),
    stop: (vmid) => pct('stop', vmid),
    command: async (vmid, _wish, command, answer) => {
      // LXC's own sockets are in the network namespace of the node.
      const client = ['env', `RYOKAN_DATA=${node.dataDir}`, join(projectRoot, 'ryokan'), 'pct'];
      const [program = '', ...words] = [...client, 'exec', String(vmid), '--', 'sh', '-c', command];
      const output = await node.namespace.run(program, ...words);
      if (!answer.test(output)) throw new Error(`${command}: ${output}`);
    },
    whyNoSnapshot: (vmid) => refusal(pct('snapshot', vmid, 'no')),
    move: (vmid, storage) => pct('move-volume', vmid, 'rootfs', storage, '--delete', 1),
    snapshot: (vmid, name) => pct('snapshot', vmid, name),
    rollback: (vmid, name) => pct('rollback', vmid, name, '--start', 1),
    clone: (vmid, newid, hostname, storage) =>
      pct('clone', vmid, newid, '--hostname', hostname, '--full', 1, '--storage', storage),
    grow: (vmid) => pct('resize', vmid, 'rootfs', '+1G'),
    remove: (vmid) => pct('destroy', vmid, '--purge', 1),
  };
}

/** REST with ticket and CSRF token, and the WebSocket of a terminal. */
export function restHand(lab: ContainerLab, template: string): ContainerHand {
  const task = async (verb: 'POST' | 'PUT' | 'DELETE', path: string, params = {}) => {
    await lab.admin.run(verb, path, params, 240);
  };
  return {
    create: (vmid, wish) => task('POST', `${lab.node.path}/lxc`, { vmid, ...createParams(wish, template) }),
    start: (vmid) => task('POST', lab.path(vmid, '/status/start')),
    stop: (vmid) => task('POST', lab.path(vmid, '/status/stop')),
    command: async (vmid, wish, command, answer) =>
      typeInto(await openTerminal(lab.admin, lab.path(vmid)), wish, command, answer),
    whyNoSnapshot: (vmid) => refusal(lab.admin.call('POST', lab.path(vmid, '/snapshot'), { snapname: 'no' })),
    move: (vmid, storage) =>
      task('POST', lab.path(vmid, '/move_volume'), { volume: 'rootfs', storage, delete: 1 }),
    snapshot: (vmid, snapname) => task('POST', lab.path(vmid, '/snapshot'), { snapname }),
    rollback: (vmid, name) => task('POST', lab.path(vmid, `/snapshot/${name}/rollback`), { start: 1 }),
    clone: (vmid, newid, hostname, storage) =>
      task('POST', lab.path(vmid, '/clone'), { newid, hostname, full: 1, storage }),
    grow: (vmid) => task('PUT', lab.path(vmid, '/resize'), { disk: 'rootfs', size: '+1G' }),
    remove: (vmid) => task('DELETE', lab.path(vmid), { purge: 1 }),
  };
}

/** proxmoxer; it has no WebSocket of its own, so the test opens the one that it has asked for. */
export function proxmoxerHand(lab: ContainerLab, template: string): ContainerHand {
  const ask = <T>(vmid: number, step: string, facts: object = {}) =>
    askProxmoxer<T>(lab.node, 'container_step', { vmid, step, ...facts });
  const task = async (vmid: number, step: string, params: object = {}, facts: object = {}) => {
    const end = await ask<{ exitstatus: string; log: string[] }>(vmid, step, { params, ...facts });
    if (end.exitstatus !== 'OK') throw new Error(`${step}: ${end.exitstatus}\n${end.log.join('\n')}`);
  };
  return {
    create: (vmid, wish) => task(vmid, 'create', createParams(wish, template)),
    start: (vmid) => task(vmid, 'start'),
    stop: (vmid) => task(vmid, 'stop'),
    command: async (vmid, wish, command, answer) => {
      const proxy = await ask<ProxyAnswer>(vmid, 'terminal');
      await typeInto(await openTerminal(lab.admin, lab.path(vmid), proxy), wish, command, answer);
    },
    whyNoSnapshot: async (vmid) => {
      const facts = { params: { snapname: 'no' }, refused: true };
      return (await ask<{ reason: string }>(vmid, 'snapshot', facts)).reason;
    },
    move: (vmid, storage) => task(vmid, 'move', { volume: 'rootfs', storage, delete: 1 }),
    snapshot: (vmid, snapname) => task(vmid, 'snapshot', { snapname }),
    rollback: (vmid, snapshot) => task(vmid, 'rollback', { start: 1 }, { snapshot }),
    clone: (vmid, newid, hostname, storage) => task(vmid, 'clone', { newid, hostname, full: 1, storage }),
    grow: (vmid) => task(vmid, 'resize', { disk: 'rootfs', size: '+1G' }),
    remove: (vmid) => task(vmid, 'remove', { purge: 1 }),
  };
}
