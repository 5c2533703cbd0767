/**
 * A process that writes to a SQLite store until it is killed: `node writer.mjs <file> <name>`. Each transaction sets
 * `<name>/0` … `<name>/3` to the next number, with some text to make pages of it, and prints the number once it is
 * acknowledged.
 */
import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../packages/server/src/cluster/sqlite-store.ts';

const [file = '', name = ''] = process.argv.slice(2);
const store = openSqliteStore(file);
const paths = Array.from({ length: 4 }, (_, index) => `${name}/${index}`);

for (;;) {
  const docs = paths.map((path) => store.get(path));
  const number = Number.parseInt(docs[0]?.text ?? '0', 10) + 1;
  const text = `${number} ${'x'.repeat((number * 977) % 9000)}`;
  await store.commit(
    paths.map((path, index) => ({ path, revision: docs[index]?.revision ?? 0 })),
    paths.map((path) => ({ path, text })),
    { author: name },
  );
  // One system call, so that the parent gets whole lines.
  writeSync(1, `${number}\n`);
}
