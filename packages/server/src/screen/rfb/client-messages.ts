/** What an RFB client says after the handshake: RFC 6143, 7.5, and SetDesktopSize of the registered extensions. */
import type { Area } from '../framebuffer.ts';
import type { ByteReader } from './byte-reader.ts';
import { type PixelFormat, pixelFormatLength, readPixelFormat } from './pixel-format.ts';
import { RfbError } from './rfb-error.ts';

export type ClientMessage =
  | { readonly type: 'pixel-format'; readonly format: PixelFormat }
  | { readonly type: 'encodings'; readonly encodings: readonly number[] }
  | { readonly type: 'update-request'; readonly incremental: boolean; readonly area: Area }
  | { readonly type: 'key'; readonly down: boolean; readonly keysym: number }
  | { readonly type: 'pointer'; readonly buttons: number; readonly x: number; readonly y: number }
  /** Latin-1, as RFC 6143 has it. Undefined: longer than anybody pastes, or in a form that was not agreed upon. */
  | { readonly type: 'cut-text'; readonly text: string | undefined }
  | {
      readonly type: 'desktop-size';
      readonly width: number;
      readonly height: number;
      readonly screens: number;
    };

/** Bytes of a clipboard that are kept; viewers send along what has been copied anywhere. */
const longestCutText = 256 * 1024;

type Reader = (reader: ByteReader) => Promise<ClientMessage>;

const readers: Readonly<Record<number, Reader>> = {
  0: async (reader) => {
    const bytes = await reader.read(3 + pixelFormatLength);
    return { type: 'pixel-format', format: readPixelFormat(bytes.subarray(3)) };
  },
  2: async (reader) => {
    const count = (await reader.read(3)).readUInt16BE(1);
    const bytes = await reader.read(4 * count);
    const encodings = Array.from({ length: count }, (_, index) => bytes.readInt32BE(4 * index));
    return { type: 'encodings', encodings };
  },
  3: async (reader) => {
    const bytes = await reader.read(9);
    const [x, y, width, height] = [1, 3, 5, 7].map((at) => bytes.readUInt16BE(at)) as Quad;
    return { type: 'update-request', incremental: bytes[0] !== 0, area: { x, y, width, height } };
  },
  4: async (reader) => {
    const bytes = await reader.read(7);
    return { type: 'key', down: bytes[0] !== 0, keysym: bytes.readUInt32BE(3) };
  },
  5: async (reader) => {
    const bytes = await reader.read(5);
    return {
      type: 'pointer',
      buttons: bytes.readUInt8(0),
      x: bytes.readUInt16BE(1),
      y: bytes.readUInt16BE(3),
    };
  },
  6: readCutText,
  251: async (reader) => {
    const bytes = await reader.read(7);
    const screens = bytes.readUInt8(5);
    await reader.skip(16 * screens);
    return {
      type: 'desktop-size',
      width: bytes.readUInt16BE(1),
      height: bytes.readUInt16BE(3),
      screens,
    };
  },
};

type Quad = [number, number, number, number];

/** A negative length marks the extended clipboard, which is only for those who have been offered it. */
async function readCutText(reader: ByteReader): Promise<ClientMessage> {
  const length = Math.abs((await reader.read(7)).readInt32BE(3));
  if (length > longestCutText) {
    await reader.skip(length);
    return { type: 'cut-text', text: undefined };
  }
  return { type: 'cut-text', text: (await reader.read(length)).toString('latin1') };
}

/** The next message. Rejects with RfbError for a type that does not exist, with EndOfStream at the end. */
export async function readClientMessage(reader: ByteReader): Promise<ClientMessage> {
  const type = (await reader.read(1)).readUInt8(0);
  const read = readers[type];
  if (!read) throw new RfbError(`unknown message type ${type}`);
  return read(reader);
}
