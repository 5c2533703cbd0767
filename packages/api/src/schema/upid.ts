/** Task ids as clients know them: `UPID:node:pid:pstart:starttime:type:id:user:`, numbers in upper-case hex. */

export interface Upid {
  readonly node: string;
  readonly pid: number;
  /** Start of the process in clock ticks since boot. */
  readonly pstart: number;
  /** Seconds since the epoch. */
  readonly starttime: number;
  readonly type: string;
  readonly id: string;
  /** `user@realm` or `user@realm!token`. */
  readonly user: string;
}

const hex = (value: number): string => value.toString(16).toUpperCase().padStart(8, '0');
/** The id field cannot hold colons or blanks. */
const clean = (text: string): string => text.replace(/[:\s]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);

export function formatUpid(upid: Upid): string {
  const { node, pid, pstart, starttime, type, id, user } = upid;
  return `UPID:${node}:${hex(pid)}:${hex(pstart)}:${hex(starttime)}:${type}:${clean(id)}:${user}:`;
}

/** Undefined when the text is not a UPID. */
export function parseUpid(text: string): Upid | undefined {
  const match =
    /^UPID:([a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):([0-9A-F]{8}):([0-9A-F]{8,9}):([0-9A-F]{8}):([^:\s]+):([^:\s]*):([^:\s]+):$/.exec(
      text,
    );
  if (!match) return undefined;
  const [, node, pid, pstart, starttime, type, id, user] = match as unknown as string[];
  const number = (digits: string | undefined) => Number.parseInt(digits ?? '', 16);
  return {
    node: node as string,
    pid: number(pid),
    pstart: number(pstart),
    starttime: number(starttime),
    type: type as string,
    id: id as string,
    user: user as string,
  };
}
