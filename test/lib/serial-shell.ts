/** The root shell that the tiny guest offers on its serial port, by the port's socket on the host. */
import { connect } from 'node:net';
import { waitFor } from './wait.ts';

/** Reads the port from now on until `pattern` shows; `send` is typed first. Gives the match. Seconds. */
export async function onSerial(
  path: string,
  pattern: RegExp,
  { send, timeout = 90 }: { readonly send?: string; readonly timeout?: number } = {},
): Promise<RegExpExecArray> {
  const socket = connect(path);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  if (send !== undefined) socket.write(send);
  try {
    return await waitFor(() => pattern.exec(text) ?? undefined, {
      timeout,
      every: 20,
      what: () => `${pattern} on ${path}: ${JSON.stringify(text.slice(-4000))}`,
    });
  } finally {
    socket.destroy();
  }
}

/** Waits until the tiny guest has booted. */
export const booted = (path: string): Promise<unknown> => onSerial(path, /ready boot=/);

let count = 0;

/** Runs a command in the guest's shell and gives what it wrote. */
export async function inGuest(path: string, command: string): Promise<string> {
  const number = ++count;
  // Written in two parts, so that the echo of what is typed is no answer.
  const send = `echo "beg""in-${number}"; ${command}; echo "done""-${number}"\n`;
  const pattern = new RegExp(`begin-${number}\\r?\\n([^]*?)done-${number}\\r?\\n`);
  const [, printed = ''] = await onSerial(path, pattern, { send, timeout: 30 });
  return withoutNews(printed.replaceAll('\r', '')).trim();
}

/** What the tiny guest tells on its own while a command runs, such as an address that it has got, is no answer. */
export const withoutNews = (text: string): string => text.replace(/^ryokan-guest: .*\n/gm, '');
