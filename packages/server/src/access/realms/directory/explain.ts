/** What went wrong with a directory, in words that say what to do. */
import { messageOf } from '@ryokan/api/errors.ts';
import { ResultCodeError } from 'ldapts';
import { errorCode } from '../../../host/files.ts';

/** Codes of OpenSSL for chains of certificates that lead to no known authority. */
const untrusted = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]);

const networkTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections: is the directory running, and is the port right?',
  ENOTFOUND: "is a name without an address: check it, and the node's DNS servers",
  EAI_AGAIN: "cannot be looked up at present: check the node's DNS servers",
  EHOSTUNREACH: "cannot be reached from here: check the address and the node's routes",
  ENETUNREACH: "cannot be reached from here: check the address and the node's routes",
  ETIMEDOUT: 'does not answer: check address, port and firewalls on the way',
  ECONNRESET: 'broke the connection off: is mode the right one for this port?',
  EPROTO: 'does not speak TLS here: is mode the right one for this port?',
  CERT_HAS_EXPIRED: 'shows a certificate that has expired: it needs a new one',
};

/** Result codes of LDAP, RFC 4511 appendix A. */
const resultTexts: Readonly<Record<number, string>> = {
  1: 'wants a login before it answers: set bind_dn and password',
  4: 'gives out only a part of the entries: raise its size limit for bind_dn, or narrow base_dn and filter down',
  8: 'wants a protected connection: set mode to ldaps or ldap+starttls',
  11: 'gives out only a part of the entries: raise its limits for bind_dn, or narrow base_dn and filter down',
  13: 'wants a protected connection: set mode to ldaps or ldap+starttls',
  32: 'has no such object: check base_dn and group_dn',
  34: 'does not take this for a DN: check base_dn, group_dn and bind_dn',
  48: 'does not let this user log in this way: check bind_dn',
  49: 'does not accept this user and password: check bind_dn and password',
  50: 'does not let bind_dn read here: give it the right to search, or take another one',
  51: 'is busy: try again later',
  52: 'is not available at present: try again later',
  53: 'is not willing to do this: check bind_dn and password',
};

/** `<url> refuses connections: …`. */
export function explainDirectory(url: string, error: unknown): string {
  if (error instanceof ResultCodeError) {
    const known = resultTexts[error.code];
    return known ? `${url} ${known}` : `${url} answered with an error: ${messageOf(error)}`;
  }
  const code = errorCode(error);
  if (untrusted.has(code)) {
    return `${url} shows a certificate of an authority that is not known here: set capath to the file of its authority`;
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `${url} shows a certificate for other names: set server1 to a name that stands in it`;
  }
  const known = networkTexts[code];
  if (known) return `${url} ${known}`;
  return `${url}: ${messageOf(error)}`;
}

/** Why an Active Directory refuses a login: the `data` code in its text. */
const activeDirectoryReasons: Readonly<Record<string, string>> = {
  '525': 'unknown user',
  '52e': 'wrong password',
  '530': 'not allowed at this time',
  '531': 'not allowed from here',
  '532': 'password expired',
  '533': 'account disabled in the directory',
  '701': 'account expired in the directory',
  '773': 'password must be changed first',
  '775': 'account locked in the directory',
};

/** The reason of a refused login, for the log. */
export function refusalReason(error: Error): string {
  const code = /\bdata ([0-9a-f]{3}),/i.exec(error.message)?.[1]?.toLowerCase();
  return (code && activeDirectoryReasons[code]) || 'wrong password';
}
