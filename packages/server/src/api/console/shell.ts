/** Login shells of the node and consoles of containers, on a pseudo terminal each. */
import { Duplex } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { ConsoleTarget } from './sessions.ts';
import type { Resizable } from './term-protocol.ts';

/** `login` asks for user and password, except for root@pam, who has shown to be root already. */
export function shellTarget(user: string): ConsoleTarget {
  return programTarget('/bin/login', user === 'root@pam' ? ['-f', 'root'] : []);
}

/** A program of the node on a pseudo terminal of its own. */
export function programTarget(program: string, args: readonly string[]): ConsoleTarget {
  return { terminal: true, open: () => openTerminal(program, args) };
}

async function openTerminal(program: string, args: readonly string[]): Promise<Duplex & Resizable> {
  // Loaded when the first shell is opened: the native module need not be in memory before.
  const { spawn } = await import('@lydell/node-pty');
  const pty = spawn(program, [...args], {
    name: 'xterm-256color',
    cols: 80,
    rows: 24,
    cwd: '/root',
    env: {
      TERM: 'xterm-256color',
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      LANG: 'C.UTF-8',
    },
    encoding: null,
  });
  // A character may be cut at the end of a chunk.
  const decoder = new StringDecoder('utf8');
  const stream = new Duplex({
    read() {
      pty.resume();
    },
    write(chunk: Buffer, _encoding, done) {
      pty.write(decoder.write(chunk));
      done();
    },
    destroy(error, done) {
      try {
        pty.kill('SIGHUP');
      } catch {
        // It has ended.
      }
      done(error);
    },
  });
  pty.onData((data: string | Buffer) => {
    if (!stream.push(typeof data === 'string' ? Buffer.from(data) : data)) pty.pause();
  });
  pty.onExit(() => stream.push(null));
  return Object.assign(stream, { resize: (columns: number, rows: number) => pty.resize(columns, rows) });
}
