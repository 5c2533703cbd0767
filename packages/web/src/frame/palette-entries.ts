/** What the command palette offers for a text: pure, so that its order is tested. */
export interface PaletteEntry {
  readonly key: string;
  readonly kind: 'object' | 'page' | 'action';
  readonly title: string;
  /** More words to find it by: tags, node, status. */
  readonly words: string;
  /** A higher rank wins between equal matches. */
  readonly rank?: number;
}

const limit = 50;

/**
 * Every word of the text must be found. A hit at the start of the title counts most, then at the start of a word, then
 * anywhere in the title, then in the other words.
 */
export function findEntries<E extends PaletteEntry>(entries: readonly E[], text: string): E[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const scored: { entry: E; score: number }[] = [];
  for (const entry of entries) {
    const score = scoreOf(entry, words);
    if (score > 0) scored.push({ entry, score: score + (entry.rank ?? 0) / 100 });
  }
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ entry }) => entry);
}

function scoreOf(entry: PaletteEntry, words: readonly string[]): number {
  const title = entry.title.toLowerCase();
  const more = entry.words.toLowerCase();
  let sum = 1;
  for (const word of words) {
    const at = title.indexOf(word);
    if (at === 0) sum += 8 + (title === word ? 4 : 0);
    else if (at > 0) sum += /[\s\-_./–:]/.test(title[at - 1] ?? '') ? 5 : 3;
    else if (more.includes(word)) sum += 1;
    else return 0;
  }
  return sum;
}
