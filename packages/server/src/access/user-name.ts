/** Names that come from outside (directories, OpenID providers) and become user and group ids. */
import { checkFormat } from '@ryokan/api/schema/formats.ts';

/** As in the parameters of /access/users. */
const longestUserId = 64;

/**
 * The id `name@realm`, or what is wrong with the name: user.cfg separates by colons and commas, an `@` in front names a
 * group and `!` a token. Stricter than the format of user ids in control characters.
 */
export function userIdOf(
  name: string,
  realm: string,
): { readonly id: string } | { readonly problem: string } {
  if (name === '') return { problem: 'an empty name' };
  if (/[\s\p{C}:/,;!]/u.test(name)) return { problem: 'characters that a user name cannot have' };
  if (name.startsWith('@')) return { problem: "a name that starts with '@'" };
  const id = `${name}@${realm}`;
  if (id.length > longestUserId)
    return { problem: `a name that is too long (${longestUserId} with the realm)` };
  return checkFormat('pve-userid', id) === undefined ? { id } : { problem: 'no possible user name' };
}

/** The id `name-realm` of a group, or undefined when the name cannot be part of one. */
export function groupIdOf(name: string, realm: string): string | undefined {
  const id = `${name}-${realm}`;
  return name !== '' && id.length <= 128 && checkFormat('pve-groupid', id) === undefined ? id : undefined;
}

/** A name from outside as it may stand in a log: no control characters, not endless. */
export const shownName = (name: string): string => name.replace(/[\p{C}]/gu, '?').slice(0, 80);
