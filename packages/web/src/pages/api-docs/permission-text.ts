/** A permission rule in the words of the page's language. */
import type { Permission } from '@ryokan/api/method.ts';
import type { Translate } from '../../i18n/index.ts';

export function permissionText(rule: Permission, t: Translate): string {
  if ('user' in rule) {
    if (rule.user === 'world') return t('apiDocs.permissionWorld');
    return rule.user === 'all' ? t('apiDocs.permissionAll') : t('apiDocs.permissionRoot');
  }
  if ('perm' in rule) {
    const privileges = joined(rule.privs, rule.any === true, t);
    const text = t('apiDocs.permissionOn', { privileges, path: rule.perm });
    return rule.ifParam ? t('apiDocs.permissionIf', { rule: text, name: rule.ifParam }) : text;
  }
  if ('modifyPath' in rule) return t('apiDocs.permissionModify', { path: rule.modifyPath });
  if ('self' in rule) return t('apiDocs.permissionSelf', { name: rule.self });
  if ('realmOf' in rule)
    return t('apiDocs.permissionRealm', { privileges: joined(rule.privs, false, t), name: rule.realmOf });
  if ('userGroup' in rule)
    return t('apiDocs.permissionGroup', { privileges: joined(rule.privs, true, t), name: rule.userGroup });
  const any = 'or' in rule;
  return joined(
    (any ? rule.or : rule.and).map((one) => nested(one, t)),
    any,
    t,
  );
}

function nested(rule: Permission, t: Translate): string {
  const text = permissionText(rule, t);
  return 'and' in rule || 'or' in rule ? `(${text})` : text;
}

function joined(parts: readonly string[], any: boolean, t: Translate): string {
  return parts.reduce((left, right) =>
    any ? t('apiDocs.either', { left, right }) : t('apiDocs.both', { left, right }),
  );
}
