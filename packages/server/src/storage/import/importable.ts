/** Whether a file that has just come in can be imported at all: told now, not when somebody needs the machine. */
import { stat } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { type ImportFormat, tryParseFileName } from '@ryokan/api/schema/volume-id.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { inspectImage } from './foreign-image.ts';
import { askParser, inspectArchive } from './parser-process.ts';

/** Throws 'unsupported' with what is wrong. `file` is the name that it will have, `path` where it stands now. */
export async function demandImportable(file: string, path: string, task: TaskContext): Promise<void> {
  const format = tryParseFileName('import', file)?.format as ImportFormat | undefined;
  const { signal } = task;
  if (!format) throw new RyokanError('parameter', `'${file}' is no name of a file to import`);
  if (format === 'ovf') await askParser({ ask: 'ovf' }, path, { signal });
  else if (format === 'ova') {
    task.log('checking the archive');
    const { size } = await stat(path);
    const onProgress = (fraction: number) => task.progress(fraction, 'checking');
    await inspectArchive(path, size, { signal, onProgress });
    await askParser({ ask: 'ova' }, path, { signal });
  } else if (format !== 'raw') await inspectImage({ name: file, path, format }, signal);
}
