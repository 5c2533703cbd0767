/**
 * Starts QEMU by hand, without the product: for tests of the test images themselves, and as the raw figure that the
 * product's start is compared with.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { qmp, screendump } from './qmp.ts';
import { waitFor } from './wait.ts';

export interface RawQemuOptions {
  /** Existing directory for sockets and the serial log; short, as Unix socket paths end at 107 bytes. */
  readonly directory: string;
  /** Arguments after the defaults: disks, network, more devices. */
  readonly args: readonly string[];
  /** Program and arguments before `qemu-system-x86_64`, such as `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
  /** MiB; default 512. */
  readonly memory?: number;
}

export class RawQemu {
  readonly #child: ChildProcess;
  readonly #directory: string;
  #stderr = '';

  constructor(child: ChildProcess, directory: string) {
    this.#child = child;
    this.#directory = directory;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
  }

  get qmpPath(): string {
    return join(this.#directory, 'qmp');
  }

  get agentPath(): string {
    return join(this.#directory, 'qga');
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** All that the guest wrote on its first serial port. */
  async serialLog(): Promise<string> {
    return readFile(join(this.#directory, 'serial.log'), 'latin1').catch(() => '');
  }

  /** Waits until the serial log has `pattern`; gives seconds since the call. Fails at once when QEMU has ended. */
  async serialShows(pattern: RegExp, timeout: number): Promise<number> {
    const begun = performance.now();
    let log = '';
    await waitFor(
      async () => {
        log = await this.serialLog();
        if (pattern.test(log)) return true;
        if (!this.running)
          throw new Error(`QEMU ended before ${pattern}: ${this.#stderr}\n${log.slice(-2000)}`);
        return false;
      },
      { timeout, what: () => `${pattern} on the serial port; its last lines:\n${log.slice(-2000)}` },
    );
    return (performance.now() - begun) / 1000;
  }

  command(name: string, args?: Record<string, unknown>): Promise<unknown> {
    return qmp(this.qmpPath, name, args);
  }

  screendump(file: string): Promise<void> {
    return screendump(this.qmpPath, file);
  }

  /** Waits until the QEMU process has ended by itself. */
  async ended(timeout: number): Promise<void> {
    await waitFor(() => !this.running, { timeout, what: 'the end of the QEMU process' });
  }

  async kill(): Promise<void> {
    if (!this.running) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}

/** Starts QEMU under TCG with QMP, a serial log and a guest agent port; resolves when QMP answers. */
export async function startRawQemu(options: RawQemuOptions): Promise<RawQemu> {
  const { directory } = options;
  const args = [
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', String(options.memory ?? 512)],
    ...['-nodefaults', '-vga', 'std', '-display', 'none', '-no-reboot'],
    ...['-qmp', `unix:${join(directory, 'qmp')},server=on,wait=off`],
    ...['-serial', `file:${join(directory, 'serial.log')}`],
    ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=qga,name=org.qemu.guest_agent.0'],
    ...['-chardev', `socket,id=qga,path=${join(directory, 'qga')},server=on,wait=off`],
    ...options.args,
  ];
  const [program = 'qemu-system-x86_64', ...before] = [...(options.prefix ?? []), 'qemu-system-x86_64'];
  const child = spawn(program, [...before, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const qemu = new RawQemu(child, directory);
  await once(child, 'spawn');
  await waitFor(() => (qemu.running ? qemu.command('query-status').catch(() => undefined) : 'ended'), {
    timeout: 15,
    every: 20,
    what: 'an answer on the QMP socket',
  });
  return qemu;
}
