/**
 * A running node of this checkout for tests: started by `./ryokan up` as a person would, with all its state in a folder
 * of its own, and stopped with everything that it left running.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ExecError, type RunResult, run } from '../../packages/server/src/host/exec.ts';
import { type ApiSession, logIn } from './api-session.ts';
import { testCacheDir } from './asset-cache.ts';
import { createNamespace, type NetworkNamespace } from './network-namespace.ts';
import { openPortRelay, type PortRelay } from './port-relay.ts';
import { sleep } from './wait.ts';

/** Root of this checkout. */
export const projectRoot = resolve(fileURLToPath(new URL('../..', import.meta.url)));

export interface NodeOptions {
  /** Node name; default `test1`. */
  readonly name?: string;
  /** Existing state to start on; default a new folder, removed by `stop`. */
  readonly dataDir?: string;
  /** Checkout whose `./ryokan` is run; default RYOKAN_TEST_CHECKOUT, else this one. */
  readonly checkout?: string;
  /**
   * Runs the node in a network namespace of its own and makes the NAT bridge vmbr0 there. `url` is reachable from
   * outside all the same.
   */
  readonly natBridge?: boolean;
  /** With `natBridge`: its containers have control groups all the same. */
  readonly controlGroups?: boolean;
  /** Environment of the node's processes, beside the test's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** More arguments for `./ryokan up`. */
  readonly args?: readonly string[];
}

/** Seconds that the first `./ryokan up` of a checkout may take: it installs and builds what is missing. */
const startLimit = 600;

interface Parts {
  readonly name: string;
  readonly dataDir: string;
  readonly ownData: boolean;
  readonly checkout: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Port that the node listens on, inside its namespace. */
  readonly innerPort: number;
  readonly namespace?: NetworkNamespace;
  readonly relay?: PortRelay;
}

export class TestNode {
  readonly #parts: Parts;
  readonly #sessions: ApiSession[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.name;
  }

  /** Everything the node keeps; architecture.md lists what is where. */
  get dataDir(): string {
    return this.#parts.dataDir;
  }

  /** Port on 127.0.0.1 as seen by the test. */
  get port(): number {
    return this.#parts.relay?.port ?? this.#parts.innerPort;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Network namespace of the node and its guests; only with `natBridge`. */
  get namespace(): NetworkNamespace {
    if (!this.#parts.namespace) throw new Error('this test node shares the network of the host');
    return this.#parts.namespace;
  }

  /** Base path of this node's own methods. */
  get path(): string {
    return `/nodes/${this.name}`;
  }

  /** Password of admin@pve, as the first start wrote it. */
  async adminPassword(): Promise<string> {
    return (await readFile(join(this.dataDir, 'initial-admin-password'), 'utf8')).trim();
  }

  /** A session of admin@pve. Closed with the node. */
  async admin(): Promise<ApiSession> {
    const session = await logIn(this.url, 'admin@pve', await this.adminPassword());
    this.#sessions.push(session);
    return session;
  }

  /** Socket of a guest: qmp, event, vnc, qga, serial0. */
  guestSocket(vmid: number, kind: string): string {
    return join(this.dataDir, 'run/qemu', `${vmid}.${kind}`);
  }

  /** Pid of a running guest's QEMU, from its pid file. */
  async guestPid(vmid: number): Promise<number | undefined> {
    const text = await readFile(this.guestSocket(vmid, 'pid'), 'utf8').catch(() => '');
    return text === '' ? undefined : Number.parseInt(text, 10);
  }

  /** Runs the command line client on this node: `node.cli('qm', 'list')`. Rejects with ExecError. */
  cli(...args: string[]): Promise<RunResult> {
    return this.cliWith({}, ...args);
  }

  /** Like `cli`; `okCodes` are exit codes that the test expects, `timeout` milliseconds. */
  cliWith(
    options: { readonly okCodes?: readonly number[]; readonly timeout?: number },
    ...args: string[]
  ): Promise<RunResult> {
    return run(join(this.#parts.checkout, 'ryokan'), args, {
      timeout: 120_000,
      ...options,
      env: { ...process.env, RYOKAN_DATA: this.dataDir },
    });
  }

  /** Runs `./ryokan up`; again after `down` or `killDaemon`. */
  async up(): Promise<RunResult> {
    const { checkout, dataDir, name, innerPort, namespace, args, env } = this.#parts;
    const [program = '', ...rest] = [
      ...(namespace?.prefix ?? []),
      ...[join(checkout, 'ryokan'), 'up', '--data', dataDir, '--node', name],
      ...['--listen', '127.0.0.1', '--port', String(innerPort), '--detach'],
      ...(namespace ? ['--with-nat-bridge'] : []),
      ...args,
    ];
    return run(program, rest, { timeout: startLimit * 1000, env: { ...process.env, ...env } });
  }

  /** Stops daemon and gateway; guests go on. */
  async down(): Promise<void> {
    await run(join(this.#parts.checkout, 'ryokan'), ['down', '--data', this.dataDir], { timeout: 60_000 });
  }

  /** Pid of the daemon, from its pid file. */
  async daemonPid(): Promise<number> {
    const pid = Number.parseInt(await readFile(join(this.dataDir, 'run/daemon.pid'), 'utf8'), 10);
    if (!Number.isInteger(pid)) throw new Error('daemon.pid holds no number');
    return pid;
  }

  /** What the daemon wrote into its log, for messages of failing tests. */
  async daemonLog(): Promise<string> {
    return readFile(join(this.dataDir, 'log/daemon.log'), 'utf8').catch(() => '');
  }

  /** Stops the node, its guests and relays, and removes its state. Safe to call twice. */
  async stop(): Promise<void> {
    for (const session of this.#sessions.splice(0)) session.close();
    if (existsSync(this.dataDir)) {
      await this.down().catch((error: unknown) => console.warn(`ryokan down: ${String(error)}`));
      await this.#killGuests();
      await keepAccelerator(this.dataDir);
    }
    await this.#parts.relay?.close();
    if (this.#parts.namespace && existsSync(`/run/netns/${this.#parts.namespace.name}`)) {
      await this.#killLeftovers(this.#parts.namespace);
      await this.#parts.namespace.remove();
    }
    // A task outlives the daemon and may write its last line now: then the folder is not empty for a moment.
    if (this.#parts.ownData)
      await rm(this.dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }

  /** QEMU processes outlive the daemon by design; their pid files are in this node's own folder. */
  async #killGuests(): Promise<void> {
    const files = await readdir(join(this.dataDir, 'run/qemu')).catch(() => []);
    for (const file of files.filter((name) => name.endsWith('.pid'))) {
      const pid = Number.parseInt(
        await readFile(join(this.dataDir, 'run/qemu', file), 'utf8').catch(() => ''),
        10,
      );
      const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      if (command.includes(this.dataDir)) process.kill(pid, 'SIGKILL');
    }
  }

  /** What still runs in the node's own namespace (the NAT bridge's DHCP server) and keeps it alive. */
  async #killLeftovers(namespace: NetworkNamespace): Promise<void> {
    const { stdout } = await run('ip', ['netns', 'pids', namespace.name]);
    for (const pid of stdout.split('\n').filter((line) => line !== '')) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It ended in between.
      }
    }
    await sleep(50);
  }
}

/** Starts a node and waits until it serves. Rejects with the output of `./ryokan up` when it does not. */
export async function startNode(options: NodeOptions = {}): Promise<TestNode> {
  const namespace = options.natBridge ? await createNamespace(options) : undefined;
  const innerPort = namespace ? 8006 : await freePort();
  const node = new TestNode({
    name: options.name ?? 'test1',
    // Short: the sockets below it have to fit into 107 bytes. `up` gives it the rights that it needs.
    dataDir: options.dataDir ?? `/tmp/ryn-${randomBytes(4).toString('hex')}`,
    ownData: options.dataDir === undefined,
    checkout: options.checkout ?? process.env.RYOKAN_TEST_CHECKOUT ?? projectRoot,
    args: options.args ?? [],
    env: options.env ?? {},
    innerPort,
    ...(namespace ? { namespace, relay: await openPortRelay(namespace, innerPort) } : {}),
  });
  try {
    await lendAccelerator(node.dataDir);
    await node.up();
  } catch (error) {
    const output = error instanceof ExecError ? error.stderr : '';
    await node.stop();
    throw new Error(`./ryokan up: ${String(error)}\n${output.slice(-3000)}`);
  }
  return node;
}

const knownAccelerator = () => join(testCacheDir(), 'accelerator.json');
const ownAccelerator = (dataDir: string) => join(dataDir, 'run/accelerator.json');

/**
 * What an earlier node of these tests found out about KVM, which takes some seconds of a processor; a node looks itself
 * whether it still holds.
 */
async function lendAccelerator(dataDir: string): Promise<void> {
  if (!existsSync(knownAccelerator()) || existsSync(dataDir)) return;
  await mkdir(join(dataDir, 'run'), { recursive: true });
  await copyFile(knownAccelerator(), ownAccelerator(dataDir));
}

async function keepAccelerator(dataDir: string): Promise<void> {
  if (!existsSync(ownAccelerator(dataDir))) return;
  await mkdir(testCacheDir(), { recursive: true });
  const staged = `${knownAccelerator()}.${process.pid}`;
  await copyFile(ownAccelerator(dataDir), staged);
  await rename(staged, knownAccelerator());
}

/** A port that is free on 127.0.0.1 at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
