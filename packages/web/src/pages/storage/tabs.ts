import type { ContentType } from '../../api/volumes.ts';
import type { PageTab } from '../../components/object-page.tsx';
import type { PlainKey, Translate } from '../../i18n/index.ts';

/** Content types in the order of their tabs. */
export const contentTypes: readonly { readonly type: ContentType; readonly title: PlainKey }[] = [
  { type: 'iso', title: 'content.iso' },
  { type: 'images', title: 'content.images' },
  { type: 'rootdir', title: 'content.rootdir' },
  { type: 'vztmpl', title: 'content.vztmpl' },
  { type: 'backup', title: 'content.backup' },
  { type: 'snippets', title: 'content.snippets' },
  { type: 'import', title: 'content.import' },
];

/** A tab for each content type that the storage takes, between what it is and who may use it. */
export function storageTabs(t: Translate, content: string): PageTab[] {
  const allowed = content.split(',');
  return [
    { key: 'summary', title: t('tab.summary') },
    ...contentTypes
      .filter((one) => allowed.includes(one.type))
      .map((one) => ({ key: one.type, title: t(one.title) })),
    { key: 'permissions', title: t('tab.permissions') },
  ];
}
