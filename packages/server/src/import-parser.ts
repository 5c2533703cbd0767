/**
 * The parser process: reads one file that a stranger brought along and says what is in it, as lines of JSON. It runs in
 * a sandbox with nothing but that file (see storage/import/parser-process.ts) and ends with its answer.
 */
import { readFile } from 'node:fs/promises';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { parseOvf } from './guests/import/ovf.ts';
import { recogniseMachine } from './guests/import/recognise.ts';
import { longestDocument } from './guests/import/xml.ts';
import { checkArchive, openArchive } from './storage/import/archive.ts';
import { type ParserLine, type ParserQuestion, parserInput } from './storage/import/parser-process.ts';

/** Written and flushed at once: the process may end right after. */
function say(line: ParserLine): Promise<void> {
  return new Promise((resolve) => process.stdout.write(`${JSON.stringify(line)}\n`, () => resolve()));
}

let reported = 0;

function onProgress(fraction: number): void {
  if (fraction - reported < 0.01) return;
  reported = fraction;
  void say({ progress: fraction });
}

async function answerTo(question: ParserQuestion): Promise<unknown> {
  switch (question.ask) {
    case 'archive':
      return checkArchive(parserInput, { ...question, onProgress });
    case 'ova': {
      const { members, descriptor, manifest } = await openArchive(parserInput);
      const machine = recogniseMachine(parseOvf(descriptor));
      return { machine, files: members.map(({ name }) => name), hasManifest: manifest !== undefined };
    }
    case 'ovf': {
      const text = await readFile(parserInput, 'utf8');
      if (text.length > longestDocument)
        throw new RyokanError('unsupported', 'the OVF descriptor is too long');
      return { machine: recogniseMachine(parseOvf(text)) };
    }
  }
}

try {
  await say({ answer: await answerTo(JSON.parse(process.argv[2] ?? '') as ParserQuestion) });
} catch (error) {
  const code = error instanceof RyokanError ? error.code : 'failed';
  await say({ problem: { code, message: messageOf(error) } });
}
