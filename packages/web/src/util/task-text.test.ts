import { allMethods } from '@ryokan/api/method.ts';
import '@ryokan/api/methods/index.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { switchLanguage } from '../i18n/index.ts';
import { describeTask } from './task-text.ts';

// The language is entered in the page.
beforeAll(() => vi.stubGlobal('document', { documentElement: {} }));
afterAll(() => vi.unstubAllGlobals());

test.each(['en', 'ja'] as const)(
  'every task that a method can start has words of its own: %s',
  async (language) => {
    await switchLanguage(language);
    const types = allMethods().flatMap(({ task }) => (task ? [task.type] : []));
    expect(types.length).toBeGreaterThan(20);
    const nameless = [...new Set(types)].filter((type) => describeTask(type, '100').startsWith(type));
    expect(nameless).toEqual([]);
  },
);
