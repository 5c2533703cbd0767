/** Free VMIDs: which comes next, and one for a guest that is made now. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { datacenterOption } from '../cluster/datacenter-options.ts';
import type { ConfigStore } from '../cluster/store.ts';
import { usedVmids } from './guest-store.ts';

const firstVmid = 100;
const lastVmid = 999_999_999;

/** The lowest free VMID in the range that the option `next-id` sets. */
export function nextVmid(used: ReadonlySet<number>, range: string | undefined): number {
  const bound = (name: string, fallback: number) =>
    Number(new RegExp(`${name}=(\\d+)`).exec(range ?? '')?.[1] ?? fallback);
  const lower = bound('lower', firstVmid);
  const upper = Math.min(bound('upper', lastVmid + 1), lastVmid + 1);
  for (let vmid = lower; vmid < upper; vmid++) if (!used.has(vmid)) return vmid;
  throw new RyokanError('failed', `unable to get any free VMID in range [${lower},${upper})`);
}

/** Chooses VMIDs for callers that leave it to the server. */
export class VmidAssigner {
  /** Chosen and not yet in the store: two callers at once do not try the same one. */
  readonly #tried = new Set<number>();

  constructor(private readonly store: ConfigStore) {}

  /**
   * Calls `attempt` with a free VMID, again with another one when somebody else (on another node) took it first. `attempt`
   * claims it in a transaction and rejects with 'exists' and the VMID as context when it is taken.
   */
  async assign<Result>(attempt: (vmid: number) => Promise<Result>): Promise<Result> {
    const taken = new Set<number>();
    for (;;) {
      const used = new Set([...usedVmids(this.store), ...this.#tried, ...taken]);
      const vmid = nextVmid(used, datacenterOption(this.store, 'next-id'));
      this.#tried.add(vmid);
      try {
        return await attempt(vmid);
      } catch (error) {
        if (!(error instanceof RyokanError) || error.code !== 'exists' || error.context.vmid !== vmid)
          throw error;
        taken.add(vmid);
      } finally {
        this.#tried.delete(vmid);
      }
    }
  }
}
