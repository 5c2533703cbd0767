/** Pictures of every page and dialog in both languages, themes and widths, all checked: some ten minutes. */
process.env.RYOKAN_VARIANTS = 'all';
await import('../integration/web-pages.test.ts');

export {};
