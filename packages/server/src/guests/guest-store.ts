/** Guest documents in the config store: reading, claiming a VMID, compare-and-set changes. */
import { digestMismatch, RyokanError } from '@ryokan/api/errors.ts';
import { type ConfigStore, ConflictError } from '../cluster/store.ts';
import { guestFirewall } from '../network/firewall/documents.ts';
import {
  type ConfigProblem,
  type ConfigProperties,
  configDigest,
  type GuestConfigFile,
  newConfigFile,
  parseConfigFile,
  salvageConfigFile,
  serializeConfigFile,
} from './config-file.ts';

export type GuestType = 'qemu' | 'lxc';

const folders: Readonly<Record<GuestType, string>> = { qemu: 'qemu-server', lxc: 'lxc' };

export function guestPath(type: GuestType, node: string, vmid: number): string {
  return `nodes/${node}/${folders[type]}/${vmid}.conf`;
}

const claimPath = (vmid: number): string => `vmlist/${vmid}`;

/** The folder of all guests of a type on a node, as a prefix. */
export function guestPrefix(type: GuestType, node: string): string {
  return `nodes/${node}/${folders[type]}/`;
}

/** Type, node and VMID of a guest's path; undefined for other documents. */
export function parseGuestPath(path: string): { type: GuestType; node: string; vmid: number } | undefined {
  const match = /^nodes\/([^/]+)\/(qemu-server|lxc)\/([1-9]\d{2,8})\.conf$/.exec(path);
  if (!match) return undefined;
  return { node: match[1] as string, type: match[2] === 'lxc' ? 'lxc' : 'qemu', vmid: Number(match[3]) };
}

export interface StoredGuest {
  readonly vmid: number;
  readonly path: string;
  readonly revision: number;
  readonly digest: string;
  readonly file: GuestConfigFile;
}

/** Throws 'not-found' with the text that clients match on, 'failed' for a damaged document. */
export function readGuest(store: ConfigStore, type: GuestType, node: string, vmid: number): StoredGuest {
  const { path, doc } = guestDocument(store, type, node, vmid);
  const file = parseConfigFile(doc.text, path);
  return { vmid, path, revision: doc.revision, digest: configDigest(doc.text), file };
}

/** The same, but what cannot be read of a damaged document is left out and told: for what must work all the same. */
export function salvageGuest(
  store: ConfigStore,
  type: GuestType,
  node: string,
  vmid: number,
): StoredGuest & { readonly text: string; readonly problems: readonly ConfigProblem[] } {
  const { path, doc } = guestDocument(store, type, node, vmid);
  const { text, revision } = doc;
  return { vmid, path, revision, text, digest: configDigest(text), ...salvageConfigFile(text) };
}

function guestDocument(store: ConfigStore, type: GuestType, node: string, vmid: number) {
  const path = guestPath(type, node, vmid);
  const doc = store.get(path);
  if (!doc) throw new RyokanError('not-found', `Configuration file '${path}' does not exist`);
  return { path, doc };
}

/** Type and node of the guest that has this VMID anywhere in the cluster. */
export function guestOwner(store: ConfigStore, vmid: number): { type: GuestType; node: string } | undefined {
  const [type, node] = store.get(claimPath(vmid))?.text.trim().split(' ') ?? [];
  return type && node ? { type: type === 'lxc' ? 'lxc' : 'qemu', node } : undefined;
}

/** Every VMID in use in the cluster. */
export function usedVmids(store: ConfigStore): Set<number> {
  return new Set(store.list('vmlist/').map((doc) => Number(doc.path.slice('vmlist/'.length))));
}

/** Takes a VMID for a new guest, locked while it is made. Exactly one of several callers wins; the others get 'exists'. */
export function claimGuest(
  store: ConfigStore,
  type: GuestType,
  node: string,
  vmid: number,
  author: string,
  lock: 'create' | 'clone' = 'create',
): Promise<void> {
  return placeGuest(store, type, node, vmid, serializeConfigFile(newConfigFile({ lock })), author);
}

/** Enters a guest with this document, as it stands. Rejects with 'exists' when the VMID is taken. */
export async function placeGuest(
  store: ConfigStore,
  type: GuestType,
  node: string,
  vmid: number,
  text: string,
  author: string,
): Promise<void> {
  const path = guestPath(type, node, vmid);
  try {
    await store.commit(
      [
        { path: claimPath(vmid), revision: 0 },
        { path, revision: 0 },
      ],
      [
        { path: claimPath(vmid), text: `${type} ${node}\n` },
        { path, text },
      ],
      { author },
    );
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    const kind = type === 'qemu' ? 'VM' : 'CT';
    const where = guestOwner(store, vmid)?.node ?? node;
    throw new RyokanError(
      'exists',
      `unable to create ${kind} ${vmid}: config file already exists: ${kind} ${vmid} already exists on node '${where}'`,
      { context: { vmid } },
    );
  }
}

/** Removes a guest's document and its firewall's, and gives its VMID back. */
export async function removeGuest(
  store: ConfigStore,
  type: GuestType,
  node: string,
  vmid: number,
  author: string,
): Promise<void> {
  await store.commit(
    [],
    [
      { path: guestPath(type, node, vmid), text: null },
      { path: claimPath(vmid), text: null },
      { path: guestFirewall(vmid), text: null },
    ],
    { author },
  );
}

/** Writes a guest's document; 'conflict' when somebody changed it since it was read. Returns it as stored. */
export async function writeGuest(
  store: ConfigStore,
  guest: StoredGuest,
  file: GuestConfigFile,
  author: string,
): Promise<StoredGuest> {
  const text = serializeConfigFile(file);
  const digest = configDigest(text);
  if (digest === guest.digest) return { ...guest, file };
  const revision = await commitGuests(store, [{ guest, text }], author);
  return { ...guest, file, revision, digest };
}

/** Writes the documents of several guests, all or none of them; 'conflict' as in writeGuest. */
export async function writeGuests(
  store: ConfigStore,
  changes: readonly { readonly guest: StoredGuest; readonly file: GuestConfigFile }[],
  author: string,
): Promise<void> {
  const texts = changes.map(({ guest, file }) => ({ guest, text: serializeConfigFile(file) }));
  await commitGuests(store, texts, author);
}

/** Gives the revision that the documents have now. */
async function commitGuests(
  store: ConfigStore,
  changes: readonly { readonly guest: StoredGuest; readonly text: string }[],
  author: string,
): Promise<number> {
  try {
    return await store.commit(
      changes.map(({ guest: { path, revision } }) => ({ path, revision })),
      changes.map(({ guest: { path }, text }) => ({ path, text })),
      { author },
    );
  } catch (error) {
    if (error instanceof ConflictError) throw digestMismatch();
    throw error;
  }
}

/** Reads the document of a guest of this node and writes it changed; the guest's lock keeps others from it meanwhile. */
export async function changeFile(
  { store, settings }: { readonly store: ConfigStore; readonly settings: { readonly node: string } },
  vmid: number,
  author: string,
  change: (file: GuestConfigFile) => GuestConfigFile,
): Promise<void> {
  const type = guestOwner(store, vmid)?.type ?? 'qemu';
  const guest = readGuest(store, type, settings.node, vmid);
  await writeGuest(store, guest, change(guest.file), author);
}

/** The document without its lock key. */
export function unlocked(file: GuestConfigFile): GuestConfigFile {
  const { lock: _lock, ...properties } = file.properties;
  return { ...file, properties };
}

/** Refuses work on a guest that an operation has locked. */
export function demandUnlocked(properties: ConfigProperties, type: GuestType = 'qemu'): void {
  if (properties.lock) {
    throw new RyokanError('locked', `${type === 'qemu' ? 'VM' : 'CT'} is locked (${properties.lock})`);
  }
}

/**
 * Gives back VMIDs whose creation never came as far as a task: the daemon was killed between the claim and the task's
 * start. `tasks` knows the creations that are still running.
 */
export async function sweepClaims(
  store: ConfigStore,
  node: string,
  tasks: { list(filter: { source: 'active'; vmid: number }): { total: number } },
): Promise<void> {
  const untouched = ['create', 'clone'].map((lock) => serializeConfigFile(newConfigFile({ lock })));
  const types = ['qemu', 'lxc'] as const;
  for (const doc of types.flatMap((type) => store.list(guestPrefix(type, node)))) {
    const { vmid, type } = parseGuestPath(doc.path) ?? {};
    if (
      vmid === undefined ||
      type === undefined ||
      !untouched.includes(doc.text) ||
      tasks.list({ source: 'active', vmid }).total > 0
    )
      continue;
    await removeGuest(store, type, node, vmid, 'sweep');
  }
}
