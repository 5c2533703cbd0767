/** The daemon's part of the firewall: rules follow the documents, and come back when others have flushed them. */
import { messageOf } from '@ryokan/api/errors.ts';
import type { Logger } from '../../host/log.ts';
import { nodeFirewall } from './documents.ts';
import { applyFirewall, checkFirewall, type FirewallHost, firewallState } from './guard.ts';

/** How long changes are gathered (ms): a client that sets ten rules causes one transaction. */
const gatherTime = 100;
/** How often the kernel's tables are looked at (ms). Nothing tells of a flush. */
const checkEvery = 30_000;

export class FirewallWatch {
  readonly #host: FirewallHost;
  readonly #log: Logger;
  readonly #onChange: () => void;
  readonly #stops: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();
  #told = '';

  /** `onChange` hears when problems come or go. */
  constructor(host: FirewallHost, log: Logger, onChange: () => void) {
    this.#host = host;
    this.#log = log;
    this.#onChange = onChange;
  }

  /** Puts the rules in place, and follows the documents from now on. Never rejects: a node without rules still serves. */
  async open(): Promise<void> {
    const { store, settings } = this.#host;
    for (const prefix of ['firewall/', nodeFirewall(settings.node)]) {
      this.#stops.push(store.watch(prefix, () => this.#schedule()));
    }
    await this.#apply(() => applyFirewall(this.#host));
    const check = setInterval(() => void this.#apply(() => checkFirewall(this.#host)), checkEvery);
    check.unref();
    this.#stops.push(() => clearInterval(check));
  }

  /** Resolves when no more transaction of this process is under way. */
  async close(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    clearTimeout(this.#timer);
    await this.#working;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#apply(() => applyFirewall(this.#host));
    }, gatherTime);
  }

  #apply(work: () => Promise<unknown>): Promise<void> {
    this.#working = this.#working.then(async () => {
      try {
        await work();
      } catch (error) {
        this.#log.error({ reason: messageOf(error) }, 'the firewall');
      }
      this.#tell();
    });
    return this.#working;
  }

  #tell(): void {
    const { problems, failure, log } = firewallState(this.#host.paths);
    const told = JSON.stringify([problems, failure, log]);
    if (told === this.#told) return;
    this.#told = told;
    for (const { text } of problems) this.#log.warn({ reason: text }, 'a firewall document is broken');
    this.#onChange();
  }
}
