/** Commands that are more than one API call, or none. */
import type { ParsedArguments } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import type { ParamHelp } from './manifest.ts';
import type { Session } from './session.ts';

export interface LocalCommand {
  readonly spec: CommandSpec;
  readonly description: string;
  readonly paramHelp: Readonly<Record<string, ParamHelp>>;
  /** Tables of this command have no lines. */
  readonly plain?: true;
  /** Returns the exit code. */
  readonly run: (session: Session, parsed: ParsedArguments) => Promise<number>;
}

/** A parameter that was given once; undefined when it was not. */
export function single(parsed: ParsedArguments, name: string): string | undefined {
  const value = parsed.params[name];
  return Array.isArray(value) ? value[0] : value;
}
