/** Does a file look like an optical disc image? Only to warn: firmware decides what it can boot. */
import { open } from 'node:fs/promises';

/** Identifiers at byte 1 of the descriptors from sector 16 on: ISO 9660 (ECMA-119 8.4), UDF (ECMA-167 2/9.1). */
const identifiers = ['CD001', 'BEA01', 'NSR02', 'NSR03'];

/** Undefined when it does, else why not. */
export async function isoProblem(path: string): Promise<string | undefined> {
  const file = await open(path, 'r');
  try {
    const descriptor = Buffer.alloc(8);
    const { bytesRead } = await file.read(descriptor, 0, descriptor.length, 16 * 2048);
    if (bytesRead < descriptor.length) return 'it is too short';
    const found = identifiers.includes(descriptor.toString('latin1', 1, 6));
    return found ? undefined : 'it has neither an ISO 9660 nor a UDF descriptor';
  } finally {
    await file.close();
  }
}
