/**
 * Named locks among the processes of this node (daemon, workers), kept in node.db. A lock whose owner died is free.
 * They keep two tasks from working on one guest at the same time; what must hold across nodes rests on store
 * transactions instead.
 */
export interface Locks {
  /**
   * Runs `work` while holding `name` (`qemu-100`, `storage-local`). Waits up to `timeout` ms (default 10 s), then
   * rejects with RyokanError 'locked' which names the holder.
   */
  with<T>(
    name: string,
    work: () => Promise<T>,
    options?: { timeout?: number; signal?: AbortSignal },
  ): Promise<T>;
  /** Who holds it: the UPID or `daemon`; undefined when free. */
  holder(name: string): string | undefined;
}
