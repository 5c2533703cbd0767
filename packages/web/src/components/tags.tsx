import { Label, LabelGroup } from '@patternfly/react-core';
import { useT } from '../i18n/index.ts';

/** Tags in neutral colour: colour is for state only. */
export function Tags({ tags }: { tags: readonly string[] }) {
  const t = useT();
  if (tags.length === 0) return null;
  return (
    <LabelGroup aria-label={t('guest.tags')} numLabels={6}>
      {tags.map((tag) => (
        <Label key={tag} isCompact variant="outline">
          {tag}
        </Label>
      ))}
    </LabelGroup>
  );
}
