/** The beginning of an RFB connection: version, VNC authentication, the two init messages (RFC 6143, 7.1 to 7.3). */
import { createCipheriv, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Writable } from 'node:stream';
import type { ByteReader } from './byte-reader.ts';
import { ownFormat, writePixelFormat } from './pixel-format.ts';
import { RfbError } from './rfb-error.ts';

/** Security type 2, VNC authentication. */
const vncAuthentication = 2;
const passwordLength = 8;

interface Greeting {
  /** Its first 8 bytes count. */
  readonly password: string;
  /** Shown as the title of the viewer's window. */
  readonly name: string;
  readonly width: number;
  readonly height: number;
}

/** Resolves when the client may send messages. Rejects with RfbError when it has not the password. */
export async function shakeHands(reader: ByteReader, output: Writable, greeting: Greeting): Promise<void> {
  output.write('RFB 003.008\n');
  const minor = minorVersion((await reader.read(12)).toString('latin1'));
  await chooseSecurity(reader, output, minor);
  const challenge = randomBytes(16);
  output.write(challenge);
  const answer = await reader.read(16);
  if (!timingSafeEqual(answer, vncResponse(greeting.password, challenge))) {
    output.write(Buffer.concat([uint32(1), minor >= 8 ? text('wrong password') : Buffer.alloc(0)]));
    throw new RfbError('wrong password');
  }
  output.write(uint32(0));
  // ClientInit says whether others may stay: each has a terminal of his own here.
  await reader.read(1);
  output.write(serverInit(greeting));
}

/** 3, 7 or 8. What else calls itself 3.x counts as 3.3 (RFC 6143, 7.1.1). */
function minorVersion(line: string): number {
  const match = /^RFB 003\.(\d{3})\n$/.exec(line);
  if (!match) throw new RfbError(`${JSON.stringify(line)} is no version of RFB 3`);
  const minor = Number(match[1]);
  return minor === 7 || minor === 8 ? minor : 3;
}

async function chooseSecurity(reader: ByteReader, output: Writable, minor: number): Promise<void> {
  if (minor === 3) {
    output.write(uint32(vncAuthentication));
    return;
  }
  output.write(Buffer.from([1, vncAuthentication]));
  const chosen = (await reader.read(1)).readUInt8(0);
  if (chosen !== vncAuthentication) throw new RfbError(`security type ${chosen} was not on offer`);
}

function serverInit({ width, height, name }: Greeting): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16BE(width, 0);
  size.writeUInt16BE(height, 2);
  return Buffer.concat([size, writePixelFormat(ownFormat), text(name)]);
}

/**
 * DES of the challenge, keyed with the password, the bits of each of its bytes in reverse order (RFC 6143, 7.2.2).
 * OpenSSL 3 has no single DES any more; triple DES with three times the same key is the same.
 */
export function vncResponse(password: string, challenge: Buffer): Buffer {
  const key = Buffer.alloc(passwordLength);
  Buffer.from(password).copy(key);
  for (const [index, byte] of key.entries()) key[index] = reversed(byte);
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([key, key, key]), null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(challenge), cipher.final()]);
}

function reversed(byte: number): number {
  let result = 0;
  for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) result |= 0x80 >> bit;
  return result;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}
