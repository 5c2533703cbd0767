/**
 * The process of one graphical console: a VNC server on a terminal. It reads what a client and a guest's program send,
 * so it runs in a sandbox with nothing but two connections (see api/console/vnc-target.ts) and ends with either of them.
 */
import { Socket } from 'node:net';
import {
  clientDescriptor,
  inputMessages,
  readSettings,
  sizeMessage,
  terminalDescriptor,
} from './screen/console-link.ts';
import { Font } from './screen/font.ts';
import { ByteReader, EndOfStream } from './screen/rfb/byte-reader.ts';
import { RfbError } from './screen/rfb/rfb-error.ts';
import { RfbSession } from './screen/rfb/rfb-session.ts';
import { TerminalScreen } from './screen/terminal-screen.ts';

const client = new Socket({ fd: clientDescriptor });
const terminal = new Socket({ fd: terminalDescriptor });
client.on('error', () => client.destroy());
terminal.on('error', () => terminal.destroy());

/** Ends the process: quietly when one side has gone, with the reason on stderr when the client broke the protocol. */
function end(error: unknown): never {
  if (error instanceof RfbError) console.error(error.message);
  else if (!(error instanceof EndOfStream) && !client.destroyed && !terminal.destroyed) throw error;
  process.exit(error instanceof RfbError ? 1 : 0);
}

async function feed(screen: TerminalScreen, output: ByteReader): Promise<never> {
  for (;;) await screen.write(await output.readSome());
}

const output = new ByteReader(terminal);
const settings = await readSettings(output);
const screen = new TerminalScreen({
  ...settings,
  font: Font.read(),
  onInput: (text) => terminal.write(inputMessages(text)),
  onResize: (columns, rows) => terminal.write(sizeMessage(columns, rows)),
});
await Promise.race([feed(screen, output), new RfbSession(client, screen, settings.password).run()]).catch(
  end,
);
