/** Realm pve: users whose password hashes stand in `priv/shadow.cfg` of the config store. */
import type { ConfigStore } from '../../cluster/store.ts';
import { editAccess, readShadow } from '../access-documents.ts';
import { hashPassword, verifyPassword } from '../password.ts';
import type { Verdict } from './realm.ts';

export async function checkPvePassword(store: ConfigStore, name: string, password: string): Promise<Verdict> {
  const hash = readShadow(store).get(name);
  if (hash === undefined) return { ok: false, refusal: 'no password set' };
  return (await verifyPassword(password, hash)) ? { ok: true } : { ok: false, refusal: 'wrong password' };
}

export async function setPvePassword(
  store: ConfigStore,
  name: string,
  password: string,
  author: string,
): Promise<void> {
  const hash = await hashPassword(password);
  await editAccess(store, author, ({ shadow }) => shadow.set(name, hash));
}
