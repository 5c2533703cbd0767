/** Help of `pvesh` and the usage of API paths. */
import type { CommandSpec } from './command.ts';
import { UsageError } from './errors.ts';
import { commandHelp, type DescribedCommand, synopsis } from './help.ts';
import type { CliHelp, CliMethod } from './manifest.ts';
import { methodsAt } from './manifest.ts';
import { methodAt, type PveshVerb, pathSpec, pveshVerbs } from './pvesh.ts';
import type { Session } from './session.ts';

const verbSpec = (verb: string, open: boolean): CommandSpec => ({
  words: `pvesh ${verb}`,
  args: ['api_path'],
  params: { api_path: { type: 'string' } },
  required: ['api_path'],
  implied: [],
  ...(open ? { open: true } : {}),
});

const described = (verb: string, open: boolean, description: string): DescribedCommand => ({
  spec: verbSpec(verb, open),
  description,
  aliases: [],
  paramHelp: () => ({
    description: "A path of the API, such as /nodes/localhost/qemu; 'localhost' is this node.",
  }),
});

export const pveshCommands: readonly DescribedCommand[] = [
  described('get', true, 'Reads a path (GET). Parameters of the method are options.'),
  described('create', true, 'Calls POST on a path: makes or starts something.'),
  described('set', true, 'Calls PUT on a path: changes something.'),
  described('delete', true, 'Calls DELETE on a path.'),
  described('ls', false, 'Lists what stands below a path: D folder, r get, w set, c create, d delete.'),
  described('usage', false, 'Shows which verbs a path has; with --verbose also all parameters.'),
];

export interface UsageOptions {
  readonly verb?: PveshVerb;
  readonly verbose: boolean;
  readonly columns: number | undefined;
}

/** Synopses of a path's methods, or with `verbose` everything they take. */
export function pveshUsage(
  session: Pick<Session, 'manifest'>,
  help: CliHelp,
  path: string,
  options: UsageOptions,
): string {
  const { manifest } = session;
  const verbs = options.verb ? [options.verb] : (Object.keys(pveshVerbs) as PveshVerb[]);
  if (options.verb) methodAt(session, options.verb, path);
  const matches = methodsAt(manifest, path);
  if (matches.length === 0) throw new UsageError(`there is no path '${path}' in the API`);
  const texts = verbs.flatMap((verb) => {
    const match = matches.find((one) => one.method.verb === pveshVerbs[verb]);
    if (!match) return [];
    const spec = pathSpec(session, verb, path, match);
    if (!options.verbose) return [`USAGE: ${synopsis(spec)}\n`];
    return [commandHelp(describedMethod(manifest.methods, help, match.method, spec), options.columns)];
  });
  return texts.join(options.verbose ? '\n' : '');
}

function describedMethod(
  methods: readonly CliMethod[],
  help: CliHelp,
  method: CliMethod,
  spec: CommandSpec,
): DescribedCommand {
  return {
    spec,
    description: help.methods[methods.indexOf(method)] ?? '',
    aliases: method.command === undefined ? [] : [method.command],
    paramHelp: (name) => help.defs[method.params[name] ?? -1] ?? {},
  };
}
