/** A command as the parser, the help and the completion see it; made from a method record or written by hand. */
import type { CliManifest, CliMethod, ParamDef, Params } from './manifest.ts';
import { paramsOf } from './manifest.ts';

export interface CommandSpec {
  /** As people type it: `qm start`, `pvesh get`. */
  readonly words: string;
  /** Parameters taken by position. */
  readonly args: readonly string[];
  readonly params: Params;
  readonly required: readonly string[];
  /** Parameters that are filled in when not given: the node, the storage of a volume. */
  readonly implied: readonly string[];
  readonly open?: boolean;
  /** Answers with a task that is followed. */
  readonly task?: boolean;
}

/** Options of every command beside its own parameters. A parameter of the same name goes first. */
export const commonOptions = {
  'output-format': { type: 'string', enum: ['text', 'json', 'json-pretty', 'yaml'] },
  noborder: { type: 'boolean' },
  noheader: { type: 'boolean' },
  'human-readable': { type: 'boolean' },
  quiet: { type: 'boolean' },
  verbose: { type: 'boolean' },
  limit: { type: 'integer' },
  detach: { type: 'boolean' },
  data: { type: 'string' },
  help: { type: 'boolean' },
} as const satisfies Record<string, ParamDef>;

export type CommonOption = keyof typeof commonOptions;

export const commonOptionHelp: Readonly<Record<CommonOption, string>> = {
  'output-format': 'How results are written. Default: text.',
  noborder: 'Tables without lines.',
  noheader: 'Tables without the line of column names.',
  'human-readable': 'Sizes, times and shares for people instead of plain numbers (text only). Default: 1.',
  quiet: 'Print no results and no task log; errors still show.',
  verbose: 'More detail, where a command has it.',
  limit: 'At most this many rows of a list.',
  detach: 'Print the UPID of the task and do not wait for its end.',
  data: 'The folder of the node. Default: $RYOKAN_DATA, else /var/lib/ryokan.',
  help: 'Show the help of the command.',
};

/** Short spellings. */
export const shortOptions: Readonly<Record<string, CommonOption>> = {
  h: 'help',
  '?': 'help',
  v: 'verbose',
  q: 'quiet',
  o: 'output-format',
};

/** The command of a method. Without words of its own it is known by verb and path. */
export function commandOf(manifest: CliManifest, method: CliMethod): CommandSpec {
  const args = method.args ?? [];
  const implied = ['node'].filter((name) => name in method.params && !args.includes(name));
  if ('volume' in method.params && 'storage' in method.params && !args.includes('storage')) {
    implied.push('storage');
  }
  return {
    words: method.command ?? `${method.verb} ${method.path}`,
    args,
    params: paramsOf(manifest, method),
    required: (method.required ?? []).filter((name) => !implied.includes(name)),
    implied,
    ...(method.open ? { open: true } : {}),
    ...(method.task ? { task: true } : {}),
  };
}
