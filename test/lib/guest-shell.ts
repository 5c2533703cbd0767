/** The root shell that the tiny guest offers on its serial port. */
import { connect, type Socket } from 'node:net';
import { withoutNews } from './serial-shell.ts';
import { waitFor } from './wait.ts';

export class GuestShell {
  #text = '';
  readonly #socket: Socket;

  /** `path`: the socket behind the guest's serial port. */
  constructor(path: string) {
    this.#socket = connect(path);
    this.#socket.on('data', (chunk) => {
      this.#text += chunk.toString('latin1');
    });
    this.#socket.on('error', () => {});
  }

  ready(): Promise<true> {
    return waitFor(() => /ready boot=/.test(this.#text), {
      timeout: 120,
      what: () => `the guest to boot: ${JSON.stringify(this.#text.slice(-300))}`,
    }).then(() => true);
  }

  /** Types a line and does not wait for it. */
  type(line: string): void {
    this.#socket.write(`${line}\n`);
  }

  /** What a command prints in the guest. `timeout` in seconds. */
  async run(command: string, timeout = 60): Promise<string> {
    this.#text = '';
    // The marks are written in two parts, so that the echo of the typing does not look like the answer.
    this.type(`echo beg''in; ${command}; echo en''d`);
    const found = await waitFor(() => /^begin\r?\n([\s\S]*)^end/m.exec(this.#text), {
      timeout,
      every: 20,
      what: () => `'${command}' to end: ${JSON.stringify(this.#text.slice(-300))}`,
    });
    return withoutNews((found[1] ?? '').replaceAll('\r', ''));
  }

  /** Waits until what a command prints matches. */
  async sees(command: string, wanted: RegExp): Promise<void> {
    let answer = '';
    await waitFor(
      async () => {
        answer = await this.run(command);
        return wanted.test(answer);
      },
      { timeout: 60, what: () => `${wanted} from '${command}': ${JSON.stringify(answer.slice(-300))}` },
    );
  }

  close(): void {
    this.#socket.destroy();
  }
}
