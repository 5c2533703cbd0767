/**
 * Large answers that are the same for many calls, such as the list of 10,000 guests, pass between daemon and gateway
 * once. The sender names them; the receiver keeps the latest of each name, and when the sender has the very same bytes
 * to send again it sends the name alone. Both ends of a connection see the frames in the same order, so the sender knows
 * what the receiver has. Names are few and fixed, which bounds what is kept.
 */

/** Shorter bodies are sent as they are: the name would save nothing. */
const worthKeeping = 4096;

/** Part of a frame's head. `repeat`: the frame has no body, it is the one kept by this name. */
export interface KeptMark {
  readonly name: string;
  readonly repeat: boolean;
}

/** What the other end of one connection keeps. */
export class SentBodies {
  private readonly sent = new Map<string, Buffer>();

  /** The mark for the frame that sends `body`; undefined when it is to be sent as it is. */
  mark(name: string | undefined, body: Buffer): KeptMark | undefined {
    if (name === undefined || body.length < worthKeeping) return undefined;
    const repeat = this.sent.get(name) === body;
    if (!repeat) this.sent.set(name, body);
    return { name, repeat };
  }
}

/** The bodies that came over one connection and may be sent again. */
export class ReceivedBodies {
  private readonly kept = new Map<string, Buffer>();

  /** The body that a frame with this mark stands for; the same buffer as long as it is the same body. */
  resolve({ name, repeat }: KeptMark, body: Buffer): Buffer {
    if (!repeat) {
      this.kept.set(name, body);
      return body;
    }
    const kept = this.kept.get(name);
    if (!kept) throw new Error(`the body '${name}' never came`);
    return kept;
  }
}
