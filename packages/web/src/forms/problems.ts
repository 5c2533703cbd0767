/** Validation texts of the API in the language of the page. The wording is the wire's contract (api/src/check-value.ts). */
import type { PlainKey, Translate } from '../i18n/index.ts';

/** As the API says it of a parameter that was left out. */
export const missing = 'property is missing and it is not optional';

/** As the API says it of a VMID that another guest has. */
export const vmidTaken = (vmid: string): string => `guest ${vmid.trim()} already exists`;

/** What forms find themselves, beyond the API's schema. */
export const formProblems = {
  passwordsDiffer: 'the passwords differ',
  notSshKey: 'a line is no public SSH key',
  pathNotAbsolute: 'the path does not begin with a slash',
  pathTaken: 'another volume has this path',
  nameTaken: 'another card has this name',
} as const;

const own: Readonly<Record<string, PlainKey>> = {
  [formProblems.passwordsDiffer]: 'problem.passwordsDiffer',
  [formProblems.notSshKey]: 'problem.notSshKey',
  [formProblems.pathNotAbsolute]: 'problem.pathNotAbsolute',
  [formProblems.pathTaken]: 'problem.pathTaken',
  [formProblems.nameTaken]: 'problem.nameTaken',
};

/** Kinds of values that the API names in its texts. */
const kinds: readonly (readonly [RegExp, PlainKey])[] = [
  [/valid DNS name/, 'problem.dnsName'],
  [/valid configuration ID/, 'problem.configId'],
  [/valid unicast MAC address/, 'problem.mac'],
  [/valid ipv4 network configuration/i, 'problem.ipv4Cidr'],
  [/valid ipv6 network configuration/i, 'problem.ipv6Cidr'],
  [/valid ipv4 address/i, 'problem.ipv4'],
  [/valid ipv6 address/i, 'problem.ipv6'],
  [/valid IP address/i, 'problem.ip'],
];

/** A text for a person; texts without a translation stay as the server wrote them. */
export function explainProblem(text: string, t: Translate): string {
  const cleaned = text.trim();
  const known = own[cleaned] ?? kinds.find(([pattern]) => pattern.test(cleaned))?.[1];
  if (known !== undefined) return t(known);
  const minimum = /must have a minimum value of (\S+)$/.exec(cleaned);
  if (minimum) return t('problem.minimum', { value: minimum[1] as string });
  const maximum = /must have a maximum value of (\S+)$/.exec(cleaned);
  if (maximum) return t('problem.maximum', { value: maximum[1] as string });
  const tooLong = /may only be (\d+) characters long$/.exec(cleaned);
  if (tooLong) return t('problem.tooLong', { count: Number(tooLong[1]) });
  const tooShort = /must be at least (\d+) characters long$/.exec(cleaned);
  if (tooShort) return t('problem.tooShort', { count: Number(tooShort[1]) });
  if (cleaned === missing) return t('problem.missing');
  if (/^type check \('(integer|number)'\)/.test(cleaned)) return t('problem.number');
  const used = /(?:VM|CT|guest) (\d+) already exists/.exec(cleaned);
  if (used) return t('problem.vmidUsed', { vmid: used[1] as string });
  return cleaned.replace(/^invalid format - /, '');
}
