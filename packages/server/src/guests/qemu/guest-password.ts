/** The password that cloud-init gives to its user: only its hash goes into the configuration. */
import { cryptPassword } from '../../host/crypt-password.ts';

/** Already a crypt(3) hash: `$5$salt$hash`. */
const hashed = /^\$(?:[156]|2[ay])(?:\$.+){2}/;

/** Replaces the value of `cipassword` by its SHA-256 crypt hash. Windows (cloudbase-init) needs the text itself. */
export async function hashGuestPassword(
  values: Record<string, string>,
  ostype = values.ostype,
): Promise<void> {
  const { cipassword } = values;
  if (!cipassword || hashed.test(cipassword) || /^w/.test(ostype ?? '')) return;
  values.cipassword = await cryptPassword(cipassword);
}
