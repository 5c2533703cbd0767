/** A terminal, seen by a client of the protocol. */
import { expect, test } from 'vitest';
import { Font } from '../font.ts';
import { TerminalScreen } from '../terminal-screen.ts';
import { RfbSession } from './rfb-session.ts';
import { connection, TestClient } from './rfb-testbed.ts';

const zrle = 16;
/** Shapes enough to tell characters apart. */
const font = new Font(
  Buffer.from(
    ['A', 'b', 'c', '\ufffd']
      .map((char, index) => `${char.charCodeAt(0).toString(16)}:${`${index + 1}F`.repeat(16)}`)
      .concat(`65E5:${'8001'.repeat(16)}`)
      .join('\n'),
  ),
);

function open(width = 200, height = 100) {
  const sizes: number[][] = [];
  const input: string[] = [];
  const screen = new TerminalScreen({
    ...{ name: 'CT 100', width, height, font },
    onInput: (text) => input.push(text),
    onResize: (columns, rows) => sizes.push([columns, rows]),
  });
  const [near, far] = connection();
  const end = new RfbSession(far, screen, 'secret-and-more').run().catch((error: unknown) => {
    far.destroy();
    return error as Error;
  });
  return { screen, sizes, input, end, client: new TestClient(near) };
}

/** The whole picture as the client has it is what the server has. */
function expectSamePicture(client: TestClient, screen: TerminalScreen): void {
  expect([client.width, client.height]).toEqual([screen.picture.width, screen.picture.height]);
  expect(Buffer.from(client.pixels.buffer).equals(Buffer.from(screen.picture.pixels.buffer))).toBe(true);
}

test.each(['3', '7', '8'])(
  'a client of version 3.%s logs in; the first 8 bytes of the password count',
  async (minor) => {
    const { client } = open();
    expect(await client.logIn('secret-a', `RFB 003.00${minor}\n`)).toBe('CT 100');
    expect([client.width, client.height]).toEqual([200, 100]);
  },
);

test('a wrong password is refused with a reason, and the connection ends', async () => {
  const { client, end } = open();
  await expect(client.logIn('secret')).rejects.toThrow('wrong password');
  expect((await end).message).toBe('wrong password');
});

test.each([
  ['Raw', []],
  ['ZRLE', [zrle]],
])('%s: the picture arrives as a whole, then only what has changed', async (_name, encodings) => {
  const { client, screen } = open();
  await client.logIn('secret-a');
  client.setEncodings(...encodings);
  await screen.write(Buffer.from('Abc \x1b[31mA\x1b[44;1;4mb\x1b[7mc\x1b[0m 日'));
  client.request(false);
  await client.update();
  expectSamePicture(client, screen);
  for (let colour = 0; colour < 256; colour++) await screen.write(Buffer.from(`\x1b[48;5;${colour}mA`));
  client.request(true);
  await client.update();
  expectSamePicture(client, screen);

  client.request(true);
  await screen.write(Buffer.from('\x1b[0m\x1b[?25l\x1b[2;1H'));
  await client.update();
  client.request(true);
  await screen.write(Buffer.from('b'));
  const [change, ...others] = await client.update();
  expect(others).toEqual([]);
  expect(change).toMatchObject({ x: 0, y: 16, width: 8, height: 16 });
  expectSamePicture(client, screen);
});

test('a client asks for another size, within limits', async () => {
  const { client, screen, sizes } = open();
  await client.logIn('secret-a');
  client.setEncodings(zrle, -308, -239);
  client.request(false);
  expect((await client.update()).map(({ encoding }) => encoding)).toEqual([-239, -308, zrle]);
  const ask = async (width: number, height: number, screens = 1) => {
    const bytes = Buffer.alloc(8 + 16 * screens);
    bytes.writeUInt8(251);
    bytes.writeUInt16BE(width, 2);
    bytes.writeUInt16BE(height, 4);
    bytes.writeUInt8(screens, 6);
    client.stream.write(bytes);
    client.request(true);
    const [answer] = await client.update();
    return answer;
  };
  expect(await ask(333, 77)).toMatchObject({ encoding: -308, x: 1, y: 0, width: 333, height: 77 });
  expectSamePicture(client, screen);
  expect(sizes).toEqual([
    [25, 6],
    [41, 4],
  ]);
  expect(await ask(8, 8)).toMatchObject({ x: 1, y: 2, width: 333, height: 77 });
  expect(await ask(9000, 800)).toMatchObject({ x: 1, y: 2 });
  expect(await ask(400, 300, 2)).toMatchObject({ x: 1, y: 3 });
});

test('keys and pasted text reach the program, byte by byte as well', async () => {
  const { client, input } = open();
  await client.logIn('secret-a');
  const key = (keysym: number) => {
    const bytes = Buffer.of(4, 1, 0, 0, 0, 0, 0, 0);
    bytes.writeUInt32BE(keysym, 4);
    return bytes;
  };
  const text = Buffer.from('one\ntwo\x1b[201~');
  const cutText = Buffer.concat([Buffer.of(6, 0, 0, 0, 0, 0, 0, text.length), text]);
  const middleButton = Buffer.of(5, 2, 0, 0, 0, 0);
  for (const byte of Buffer.concat([key(0x61), cutText, middleButton, key(0x62)])) {
    client.stream.write(Buffer.of(byte));
  }
  await expect.poll(() => input).toEqual(['a', 'one\rtwo[201~', 'b']);
});

test('a clipboard that nobody would paste is passed over', async () => {
  const { client, input } = open();
  await client.logIn('secret-a');
  const head = Buffer.of(6, 0, 0, 0, 0, 0, 0, 0);
  head.writeUInt32BE(3_000_000, 4);
  client.stream.write(head);
  for (let sent = 0; sent < 3; sent++) client.stream.write(Buffer.alloc(1_000_000, 'x'));
  client.stream.write(Buffer.of(4, 1, 0, 0, 0, 0, 0, 0x7a));
  await expect.poll(() => input).toEqual(['z']);
});

test.each([
  ['another protocol', 'GET / HTTP/1.1\r\n', /is no version/],
  ['a security type that was not on offer', 'RFB 003.008\n\x01', /security type 1/],
])('%s ends the connection', async (_name, bytes, reason) => {
  const { client, end } = open();
  client.stream.write(Buffer.from(bytes, 'latin1'));
  expect((await end).message).toMatch(reason);
});

test.each([
  ['an unknown message', Buffer.of(77), /unknown message type 77/],
  ['a colour map', Buffer.concat([Buffer.of(0, 0, 0, 0, 8, 8, 0, 0), Buffer.alloc(12)]), /true colour/],
  ['an impossible pixel', Buffer.concat([Buffer.of(0, 0, 0, 0, 24, 24, 0, 1), Buffer.alloc(12)]), /24 bits/],
])('%s ends the connection', async (_name, bytes, reason) => {
  const { client, end } = open();
  await client.logIn('secret-a');
  client.stream.write(bytes);
  expect((await end).message).toMatch(reason);
});
