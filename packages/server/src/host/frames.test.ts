import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Frame, FrameConnection, FrameType } from './frames.ts';

async function pair(onFrame: (frame: Frame) => void): Promise<{ client: Socket; close: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'frames-'));
  const server = createServer((socket) => new FrameConnection(socket, onFrame));
  await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve));
  const client = connect(join(folder, 's'));
  return {
    client,
    close: () => {
      client.destroy();
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

test('frames arrive whole and in order, however the bytes are cut', async () => {
  const frames: Frame[] = [];
  let done = () => {};
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const { client, close } = await pair((frame) => {
    frames.push(frame);
    if (frames.length === 3) done();
  });
  const pieces: Buffer[] = [];
  const recorder = new FrameConnection(
    Object.assign(Object.create(client), {
      write: (piece: Buffer) => pieces.push(piece),
      cork: () => {},
      uncork: () => {},
      on: () => {},
    }) as Socket,
    () => {},
  );
  recorder.send(7, FrameType.request, { path: '/日本' }, Buffer.from('body'));
  recorder.send(8, FrameType.cancel);
  recorder.send(9, FrameType.data, undefined, Buffer.alloc(100_000, 1));
  // They leave at the end of this turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  const bytes = Buffer.concat(pieces);
  for (let i = 0; i < 60; i++) client.write(bytes.subarray(i, i + 1));
  client.write(bytes.subarray(60));
  await all;
  expect(frames[0]).toMatchObject({ channel: 7, type: FrameType.request, head: { path: '/日本' } });
  expect(frames[0]?.body.toString()).toBe('body');
  expect(frames[1]).toMatchObject({ channel: 8, type: FrameType.cancel, head: undefined });
  expect(frames[2]?.body.length).toBe(100_000);
  close();
});
