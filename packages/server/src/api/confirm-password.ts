/** A stolen ticket alone must not be enough to take an account over for good: what would do so asks for the password. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { AccessControl } from '../access/access-control.ts';
import type { Call } from './handler-table.ts';

/** Checks the caller's own password, given as `parameter`. Throws ParameterError when it is missing or wrong. */
export async function confirmPassword(
  access: AccessControl,
  call: Call,
  parameter: string,
  password: string | undefined,
): Promise<void> {
  if (password === undefined) {
    throw new ParameterError({ [parameter]: 'your current password is needed for this change' });
  }
  try {
    await access.verifyPassword(call.user, password, call.remote);
  } catch (error) {
    // Not 401: the caller is logged in, and clients drop their ticket on a 401.
    if (!(error instanceof RyokanError) || error.code !== 'unauthenticated') throw error;
    throw new ParameterError({ [parameter]: 'this is not your current password' });
  }
}
