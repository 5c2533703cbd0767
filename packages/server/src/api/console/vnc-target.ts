/**
 * Consoles of containers for clients that speak VNC: a process in a sandbox (vnc-console.ts) draws what a terminal shows.
 * It sees the bytes of the client and of the terminal and nothing else; the terminal itself stays with the daemon.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Logger } from '../../host/log.ts';
import { sandboxed } from '../../host/sandbox.ts';
import {
  type ConsoleSettings,
  clientDescriptor,
  terminalDescriptor,
  writeSettings,
} from '../../screen/console-link.ts';
import { fontPath } from '../../screen/font.ts';
import type { ConsoleTarget } from './sessions.ts';
import { relayTerminal, TerminalParser } from './term-protocol.ts';

/** The bundle stands beside that of the daemon. */
const script = fileURLToPath(new URL('./vnc-console.js', import.meta.url));

/** Characters of a process's complaints that are logged. */
const keptWords = 2000;

/** Throws 'unsupported' when the font is not installed. */
export function demandConsoleFont(): void {
  if (existsSync(fontPath)) return;
  throw new RyokanError(
    'unsupported',
    'a console is drawn for VNC with the font of the package unifont, which is missing: apt install unifont',
  );
}

/** `terminal` as a VNC server, whose password is the session's ticket. */
export function vncTarget(
  terminal: ConsoleTarget,
  look: Omit<ConsoleSettings, 'password'>,
  log: Logger,
): ConsoleTarget {
  return {
    terminal: false,
    async open(session) {
      const { client, link } = await startDrawing(log);
      link.write(writeSettings({ ...look, password: session.ticket }));
      try {
        void relayTerminal(link, await terminal.open(session), new TerminalParser());
      } catch (error) {
        link.destroy();
        throw error;
      }
      return client;
    },
  };
}

/** Both streams end with the process, and the process with either of them. */
async function startDrawing(log: Logger): Promise<{ client: Duplex; link: Duplex }> {
  const read = { '/program/node': process.execPath, '/program/console.mjs': script };
  const { program, args } = await sandboxed({ read }, '/program/node', [
    ...['--max-old-space-size=128', '/program/console.mjs'],
  ]);
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], cwd: '/' });
  const client = streamOf(child, clientDescriptor);
  const link = streamOf(child, terminalDescriptor);
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, keptWords);
  });
  child.once('error', (err) => log.error({ err }, 'a console for VNC cannot be started'));
  child.once('close', (code) => {
    if (code) log.warn({ code, said: said.trim() }, 'a console for VNC has ended');
    client.destroy();
    link.destroy();
  });
  return { client, link };
}

/** Pipes that Node.js makes for a child go both ways. */
function streamOf(child: ChildProcess, descriptor: number): Duplex {
  const stream = child.stdio[descriptor];
  if (!(stream instanceof Duplex)) throw new Error(`a console's process has no descriptor ${descriptor}`);
  stream.on('error', () => stream.destroy());
  return stream;
}
