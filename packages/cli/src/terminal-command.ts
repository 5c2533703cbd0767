/** `qm terminal`: the keyboard and screen of this terminal on a serial port of the guest. */
import type { Socket } from 'node:net';
import { exitCode, LocalError, UsageError } from './errors.ts';
import { type LocalCommand, single } from './local-command.ts';

const words = 'qm terminal';

export const terminalCommand: LocalCommand = {
  spec: {
    words,
    args: ['vmid'],
    params: {
      vmid: { type: 'integer', format: 'pve-vmid' },
      iface: { type: 'string', enum: ['serial0', 'serial1', 'serial2', 'serial3'] },
      escape: { type: 'string' },
    },
    required: ['vmid'],
    implied: [],
  },
  description:
    'Opens a serial port of a running guest on this terminal. The guest needs a serial port of type socket.',
  paramHelp: {
    vmid: { description: 'The unique ID of the guest.' },
    iface: { description: 'The serial port.', default: 'serial0' },
    escape: { description: 'The key that leaves, ^A to ^_ for a control character.', default: '^O' },
  },
  run: async (session, parsed) => {
    const vmid = single(parsed, 'vmid') ?? '';
    const iface = single(parsed, 'iface') ?? 'serial0';
    if (!/^\d+$/.test(vmid)) throw new UsageError(`'${vmid}' is no VMID`, words);
    if (!/^serial[0-3]$/.test(iface))
      throw new UsageError(`--iface is serial0 to serial3, not '${iface}'`, words);
    const escapeText = single(parsed, 'escape') ?? '^O';
    const escapeKey = escapeCode(escapeText);
    const socket = await openSocket(`${session.dataDir}/run/qemu/${vmid}.${iface}`, vmid, iface);
    if (process.stdin.isTTY) {
      session.system.err(
        `Serial port ${iface} of VM ${vmid}. ${escapeText} leaves; Enter may wake the guest.\r\n`,
      );
    }
    await bridge(socket, escapeKey);
    return exitCode.ok;
  },
};

/** The byte of `^O` or of a single character. */
export function escapeCode(text: string): number {
  const control = /^\^([@-_a-z])$/.exec(text)?.[1];
  if (control) return control.toUpperCase().charCodeAt(0) - 64;
  if (/^[\x21-\x7e]$/.test(text)) return text.charCodeAt(0);
  throw new UsageError(`--escape is a character or ^A to ^_, not '${text}'`, words);
}

async function openSocket(path: string, vmid: string, iface: string): Promise<Socket> {
  const { connect } = await import('node:net');
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EACCES')
        return reject(new LocalError(`Only root may use ${path}: run this with sudo.`, { cause }));
      reject(
        new LocalError(
          `VM ${vmid} does not run, or has no serial port ${iface} of type socket. ` +
            `Add one with 'qm set ${vmid} --${iface} socket' and start the guest again.`,
          { cause },
        ),
      );
    });
  });
}

/** Signals that would leave the terminal in raw mode. */
const endings = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT'] as const;

/** Resolves when the escape key was pressed, the guest has gone, or a signal came; the terminal is as before then. */
function bridge(socket: Socket, escapeKey: number): Promise<void> {
  const { stdin, stdout } = process;
  const wasRaw = stdin.isTTY ? stdin.isRaw : false;
  const restore = () => {
    if (stdin.isTTY) stdin.setRawMode(wasRaw);
  };
  return new Promise((resolve, reject) => {
    const finish = (error?: Error) => {
      stdin.off('data', onInput);
      stdin.pause();
      restore();
      process.off('exit', restore);
      for (const signal of endings) process.off(signal, onSignal);
      socket.destroy();
      if (stdin.isTTY) process.stderr.write('\r\n');
      if (error) reject(error);
      else resolve();
    };
    const onSignal = () => finish();
    const onInput = (data: Buffer) => {
      const at = stdin.isTTY ? data.indexOf(escapeKey) : -1;
      if (at !== 0) socket.write(at < 0 ? data : data.subarray(0, at));
      if (at >= 0) finish();
    };
    process.on('exit', restore);
    for (const signal of endings) process.on(signal, onSignal);
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on('data', onInput);
    socket.on('data', (data) => stdout.write(data));
    socket.once('close', () => finish());
    socket.once('error', (cause) =>
      finish(new LocalError(`The serial port broke: ${cause.message}`, { cause })),
    );
  });
}
