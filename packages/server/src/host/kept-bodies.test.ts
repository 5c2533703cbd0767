import { expect, test } from 'vitest';
import { ReceivedBodies, SentBodies } from './kept-bodies.ts';

const large = (byte: number) => Buffer.alloc(10_000, byte);

test('the same body of a name passes once, another one replaces it', () => {
  const sender = new SentBodies();
  const receiver = new ReceivedBodies();
  let passed = 0;
  /** As over the connection: a copy of the bytes, or none. */
  const send = (name: string, body: Buffer): Buffer => {
    const mark = sender.mark(name, body);
    const bytes = mark?.repeat ? Buffer.alloc(0) : Buffer.from(body);
    passed += bytes.length;
    return mark ? receiver.resolve(mark, bytes) : bytes;
  };
  const [first, second] = [large(1), large(2)];
  const received = send('a', first);
  expect(received.equals(first)).toBe(true);
  expect(send('a', first)).toBe(received);
  expect(send('b', second).equals(second)).toBe(true);
  expect(passed).toBe(20_000);
  expect(send('a', second).equals(second)).toBe(true);
  expect(send('a', second).equals(second)).toBe(true);
  expect(passed).toBe(30_000);
  // Equal bytes in another buffer: the sender does not compare them.
  expect(send('a', large(2)).equals(second)).toBe(true);
  expect(passed).toBe(40_000);
});

test('bodies without a name and short ones are not kept', () => {
  const sender = new SentBodies();
  expect(sender.mark(undefined, large(1))).toBeUndefined();
  expect(sender.mark('a', Buffer.from('{"data":[]}'))).toBeUndefined();
});

test('a new connection knows nothing of the one before', () => {
  const body = large(1);
  expect(new SentBodies().mark('a', body)?.repeat).toBe(false);
  expect(() => new ReceivedBodies().resolve({ name: 'a', repeat: true }, Buffer.alloc(0))).toThrow(
    /never came/,
  );
});
