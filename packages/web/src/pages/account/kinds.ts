/** The kinds of second factors in words. */
import type { PlainKey, Translate } from '../../i18n/index.ts';

export const kindKeys = {
  webauthn: 'account.kind.webauthn',
  totp: 'account.kind.totp',
  recovery: 'account.kind.recovery',
} as const satisfies Readonly<Record<string, PlainKey>>;

export type Kind = keyof typeof kindKeys;

/** Kinds that cannot be added here keep their name. */
export function kindText(t: Translate, type: string): string {
  return Object.hasOwn(kindKeys, type) ? t(kindKeys[type as Kind]) : type;
}
