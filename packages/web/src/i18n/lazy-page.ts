import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import { loadTexts } from './index.ts';
import type { Part } from './parts.ts';

/** A page that is loaded when it is shown, together with the texts that it and all below it need. */
export function lazyPage<P extends object>(
  part: Part,
  load: () => Promise<{ default: ComponentType<P> }>,
): LazyExoticComponent<ComponentType<P>> {
  return lazy(async () => {
    const [page] = await Promise.all([load(), loadTexts(part)]);
    return page;
  });
}
