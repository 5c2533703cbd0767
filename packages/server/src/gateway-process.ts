/** Starts the gateway without rights, and again should it crash. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { NodeCertificate } from './cluster/pki.ts';
import type { GatewayChange, GatewaySettings } from './gateway/settings.ts';
import type { GatewayFiles } from './gateway-files.ts';
import type { Logger } from './host/log.ts';
import { type NodeSettings, nodeAddress, urlHost } from './host/node-settings.ts';
import type { DataPaths } from './host/paths.ts';
import { gatewayUser, requireUser } from './host/users.ts';

export interface GatewayOptions {
  readonly settings: NodeSettings;
  readonly paths: DataPaths;
  readonly certificate: NodeCertificate;
  readonly files: GatewayFiles;
  /** What holds at present; asked at each start. */
  readonly change: () => GatewayChange;
  readonly log: Logger;
}

export interface GatewayProcess {
  readonly url: string;
  /** Tells the gateway what holds now. */
  update(): void;
  stop(): Promise<void>;
}

/** Pause before a crashed gateway is started again (ms). */
const restartDelay = 500;

export async function startGateway(options: GatewayOptions): Promise<GatewayProcess> {
  let stopped = false;
  let child = await launch(options);
  const follow = () => {
    child.once('exit', (code, signal) => {
      if (stopped) return;
      options.log.error({ code, signal }, 'the gateway ended; starting it again');
      setTimeout(() => void relaunch(), restartDelay);
    });
  };
  const relaunch = async () => {
    if (stopped) return;
    try {
      child = await launch(options);
      follow();
    } catch (error) {
      options.log.error({ err: error }, 'the gateway could not be started');
      setTimeout(() => void relaunch(), restartDelay * 10);
    }
  };
  follow();
  return {
    url: `https://${urlHost(nodeAddress(options.settings))}:${options.settings.port}/`,
    update: () => tell(child, options.change()),
    stop: () =>
      new Promise((resolve) => {
        stopped = true;
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
      }),
  };
}

/** Its own user and group, no others, no capabilities, and no way to any by a setuid program. */
const withoutRights = ({ uid, gid }: { readonly uid: number; readonly gid: number }): string[] => [
  ...['--reuid', String(uid), '--regid', String(gid), '--clear-groups'],
  ...['--inh-caps=-all', '--bounding-set=-all', '--no-new-privs'],
];

function launch(options: GatewayOptions): Promise<ChildProcess> {
  const { settings, paths, certificate } = options;
  const user = requireUser(gatewayUser);
  const program = [process.execPath, '--max-semi-space-size=8', options.files.program];
  const child = spawn('/usr/bin/setpriv', [...withoutRights(user), '--', ...program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    cwd: '/',
    env: { NODE_ENV: 'production', LANG: 'C.UTF-8' },
  });
  const input: GatewaySettings = {
    node: settings.node,
    listen: settings.listen,
    port: settings.port,
    cert: certificate.cert,
    key: certificate.key,
    socket: paths.gatewaySocket,
    relaySocket: join(paths.run, 'relay.sock'),
    spool: paths.spool,
    webRoot: options.files.webRoot,
    ...options.change(),
  };
  child.stdin?.on('error', () => {});
  tell(child, input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new RyokanError('failed', `the gateway ended with exit code ${code}`)),
    );
    child.stdout?.once('data', (data: Buffer) => {
      const said = firstLine(data);
      if (said.listening !== undefined) {
        child.removeAllListeners('exit');
        resolve(child);
      } else reject(listenError(settings, said.error ?? 'the gateway says nothing that can be read'));
    });
  });
}

const tell = (child: ChildProcess, line: GatewaySettings | GatewayChange): void =>
  void child.stdin?.write(`${JSON.stringify(line)}\n`);

function firstLine(data: Buffer): { error?: string; listening?: unknown } {
  try {
    return JSON.parse(data.toString().split('\n')[0] ?? '');
  } catch {
    return {};
  }
}

function listenError(settings: NodeSettings, code: string): RyokanError {
  const at = `${settings.listen}:${settings.port}`;
  if (code === 'EADDRINUSE')
    return new RyokanError('state', `port ${at} is taken by another program; choose one with --port`);
  if (code === 'EACCES')
    return new RyokanError(
      'state',
      `port ${at} needs root rights, which the gateway does not have; choose one from 1024 on with --port`,
    );
  if (code === 'EADDRNOTAVAIL')
    return new RyokanError(
      'state',
      `this machine has no address ${settings.listen}; choose one with --listen`,
    );
  return new RyokanError('state', `cannot listen on ${at}: ${code}`);
}
