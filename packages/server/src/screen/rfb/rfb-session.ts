/** One VNC client: what it does goes to the screen, what changes on the screen goes to it when it asks. */
import type { Duplex } from 'node:stream';
import type { Area, Framebuffer } from '../framebuffer.ts';
import { ByteReader } from './byte-reader.ts';
import { type ClientMessage, readClientMessage } from './client-messages.ts';
import { cursorRectangle, desktopSizeRectangle, encoding, rawRectangle, ZrleEncoder } from './encodings.ts';
import { shakeHands } from './handshake.ts';
import { ownFormat, type PixelFormat } from './pixel-format.ts';

/** What the session shows and drives. */
export interface Screen {
  readonly name: string;
  /** Another one after a new size. */
  readonly picture: Framebuffer;
  /** Called when there may be something new to draw. */
  onChange: () => void;
  /** Called with the text that the user has marked. */
  onCopy: (text: string) => void;
  /** Called when the bell rings. */
  onBell: () => void;
  /** Brings the picture up to date. */
  draw(): void;
  /** False for a size that is not possible. */
  resize(width: number, height: number): boolean;
  key(keysym: number, down: boolean): void;
  pointer(x: number, y: number, buttons: number): void;
  clipboard(text: string): void;
}

/** Milliseconds between two updates at least: more than a person sees only costs. */
const updateInterval = 20;

/** A request that waits for something to change. */
type Request = Area & { readonly incremental: boolean };

export class RfbSession {
  #format: PixelFormat = ownFormat;
  #encodings: ReadonlySet<number> = new Set();
  readonly #zrle = new ZrleEncoder();
  #request: Request | undefined;
  /** Rectangles of pseudo-encodings, sent with the next update. */
  #announcements: Array<() => Buffer> = [];
  #sending = false;
  #lastUpdate = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly stream: Duplex,
    private readonly screen: Screen,
    private readonly password: string,
  ) {}

  /** Resolves never; rejects with EndOfStream when the client leaves, with RfbError when it breaks the protocol. */
  async run(): Promise<never> {
    const reader = new ByteReader(this.stream);
    const { name, picture } = this.screen;
    const { width, height } = picture;
    await shakeHands(reader, this.stream, { password: this.password, name, width, height });
    this.screen.onChange = () => this.#schedule();
    this.screen.onBell = () => void this.stream.write(Buffer.from([2]));
    this.screen.onCopy = (text) => this.#sendCutText(text);
    try {
      for (;;) this.#handle(await readClientMessage(reader));
    } finally {
      clearTimeout(this.#timer);
      this.#zrle.close();
    }
  }

  #handle(message: ClientMessage): void {
    const { screen } = this;
    switch (message.type) {
      case 'pixel-format':
        this.#format = message.format;
        return;
      case 'encodings':
        this.#encodings = new Set(message.encodings);
        if (this.#encodings.has(encoding.cursor)) {
          this.#announcements.push(() => cursorRectangle(this.#format));
        }
        return;
      case 'update-request':
        return this.#ask({ ...message.area, incremental: message.incremental });
      case 'key':
        return screen.key(message.keysym, message.down);
      case 'pointer':
        return screen.pointer(message.x, message.y, message.buttons);
      case 'cut-text':
        if (message.text !== undefined) screen.clipboard(message.text);
        return;
      case 'desktop-size':
        return this.#resize(message.width, message.height, message.screens);
    }
  }

  /** Requests that arrive faster than they are answered become one. */
  #ask(request: Request): void {
    if (!request.incremental) {
      this.screen.picture.damage(request);
      if (this.#encodings.has(encoding.extendedDesktopSize)) {
        this.#announcements.push(() => desktopSizeRectangle(this.screen.picture, 0, 0));
      }
    }
    this.#request = this.#request ? enclosing(this.#request, request) : request;
    this.#schedule();
  }

  #resize(width: number, height: number, screens: number): void {
    // Statuses of the extension: 0 done, 2 beyond what is possible, 3 a layout that is not understood.
    const status = screens !== 1 ? 3 : this.screen.resize(width, height) ? 0 : 2;
    this.#announcements.push(() => desktopSizeRectangle(this.screen.picture, 1, status));
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#sending || !this.#request) return;
    const wait = Math.max(0, this.#lastUpdate + updateInterval - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      // A stream that fails here ends the reading side as well.
      void this.#update().catch(() => this.stream.destroy());
    }, wait);
  }

  async #update(): Promise<void> {
    const request = this.#request;
    if (!request || this.#sending) return;
    this.screen.draw();
    const { picture } = this.screen;
    const areas = picture.takeDamage(request);
    if (areas.length === 0 && this.#announcements.length === 0) return;
    this.#request = undefined;
    this.#sending = true;
    const rectangles = this.#announcements.map((announcement) => announcement());
    this.#announcements = [];
    for (const area of areas) rectangles.push(await this.#encode(picture, area));
    await this.#send(Buffer.concat([updateHeader(rectangles.length), ...rectangles]));
    this.#sending = false;
    this.#lastUpdate = Date.now();
    this.#schedule();
  }

  #encode(picture: Framebuffer, area: Area): Promise<Buffer> | Buffer {
    return this.#encodings.has(encoding.zrle)
      ? this.#zrle.rectangle(picture, area, this.#format)
      : rawRectangle(picture, area, this.#format);
  }

  /** Resolves when a slow client has taken it, so that nothing piles up. */
  #send(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Latin-1 is all that the message can carry. */
  #sendCutText(text: string): void {
    const bytes = Buffer.from(text.replace(/[^\0-\xff]/gu, '?'), 'latin1');
    const head = Buffer.alloc(8);
    head.writeUInt8(3);
    head.writeUInt32BE(bytes.length, 4);
    this.stream.write(Buffer.concat([head, bytes]));
  }
}

function updateHeader(rectangles: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(rectangles, 2);
  return bytes;
}

function enclosing(one: Request, other: Request): Request {
  const x = Math.min(one.x, other.x);
  const y = Math.min(one.y, other.y);
  return {
    x,
    y,
    width: Math.max(one.x + one.width, other.x + other.width) - x,
    height: Math.max(one.y + one.height, other.y + other.height) - y,
    incremental: one.incremental && other.incremental,
  };
}
