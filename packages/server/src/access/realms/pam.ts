/**
 * Realm pam: the accounts of the host, through its PAM stack. Debian's `pamtester` speaks to PAM, so that everything an
 * administrator put into that stack counts (locked and expired accounts, LDAP, second factors are refused as they
 * need more than a password). Service `ryokan`: /etc/pam.d/ryokan when there is one, else PAM itself takes `other`,
 * which on Debian is the common stack. Passwords go by standard input, never on a command line.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { ExecError, run } from '../../host/exec.ts';
import { Gate } from '../gate.ts';
import type { Verdict } from './realm.ts';

const service = 'ryokan';
/** A refusal takes some 2 s (pam_unix's own delay); longer than this is a stack that hangs. Milliseconds. */
const timeout = 15_000;
/** Processes at a time; the rest waits. */
const gate = new Gate(8, 64);

/** What useradd of Debian accepts, no longer than Linux allows; nothing that a program could take for an option. */
const accountName = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;

/** Longest answer that libpam reads from a prompt. */
const maxPassword = 511;

/** One line for the prompt: what has line ends, NULs or more than libpam reads is never a password of an account. */
const isPlain = (password: string): boolean =>
  password !== '' && !/[\n\r\0]/.test(password) && Buffer.byteLength(password) <= maxPassword;

/**
 * Is this the account's password, and may the account be used (not locked, expired, or due for a new password)?
 * Throws RyokanError 'failed' when PAM cannot be asked.
 */
export async function checkPamPassword(name: string, password: string, remote: string): Promise<Verdict> {
  if (!accountName.test(name)) return { ok: false, refusal: 'no name of a host account' };
  if (!isPlain(password)) return { ok: false, refusal: 'no possible password of a host account' };
  // PAM modules log and judge by the client's address; only what an address consists of is passed on.
  const rhost = remote.replace(/[^\w.:-]/g, '');
  const args = [...(rhost ? ['-I', `rhost=${rhost}`] : []), service, name, 'authenticate', 'acct_mgmt'];
  try {
    await gate.run(() => run('/usr/bin/pamtester', args, { input: `${password}\n`, timeout }));
    return { ok: true };
  } catch (error) {
    // pamtester says "no" with 1; everything else is no answer to the question.
    if (error instanceof ExecError && error.code === 1)
      return { ok: false, refusal: refusalIn(error.stderr) };
    throw noAnswer(error);
  }
}

/** The reason in `Password: pamtester: Authentication failure`. */
function refusalIn(stderr: string): string {
  return /pamtester: (.+)/.exec(stderr)?.[1]?.trim() ?? 'refused by PAM';
}

function noAnswer(cause: unknown): unknown {
  if (!(cause instanceof ExecError)) return cause;
  const advice = cause.code === -1 ? "is Debian's package 'pamtester' installed?" : 'see the log of the host';
  return new RyokanError('failed', `the host's PAM could not be asked: ${cause.message} (${advice})`, {
    cause,
  });
}

/** Gives an account of the host a new password. Throws RyokanError. */
export async function setPamPassword(name: string, password: string): Promise<void> {
  if (!accountName.test(name))
    throw new RyokanError('parameter', `'${name}' cannot be an account of the host`);
  if (!isPlain(password)) {
    throw new RyokanError('parameter', 'a password of the host must be one line of at most 511 bytes');
  }
  try {
    await run('/usr/sbin/chpasswd', [], { input: `${name}:${password}\n`, timeout });
  } catch (cause) {
    throw new RyokanError('failed', `the host did not take the password of '${name}': ${reason(cause)}`, {
      cause,
    });
  }
}

const reason = (cause: unknown): string =>
  cause instanceof ExecError ? cause.stderr.trim() || cause.message : String(cause);
