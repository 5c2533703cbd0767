/** Validation texts of the API in the language of the page. The wording is the wire's contract (api/src/check-value.ts). */
import type { Translate } from '../i18n/index.ts';

/** A text for a person; texts without a translation stay as the server wrote them. */
export function explainProblem(text: string, t: Translate): string {
  const cleaned = text.trim();
  const minimum = /must have a minimum value of (\S+)$/.exec(cleaned);
  if (minimum) return t('problem.minimum', { value: minimum[1] as string });
  const maximum = /must have a maximum value of (\S+)$/.exec(cleaned);
  if (maximum) return t('problem.maximum', { value: maximum[1] as string });
  const tooLong = /may only be (\d+) characters long$/.exec(cleaned);
  if (tooLong) return t('problem.tooLong', { count: Number(tooLong[1]) });
  if (/is missing and it is not optional$/.test(cleaned)) return t('problem.missing');
  if (/^type check \('(integer|number)'\)/.test(cleaned)) return t('problem.number');
  if (/does not look like a valid DNS name/.test(cleaned)) return t('problem.dnsName');
  if (/does not look like a valid unicast MAC address/.test(cleaned)) return t('problem.mac');
  const used = /^VM (\d+) already exists/.exec(cleaned);
  if (used) return t('problem.vmidUsed', { vmid: used[1] as string });
  return cleaned.replace(/^invalid format - /, '');
}
