/**
 * Makes the texts of docs/generated/ from the method registry. generated-files.ts bundles this file and calls
 * `generate`, so that it sees the registry as it is now.
 */
import '@ryokan/api/methods/index.ts';
import { readFileSync } from 'node:fs';
import { modules } from 'ryokan:handlers';
import { allMethods } from '@ryokan/api/method.ts';
import { toOpenApi } from '@ryokan/api/openapi.ts';
import { apiCoverage, handledMethods } from './lib/api-coverage.ts';
import { cliReference } from './lib/cli-reference.ts';
import { errorReference } from './lib/error-reference.ts';

export interface GenerateOptions {
  /** The product's version. */
  readonly version: string;
  /** File with the operations of the public API, `METHOD path` a line. */
  readonly operationsFile: string;
}

/** Texts by file name. */
export function generate(options: GenerateOptions): Record<string, string> {
  const methods = allMethods();
  const operations = readFileSync(options.operationsFile, 'utf8').split('\n').filter(Boolean);
  return {
    'openapi.json': `${JSON.stringify(toOpenApi(methods, options), null, 1)}\n`,
    'cli.md': cliReference(methods, options.version),
    'errors.md': errorReference(),
    'api-coverage.md': apiCoverage(operations, methods, handledMethods(modules)),
  };
}
