/**
 * Errors with a stable code, a text that a person can act on and the HTTP status they map to.
 * The public API answers "not found" with 500 and text (client-facing habit of Proxmox VE); clients match on the texts.
 */
export type ErrorCode =
  | 'parameter'
  | 'protocol'
  | 'unauthenticated'
  | 'forbidden'
  | 'too-many'
  | 'not-found'
  | 'exists'
  | 'conflict'
  | 'locked'
  | 'state'
  | 'unsupported'
  | 'no-space'
  | 'not-implemented'
  | 'unavailable'
  | 'failed';

export class RyokanError extends Error {
  readonly code: ErrorCode;
  /** Values a person needs to act: ids, paths, sizes. Never secrets. */
  readonly context: Readonly<Record<string, string | number>>;
  constructor(
    code: ErrorCode,
    message: string,
    options: { context?: Record<string, string | number>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'RyokanError';
    this.code = code;
    this.context = options.context ?? {};
  }
}

/** Wrong parameters: one text per parameter name. */
export class ParameterError extends RyokanError {
  readonly errors: Readonly<Record<string, string>>;
  constructor(errors: Record<string, string>, message = 'Parameter verification failed.') {
    super('parameter', message);
    this.errors = errors;
  }
}

const statusByCode: Readonly<Record<ErrorCode, number>> = {
  parameter: 400,
  protocol: 506,
  unauthenticated: 401,
  forbidden: 403,
  'too-many': 429,
  'not-found': 500,
  exists: 500,
  conflict: 500,
  locked: 500,
  state: 500,
  unsupported: 500,
  'no-space': 500,
  'not-implemented': 501,
  unavailable: 595,
  failed: 500,
};

/** The HTTP status of an error; 500 for anything unexpected. */
export function httpStatus(error: unknown): number {
  return error instanceof RyokanError ? statusByCode[error.code] : 500;
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A client's digest is not that of what it wants to change; the wording is what clients look for. */
export function digestMismatch(): RyokanError {
  return new RyokanError(
    'conflict',
    'detected modified configuration - file changed by other user? Try again.',
  );
}

/** The caller lacks a privilege; the wording is what clients expect. */
export function forbidden(path: string, privileges: readonly string[]): RyokanError {
  return new RyokanError('forbidden', `Permission check failed (${path}, ${privileges.join('|')})`);
}
