/**
 * The terminal protocol over the WebSocket of `termproxy`: first `user:ticket\n`, answered by `OK`; then `0:LENGTH:DATA`
 * for input (length in bytes), `1:COLUMNS:ROWS:` for the size and `2` to keep the connection.
 */
const encoder = new TextEncoder();

export const keepAlive = '2';
export const keepAliveMs = 30_000;

export function hello(user: string, ticket: string): string {
  return `${user}:${ticket}\n`;
}

export function input(data: string): string {
  return `0:${encoder.encode(data).length}:${data}`;
}

export function size(columns: number, rows: number): string {
  return `1:${columns}:${rows}:`;
}

/** The first answer: whether we are in, and what came after it in the same message. */
export function readGreeting(bytes: Uint8Array): { accepted: boolean; rest: Uint8Array } {
  const accepted = bytes[0] === 0x4f && bytes[1] === 0x4b;
  return { accepted, rest: accepted ? bytes.subarray(2) : bytes };
}
