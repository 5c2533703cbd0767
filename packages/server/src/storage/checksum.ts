/** Checksums of files that came in. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { checksumAlgorithms } from '@ryokan/api/methods/storage.ts';

export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];

/** What a file must have; `digest` in lower case hex. */
export interface ExpectedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly digest: string;
}

/** Hex digits of each algorithm's result. */
const digits: Readonly<Record<ChecksumAlgorithm, number>> = {
  md5: 32,
  sha1: 40,
  sha224: 56,
  sha256: 64,
  sha384: 96,
  sha512: 128,
};

/** Reads the parameters of uploads and downloads. Throws ParameterError when the text cannot be such a checksum. */
export function expectedChecksum(params: {
  readonly checksum?: string;
  readonly 'checksum-algorithm'?: ChecksumAlgorithm;
}): ExpectedChecksum | undefined {
  const algorithm = params['checksum-algorithm'];
  const digest = params.checksum?.trim().toLowerCase();
  if (algorithm === undefined || digest === undefined) return undefined;
  if (!/^[0-9a-f]*$/.test(digest) || digest.length !== digits[algorithm]) {
    throw new ParameterError({
      checksum: `not a ${algorithm} checksum: it has ${digits[algorithm]} hex digits`,
    });
  }
  return { algorithm, digest };
}

export function startHash(expected: ExpectedChecksum): Hash {
  return createHash(expected.algorithm);
}

/** Throws 'failed' with both checksums when they differ. */
export function demandDigest(expected: ExpectedChecksum, actual: string): void {
  if (actual === expected.digest) return;
  throw new RyokanError(
    'failed',
    `checksum mismatch: got '${actual}' != expect '${expected.digest}' (${expected.algorithm})`,
    { context: { expected: expected.digest, actual } },
  );
}

export interface ChecksumOptions {
  readonly signal?: AbortSignal;
  /** 0..1 */
  readonly onProgress?: (fraction: number) => void;
}

/** Reads the whole file. Throws as demandDigest. */
export async function demandChecksum(
  path: string,
  expected: ExpectedChecksum,
  { signal, onProgress }: ChecksumOptions = {},
): Promise<void> {
  const { size } = await stat(path);
  const hash = startHash(expected);
  let done = 0;
  const input = createReadStream(path, { highWaterMark: 1024 * 1024, ...(signal ? { signal } : {}) });
  for await (const chunk of input as AsyncIterable<Buffer>) {
    hash.update(chunk);
    done += chunk.length;
    onProgress?.(size === 0 ? 1 : done / size);
  }
  demandDigest(expected, hash.digest('hex'));
}
