/**
 * The beginning of a SPICE connection as a viewer makes it: CONNECT to the proxy, TLS, link message, password
 * (spice-protocol: "Connection establishment").
 */
import { constants, createPublicKey, publicEncrypt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** What `POST …/spiceproxy` answers, as far as a connection needs it. */
export interface SpiceFields {
  readonly type: string;
  readonly host: string;
  readonly proxy: string;
  readonly 'tls-port': number;
  readonly password: string;
  readonly ca: string;
  readonly 'host-subject': string;
}

export interface SpiceLink {
  /** 0: the server has taken the link message. */
  readonly error: number;
  /** 0: the password is right; 7: permission denied. */
  readonly result: number;
  /** Subject of the certificate behind the proxy, `O=…,CN=…`. */
  readonly subject: string;
}

const magic = 0x51444552; // "REDQ", little-endian
const mainChannel = 1;

/** Rejects with the proxy's status line when that refuses, and when TLS is not by the authority of `fields`. */
export async function linkSpice(fields: SpiceFields): Promise<SpiceLink> {
  const proxied = await throughProxy(fields);
  // The host is a ticket; viewers compare the subject instead.
  const socket = connectTls({ socket: proxied, ca: fields.ca, checkServerIdentity: () => undefined });
  try {
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    const { O, CN } = socket.getPeerCertificate().subject;
    const read = reader(socket);
    const mess = Buffer.alloc(18);
    mess.writeUInt8(mainChannel, 4);
    mess.writeUInt32LE(18, 14);
    socket.write(Buffer.concat([header(mess.length), mess]));
    const replyHeader = await read(16);
    if (replyHeader.readUInt32LE(0) !== magic)
      throw new Error(`no SPICE server: ${replyHeader.toString('latin1')}`);
    const reply = await read(replyHeader.readUInt32LE(12));
    const error = reply.readUInt32LE(0);
    const key = createPublicKey({ key: reply.subarray(4, 166), format: 'der', type: 'spki' });
    const sealed = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' };
    socket.write(publicEncrypt(sealed, Buffer.from(`${fields.password}\0`)));
    return { error, result: (await read(4)).readUInt32LE(0), subject: `O=${O},CN=${CN}` };
  } finally {
    socket.destroy();
  }
}

function header(size: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(magic, 0);
  bytes.writeUInt32LE(2, 4);
  bytes.writeUInt32LE(2, 8);
  bytes.writeUInt32LE(size, 12);
  return bytes;
}

/** Asks the proxy the way GLib does, which viewers use. */
export async function throughProxy(fields: SpiceFields): Promise<Socket> {
  const { hostname, port } = new URL(fields.proxy);
  const socket = connect(Number(port), hostname);
  const target = `${fields.host}:${fields['tls-port']}`;
  socket.write(
    `CONNECT ${target} HTTP/1.0\r\nHost: ${target}\r\nProxy-Connection: keep-alive\r\nUser-Agent: GLib/2.74\r\n\r\n`,
  );
  const head = await new Promise<string>((resolve, reject) => {
    let text = '';
    socket.on('error', reject).on('close', () => reject(new Error(`the proxy hung up: ${text}`)));
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      socket.off('data', onData);
      resolve(text);
    };
    socket.on('data', onData);
  });
  const status = head.split('\r\n')[0] ?? '';
  if (/^HTTP\/1\.[01] 200 /.test(status)) return socket;
  socket.destroy();
  throw new Error(status);
}

/** Reads exactly so many bytes; rejects when the connection ends before. */
function reader(socket: NodeJS.ReadableStream): (length: number) => Promise<Buffer> {
  let bytes = Buffer.alloc(0);
  let wake: () => void = () => {};
  let ended = false;
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    wake();
  });
  socket.on('close', () => {
    ended = true;
    wake();
  });
  return async (length) => {
    while (bytes.length < length) {
      if (ended) throw new Error(`the connection ended after ${bytes.length} of ${length} bytes`);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const taken = bytes.subarray(0, length);
    bytes = bytes.subarray(length);
    return taken;
  };
}
