import { ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useSearchParams } from 'react-router';

/** Parts of one page; the one that is shown stands in the URL. */
export function Sections(props: {
  label: string;
  sections: readonly { readonly key: string; readonly title: string; readonly content: ReactNode }[];
}) {
  const [search, setSearch] = useSearchParams();
  const current = props.sections.find((one) => one.key === search.get('part')) ?? props.sections[0];
  return (
    <div className="ry-sections">
      <ToggleGroup aria-label={props.label} isCompact className="ry-section-switch">
        {props.sections.map((one) => (
          <ToggleGroupItem
            key={one.key}
            text={one.title}
            isSelected={one === current}
            onChange={() => setSearch({ part: one.key })}
          />
        ))}
      </ToggleGroup>
      <div className="ry-section-body">{current?.content}</div>
    </div>
  );
}
