/** Names of files that come into a storage: their ending says what they are, and others are refused. */
import { extensionHelp, type FileContent, tryParseFileName } from '@ryokan/api/schema/volume-id.ts';
import type { Translate } from '../i18n/index.ts';

export const isFileName = (content: FileContent, name: string): boolean =>
  tryParseFileName(content, name) !== undefined;

/** Help and problem of the field for the name. */
export function fileNameHelp(
  content: FileContent,
  name: string,
  t: Translate,
): { help: string; problem: string | undefined } {
  const endings = extensionHelp[content].replace(' or ', ', ');
  return {
    help: t('upload.endings', { endings }),
    problem: name === '' || isFileName(content, name) ? undefined : t('upload.badName', { endings }),
  };
}
