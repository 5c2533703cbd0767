import { EmptyState, EmptyStateActions, EmptyStateBody, EmptyStateFooter } from '@patternfly/react-core';
import type { ComponentType, ReactNode } from 'react';

/** A page without content: what would stand here and the first step to it. */
export function Empty(props: {
  title: string;
  /** h1 where this is all of the page. */
  heading?: 'h1' | 'h2';
  icon?: ComponentType;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <EmptyState
      variant="sm"
      titleText={props.title}
      headingLevel={props.heading ?? 'h2'}
      {...(props.icon ? { icon: props.icon } : {})}
    >
      {props.children ? <EmptyStateBody>{props.children}</EmptyStateBody> : null}
      {props.action ? (
        <EmptyStateFooter>
          <EmptyStateActions>{props.action}</EmptyStateActions>
        </EmptyStateFooter>
      ) : null}
    </EmptyState>
  );
}
