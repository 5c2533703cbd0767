/** What the daemon and the process that draws a console say to each other; see api/console/vnc-console.ts. */

import type { ByteReader } from './rfb/byte-reader.ts';

/** File descriptors of the process: the VNC client, and the terminal. */
export const clientDescriptor = 3;
export const terminalDescriptor = 4;

/**
 * What comes first on the terminal's descriptor, as JSON behind its length (32 bits, big-endian). Output of the program
 * follows; towards the daemon goes what a browser's terminal would say after its login (api/console/term-protocol.ts).
 */
export interface ConsoleSettings {
  /** Its first 8 bytes are asked of the VNC client. */
  readonly password: string;
  /** Title of the viewer's window. */
  readonly name: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

export function writeSettings(settings: ConsoleSettings): Buffer {
  const text = Buffer.from(JSON.stringify(settings));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text]);
}

/** The counterpart of `writeSettings`. */
export async function readSettings(reader: ByteReader): Promise<ConsoleSettings> {
  const length = (await reader.read(4)).readUInt32BE();
  return JSON.parse((await reader.read(length)).toString()) as ConsoleSettings;
}

/** Bytes of input in one piece. */
const longestInput = 64 * 1024;

/** Input for the terminal's program. */
export function inputMessages(text: string): Buffer {
  const bytes = Buffer.from(text);
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += longestInput) {
    const part = bytes.subarray(at, at + longestInput);
    parts.push(Buffer.from(`0:${part.length}:`), part);
  }
  return Buffer.concat(parts);
}

export function sizeMessage(columns: number, rows: number): string {
  return `1:${columns}:${rows}:`;
}
