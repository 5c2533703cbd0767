/** From the words of a command line to its exit code. */
import { allCommands } from './all-commands.ts';
import { type ParsedArguments, parseArguments, requireAll } from './arguments.ts';
import { type CommandSpec, commandOf } from './command.ts';
import { complete } from './completion.ts';
import { errorText, exitCode, exitCodeOf, nearest, UsageError } from './errors.ts';
import { commandHelp, commonHelp, type DescribedCommand, groupHelp, synopsis } from './help.ts';
import type { LocalCommand } from './local-command.ts';
import { commandGroups, localCommands } from './local-commands.ts';
import type { CliManifest, CliMethod } from './manifest.ts';
import { isPveshVerb, parsePvesh, runLs, runPvesh } from './pvesh.ts';
import { pveshCommands, pveshUsage } from './pvesh-help.ts';
import { outputOptions } from './render.ts';
import { runMethod } from './run-method.ts';
import { dataDirOf, Session } from './session.ts';
import { isUtf8, type System } from './system.ts';

/** Groups whose tables have no lines, as people know them. */
const plainGroups = new Set(['qm', 'pct', 'pvesm', 'pveversion']);

/** Runs one command line, `argv[0]` being the name of the command. Returns the exit code. */
export async function runCli(argv: readonly string[], system: System): Promise<number> {
  try {
    return await dispatch(argv, system);
  } catch (error) {
    system.err(errorText(error));
    if (error instanceof UsageError) system.err(usageHint(error, system));
    return exitCodeOf(error);
  }
}

async function dispatch(argv: readonly string[], system: System): Promise<number> {
  const manifest = system.manifest();
  const groups = commandGroups(manifest);
  const [name = 'ryokan', ...rest] = argv;
  if (!groups.includes(name)) return dispatch(['ryokan', ...argv], system);
  if (rest[0] === '--complete') {
    system.out(await complete(system, name, rest.slice(1)));
    return exitCode.ok;
  }
  const { words, globals } = splitGlobals(rest);
  const first = words[0];
  if (name === 'ryokan' && first !== undefined && first !== 'ryokan' && groups.includes(first)) {
    return dispatch([first, ...globals, ...words.slice(1)], system);
  }
  if (name === 'ryokan' && first === '--version') {
    system.out(`ryokan ${manifest.version}\n`);
    return exitCode.ok;
  }
  if (isHelp(first) || (first === undefined && !isCommand(manifest, name))) {
    return showHelp(system, name, words.slice(1), first !== undefined);
  }
  if (name === 'pvesh') return pvesh(system, words, globals);
  const found = findCommand(manifest, name, normalized(name, words));
  return runCommand(system, name, found, [...found.rest, ...globals]);
}

const isHelp = (word: string | undefined): boolean =>
  word === 'help' || word === '--help' || word === '-h' || word === '-?';

const isCommand = (manifest: CliManifest, name: string): boolean =>
  localCommands.some((one) => one.spec.words === name) ||
  manifest.methods.some((one) => one.command === name);

/** `--data DIR` before the command's words. */
function splitGlobals(words: readonly string[]): { words: readonly string[]; globals: readonly string[] } {
  const [first, second] = words;
  if (first?.startsWith('--data=')) return { words: words.slice(1), globals: [first] };
  if (first === '--data' && second !== undefined)
    return { words: words.slice(2), globals: [`--data=${second}`] };
  return { words, globals: [] };
}

/** `qm agent 100 ping` and `qm guest cmd 100 ping` are `qm agent ping 100`. */
function normalized(group: string, words: readonly string[]): readonly string[] {
  if (group !== 'qm') return words;
  const rest =
    words[0] === 'guest' && words[1] === 'cmd' ? words.slice(2) : words[0] === 'agent' ? words.slice(1) : [];
  const [vmid, command, ...more] = rest;
  return vmid !== undefined && command !== undefined && /^\d+$/.test(vmid)
    ? ['agent', command, vmid, ...more]
    : words;
}

interface Found {
  readonly spec: CommandSpec;
  readonly rest: readonly string[];
  readonly local?: LocalCommand;
  readonly method?: CliMethod;
}

/** The longest command that the words begin with. Throws UsageError with the nearest ones when there is none. */
function findCommand(manifest: CliManifest, group: string, words: readonly string[]): Found {
  for (let count = words.length; count >= 0; count--) {
    const name = [group, ...words.slice(0, count)].join(' ');
    const rest = words.slice(count);
    const local = localCommands.find((one) => one.spec.words === name);
    if (local) return { spec: local.spec, rest, local };
    const method = manifest.methods.find((one) => one.command === name || one.aliases?.includes(name));
    if (method) return { spec: commandOf(manifest, method), rest, method };
  }
  throw unknownCommand(manifest, group, words);
}

function unknownCommand(manifest: CliManifest, group: string, words: readonly string[]): UsageError {
  const names = commandNames(manifest, group);
  const typed = words.filter((word) => !word.startsWith('-'));
  const below = names.filter((name) => name.startsWith(`${group} ${typed.join(' ')} `));
  if (below.length > 0)
    return new UsageError(`'${group} ${typed.join(' ')}' needs one more word:\n  ${below.join('\n  ')}`);
  const near = [
    ...new Set(
      typed.slice(0, 3).flatMap((_, i) => nearest([group, ...typed.slice(0, i + 1)].join(' '), names)),
    ),
  ];
  const hint =
    near.length > 0
      ? `; did you mean ${near
          .slice(0, 3)
          .map((one) => `'${one}'`)
          .join(' or ')}?`
      : '';
  return new UsageError(`unknown command '${[group, typed[0] ?? ''].join(' ').trim()}'${hint}`);
}

function commandNames(manifest: CliManifest, group: string): string[] {
  const all = [
    ...manifest.methods.flatMap((one) => (one.command ? [one.command, ...(one.aliases ?? [])] : [])),
    ...localCommands.map((one) => one.spec.words),
  ];
  return [...new Set(all.filter((name) => name.split(' ')[0] === group))].sort();
}

async function runCommand(
  system: System,
  group: string,
  found: Found,
  argv: readonly string[],
): Promise<number> {
  const parsed = parseArguments(found.spec, argv);
  if (parsed.options.help === '1') return showHelp(system, group, found.spec.words.split(' ').slice(1), true);
  const session = openSession(system, parsed, !plainGroups.has(group) && found.local?.plain !== true);
  if (found.method) return runMethod(session, found.method, parsed);
  if (!found.local) throw new Error(`command '${found.spec.words}' has nothing to run`);
  requireAll(found.spec, parsed);
  return found.local.run(session, parsed);
}

function openSession(system: System, parsed: ParsedArguments, border: boolean): Session {
  const terminal = { unicode: isUtf8(system.env), columns: system.columns };
  const output = outputOptions(parsed.options, terminal, border);
  return new Session(system, dataDirOf(system, parsed.options.data), output, parsed.options);
}

async function pvesh(system: System, words: readonly string[], globals: readonly string[]): Promise<number> {
  const [verb = '', path, ...rest] = words;
  const argv = [...rest, ...globals];
  if (path !== undefined && isHelp(path)) return showHelp(system, 'pvesh', [verb], true);
  const command = pveshCommands.find((one) => one.spec.words === `pvesh ${verb}`);
  if (!command) {
    const near = nearest(
      verb,
      pveshCommands.map((one) => one.spec.words.slice('pvesh '.length)),
    );
    throw new UsageError(
      `unknown command 'pvesh ${verb}'${near.length > 0 ? `; did you mean '${near[0]}'?` : ''}`,
    );
  }
  if (path === undefined) throw new UsageError('missing: <api_path>', command.spec.words);
  const manifest = { manifest: system.manifest() };
  if (isPveshVerb(verb)) {
    const parsed = parsePvesh(manifest, verb, path, argv);
    if (parsed.options.help === '1') {
      system.out(pveshUsage(manifest, system.help(), path, { verb, verbose: true, columns: system.columns }));
      return exitCode.ok;
    }
    return runPvesh(openSession(system, parsed, true), verb, path, parsed);
  }
  const parsed = parseArguments(command.spec, [path, ...argv]);
  if (parsed.options.help === '1') return showHelp(system, 'pvesh', [verb], true);
  if (verb === 'ls') return runLs(openSession(system, parsed, true), path);
  const verbose = parsed.options.verbose === '1';
  system.out(pveshUsage(manifest, system.help(), path, { verbose, columns: system.columns }));
  return exitCode.ok;
}

/** Asked for: to stdout, exit code 0. Shown because words were missing: to stderr, exit code 2. */
function showHelp(system: System, group: string, words: readonly string[], asked: boolean): number {
  const write = asked ? system.out : system.err;
  const commands = allCommands(system.manifest(), system.help());
  const groups = commandGroups(system.manifest());
  if (words[0] === 'options') write(commonHelp(system.columns));
  else if (group === 'ryokan' && groups.includes(words[0] ?? '')) {
    return showHelp(system, words[0] as string, words.slice(1), asked);
  } else if (words.length === 0) write(overview(group, groups, commands, system.columns));
  else {
    const name = [group, ...words].join(' ');
    const command = commands.find((one) => one.spec.words === name || one.aliases.includes(name));
    const below = commands.filter((one) => one.spec.words.startsWith(`${name} `));
    if (command) write(commandHelp(command, system.columns));
    else if (below.length > 0) write(`${below.map((one) => synopsis(one.spec)).join('\n')}\n`);
    else throw unknownCommand(system.manifest(), group, words);
  }
  return asked ? exitCode.ok : exitCode.usage;
}

function overview(
  group: string,
  groups: readonly string[],
  commands: readonly DescribedCommand[],
  columns: number | undefined,
): string {
  const single = commands.find((one) => one.spec.words === group);
  if (single) return commandHelp(single, columns);
  const text = groupHelp(group, commands, columns);
  const others = groups.filter((one) => one !== 'ryokan');
  return group === 'ryokan'
    ? `${text}\nMore commands: ${others.join(', ')}; each also as 'ryokan qm ...'.\n`
    : text;
}

/** The synopsis of the command that was used wrongly. */
function usageHint(error: UsageError, system: System): string {
  if (error.command === undefined) return '';
  const commands = allCommands(system.manifest(), system.help());
  const command = commands.find((one) => one.spec.words === error.command);
  if (!command) return '';
  const group = error.command.split(' ')[0] ?? '';
  const words = error.command.split(' ').slice(1).join(' ');
  return `USAGE: ${synopsis(command.spec)}\n       '${group} help${words ? ` ${words}` : ''}' shows what it takes.\n`;
}
