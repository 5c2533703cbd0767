/** Collects what an import cannot keep. */
import type { ImportWarning, ImportWarningType } from './recognised.ts';

export class Warnings {
  readonly all: ImportWarning[] = [];
  /** Texts of the descriptor are cut: they are shown to people. */
  add(type: ImportWarningType, key?: string, value?: string): void {
    const cut = (text: string) => text.replace(/\p{C}/gu, ' ').slice(0, 120);
    this.all.push({
      type,
      ...(key === undefined ? {} : { key: cut(key) }),
      ...(value === undefined || value === '' ? {} : { value: cut(value) }),
    });
  }
}
