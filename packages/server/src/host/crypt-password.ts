/** Hashes of passwords that go into guests. */
import { run } from './exec.ts';

/** The SHA-256 crypt(3) hash (`$5$salt$hash`), which every libc knows. The password is one line of text. */
export async function cryptPassword(password: string): Promise<string> {
  // By standard input: what stands in the arguments everybody on this machine can read.
  const { stdout } = await run('openssl', ['passwd', '-5', '-stdin'], { input: `${password}\n` });
  return stdout.trim();
}
