/**
 * Slows down guessing: after some failed logins for one user from one address, that pair has to wait. Others are not
 * touched, so nobody can lock somebody else out. (Every failed login is also answered late, see the API kernel.)
 */

/** Failures within the window that are free. */
const allowed = 10;
/** Milliseconds. */
const window = 5 * 60_000;
/** Pairs that are remembered; beyond it the oldest are forgotten. */
const maxPairs = 10_000;

export class LoginLimit {
  private readonly clock: () => number;
  private readonly failures = new Map<string, { count: number; since: number }>();

  constructor(clock: () => number) {
    this.clock = clock;
  }

  /** Seconds until this pair may try again; 0 = now. */
  wait(user: string, remote: string): number {
    const entry = this.failures.get(key(user, remote));
    if (!entry || entry.count < allowed) return 0;
    return Math.max(0, Math.ceil((entry.since + window - this.clock()) / 1000));
  }

  failed(user: string, remote: string): void {
    const now = this.clock();
    const name = key(user, remote);
    const entry = this.failures.get(name);
    if (entry && now - entry.since < window) {
      entry.count++;
      return;
    }
    // A new window stands at the end of the map's order, the oldest at its start.
    this.failures.delete(name);
    if (this.failures.size >= maxPairs) {
      const oldest = this.failures.keys().next();
      if (!oldest.done) this.failures.delete(oldest.value);
    }
    this.failures.set(name, { count: 1, since: now });
  }

  succeeded(user: string, remote: string): void {
    this.failures.delete(key(user, remote));
  }
}

const key = (user: string, remote: string): string => `${remote} ${user}`;
