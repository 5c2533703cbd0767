/** Time-based one-time passwords (RFC 6238), with keys as otpauth URIs. */
import { ParameterError } from '@ryokan/api/errors.ts';
import { TOTP, URI } from 'otpauth';
import type { TotpSecret } from './tfa-config.ts';

/** Steps before and after the present one whose codes are taken: clocks differ, and people type slowly. */
const window = 1;
/** Bytes. RFC 4226 wants 16 and advises 20; some programs make 10. */
const minSecret = 10;

/** Throws ParameterError when it is no usable otpauth URI. */
export function readTotpUri(uri: string): TOTP {
  const refuse = (reason: string): never => {
    throw new ParameterError({ totp: `not a usable TOTP key: ${reason}` });
  };
  let otp: ReturnType<typeof URI.parse>;
  try {
    otp = URI.parse(uri);
  } catch {
    return refuse("an otpauth URI is needed, 'otpauth://totp/<label>?secret=<base32>'");
  }
  if (!(otp instanceof TOTP)) return refuse('codes by counter (HOTP) are not supported');
  if (otp.secret.bytes.length < minSecret) return refuse(`the secret must have at least ${minSecret} bytes`);
  if (otp.digits < 6 || otp.digits > 8) return refuse('codes must have 6 to 8 digits');
  if (otp.period < 10 || otp.period > 120) return refuse('the period must be 10 to 120 seconds');
  return otp;
}

export const uriOf = (secret: TotpSecret): string => (typeof secret === 'string' ? secret : secret.totp);
export const lastCountOf = (secret: TotpSecret): number =>
  typeof secret === 'string' ? Number.NEGATIVE_INFINITY : secret['last-count'];

/**
 * The time step of a code; undefined when it is none of this key at `now` (milliseconds since the epoch). The caller
 * refuses steps up to the last one used: a code must not work twice.
 */
export function stepOfCode(totp: TOTP, code: string, now: number): number | undefined {
  if (!/^\d{6,8}$/.test(code)) return undefined;
  const delta = totp.validate({ token: code, timestamp: now, window });
  return delta === null ? undefined : totp.counter({ timestamp: now }) + delta;
}
