/** The password that cloud-init gives to its user: only its hash goes into the configuration. */
import { run } from '../../host/exec.ts';

/** Already a crypt(3) hash: `$5$salt$hash`. */
const hashed = /^\$(?:[156]|2[ay])(?:\$.+){2}/;

/** Replaces the value of `cipassword` by its SHA-256 crypt hash. Windows (cloudbase-init) needs the text itself. */
export async function hashGuestPassword(
  values: Record<string, string>,
  ostype = values.ostype,
): Promise<void> {
  const { cipassword } = values;
  if (!cipassword || hashed.test(cipassword) || /^w/.test(ostype ?? '')) return;
  // By standard input: what stands in the arguments everybody on this machine can read.
  const { stdout } = await run('openssl', ['passwd', '-5', '-stdin'], { input: `${cipassword}\n` });
  values.cipassword = stdout.trim();
}
