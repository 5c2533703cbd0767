/** How a document of the firewall is changed: compare-and-set, with the digest of the list that a client has seen. */
import { digestMismatch } from '@ryokan/api/errors.ts';
import { type ConfigStore, update } from '../../../cluster/store.ts';
import { digestOf, type FirewallDocument, formatDocument, parseDocument } from '../document.ts';

export interface ChangeTarget {
  readonly store: ConfigStore;
  readonly path: string;
  readonly author: string;
  /** Looks at the document as it would become, and throws what forbids it. */
  readonly check?: ((changed: FirewallDocument) => void) | undefined;
}

/** `edit` changes the document in place; it may be called again with a newer one. What it throws, this rejects with. */
export async function changeDocument(
  { store, path, author, check }: ChangeTarget,
  edit: (document: FirewallDocument) => void,
): Promise<void> {
  await update(
    store,
    path,
    (text) => {
      const document = parseDocument(text ?? '');
      edit(document);
      check?.(document);
      const changed = formatDocument(document);
      return changed === '' ? null : changed;
    },
    { author },
  );
}

/** Throws RyokanError 'conflict' when the list has another digest than the caller has seen. */
export function demandDigest(lines: readonly { readonly text: string }[], digest: string | undefined): void {
  if (digest !== undefined && digest !== digestOf(lines)) throw digestMismatch();
}
