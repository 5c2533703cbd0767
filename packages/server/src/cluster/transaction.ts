/**
 * What every store engine checks about a transaction before it touches anything.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Condition, Write } from './store.ts';

/** How many changes of a document the engines keep. */
export const keptChanges = 100;

/** Default of `history`'s limit. */
export const defaultHistoryLimit = 20;

/** Throws RyokanError 'parameter' when a transaction could not be stored, or not without doubt about its meaning. */
export function checkTransaction(conditions: readonly Condition[], writes: readonly Write[]): void {
  const expected = new Map<string, number>();
  for (const { path, revision } of conditions) {
    checkPath(path);
    if (!Number.isSafeInteger(revision) || revision < 0)
      throw new RyokanError('parameter', `${revision} is no revision that '${path}' could have`);
    if ((expected.get(path) ?? revision) !== revision)
      throw new RyokanError('parameter', `One transaction expects two revisions of '${path}'`);
    expected.set(path, revision);
  }
  const written = new Set<string>();
  for (const { path, text } of writes) {
    checkPath(path);
    if (written.has(path)) throw new RyokanError('parameter', `One transaction writes '${path}' twice`);
    written.add(path);
    if (text !== null && !isStorable(text))
      throw new RyokanError(
        'parameter',
        `The text for '${path}' has characters that cannot be stored (NUL or half a surrogate pair)`,
      );
  }
}

function checkPath(path: string): void {
  if (path === '' || !isStorable(path))
    throw new RyokanError('parameter', `${JSON.stringify(path)} cannot be the path of a document`);
}

/** Texts are kept as UTF-8, which has no half surrogate pairs; NUL ends texts in C libraries on the way. */
function isStorable(text: string): boolean {
  return !text.includes('\0') && !/\p{Surrogate}/u.test(text);
}

/** Answer to any use of a store after its `close`. */
export function closedError(): RyokanError {
  return new RyokanError('unavailable', 'The configuration store is closed');
}
