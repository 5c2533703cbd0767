/** Which guests the backup jobs of `jobs.cfg` include. */
import type { Section } from '../cluster/section-document.ts';

export interface Candidate {
  readonly vmid: number;
  readonly node: string;
  readonly pool?: string | undefined;
}

/**
 * The VMIDs that at least one enabled job includes. A job (`vzdump: <id>`) names guests by `vmid`, by `pool` (those of
 * the pools inside it are not meant), or takes `all` but those in `exclude`; `node` narrows each of them down to one node.
 */
export function guestsInJobs(jobs: readonly Section[], guests: readonly Candidate[]): Set<number> {
  const enabled = jobs.filter(
    ({ type, lines }) => type === 'vzdump' && new Map(lines).get('enabled') !== '0',
  );
  const selections = enabled.map(({ lines }) => selectionOf(new Map(lines)));
  return new Set(guests.filter((guest) => selections.some((has) => has(guest))).map(({ vmid }) => vmid));
}

function selectionOf(job: ReadonlyMap<string, string>): (guest: Candidate) => boolean {
  const onNode = ({ node }: Candidate) => (job.get('node') ?? node) === node;
  const pool = job.get('pool');
  if (pool !== undefined) return (guest) => onNode(guest) && guest.pool === pool;
  if (job.get('all') === '1') {
    const excluded = vmidsOf(job.get('exclude'));
    return (guest) => onNode(guest) && !excluded.has(guest.vmid);
  }
  const named = vmidsOf(job.get('vmid'));
  return (guest) => onNode(guest) && named.has(guest.vmid);
}

const vmidsOf = (text = ''): Set<number> =>
  new Set(
    text
      .split(/[,;\s]+/)
      .filter(Boolean)
      .map(Number),
  );
