/** Signals to processes whose number a test has read somewhere. */

/** Throws when there is no such number: 0 would be this process and all beside it, the whole run of tests. */
export function signal(pid: number | undefined, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  if (pid === undefined || !(pid > 1)) throw new Error(`${name}: there is no process ${String(pid)}`);
  process.kill(pid, name);
}
