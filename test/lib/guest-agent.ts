/** Speaks to a QEMU guest agent through its host socket, apart from the product's own client. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * One command to the agent: first a `guest-sync` with a number of our own, because the port may still hold what an
 * earlier client left unread. Gives the command's return value; rejects after `timeout` seconds.
 */
export async function guestAgent(
  path: string,
  command: string,
  timeout = 5,
  args: object = {},
): Promise<unknown> {
  const socket = createConnection(path);
  const lines = createInterface({ input: socket });
  const limit = setTimeout(
    () => socket.destroy(new Error(`guest agent: no answer in ${timeout} s`)),
    timeout * 1000,
  );
  try {
    const closed = once(socket, 'close').then(() => {
      throw new Error(`guest agent: no answer to ${command}`);
    });
    await Promise.race([once(socket, 'connect'), closed]);
    const id = Date.now();
    socket.write(`${JSON.stringify({ execute: 'guest-sync', arguments: { id } })}\n`);
    socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    return await Promise.race([answerAfter(lines, id), closed]);
  } finally {
    clearTimeout(limit);
    lines.close();
    socket.destroy();
  }
}

async function answerAfter(lines: AsyncIterable<string>, id: number): Promise<unknown> {
  let inStep = false;
  for await (const line of lines) {
    const reply = JSON.parse(line) as { return?: unknown; error?: { desc: string } };
    if (reply.return === id) inStep = true;
    else if (inStep && reply.error) throw new Error(`guest agent: ${reply.error.desc}`);
    else if (inStep) return reply.return;
  }
  throw new Error('guest agent: connection closed');
}
