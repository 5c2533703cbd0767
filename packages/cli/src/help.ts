/** Help texts: the list of a group's commands, and one command with its parameters. */
import { type CommandSpec, commandOf, commonOptionHelp, commonOptions } from './command.ts';
import { localCommands } from './local-commands.ts';
import type { CliHelp, CliManifest, ParamDef, ParamHelp } from './manifest.ts';
import { wrap } from './width.ts';

/** Columns of help where the terminal does not say, and at most: longer lines are hard to read. */
const defaultColumns = 80;
const mostColumns = 100;

export interface DescribedCommand {
  readonly spec: CommandSpec;
  readonly description: string;
  readonly aliases: readonly string[];
  readonly paramHelp: (name: string) => ParamHelp;
}

/** Every command with words of its own, sorted. */
export function describedCommands(manifest: CliManifest, help: CliHelp): DescribedCommand[] {
  const fromRegistry = manifest.methods.flatMap((method, i): DescribedCommand[] => {
    if (method.command === undefined || localCommands.some((one) => one.spec.words === method.command))
      return [];
    return [
      {
        spec: commandOf(manifest, method),
        description: help.methods[i] ?? '',
        aliases: method.aliases ?? [],
        paramHelp: (name) => help.defs[method.params[name] ?? -1] ?? {},
      },
    ];
  });
  const own = localCommands.map(
    (one): DescribedCommand => ({
      spec: one.spec,
      description: one.description,
      aliases: [],
      paramHelp: (name) => one.paramHelp[name] ?? {},
    }),
  );
  return [...fromRegistry, ...own].sort((a, b) => (a.spec.words < b.spec.words ? -1 : 1));
}

/** `qm start <vmid> [OPTIONS]`. */
export function synopsis(spec: CommandSpec): string {
  const args = spec.args.map((name) => (spec.required.includes(name) ? `<${name}>` : `[<${name}>]`));
  const needed = spec.required
    .filter((name) => !spec.args.includes(name))
    .map((name) => `--${name} <${valueWord(spec.params[name])}>`);
  const hasOptions = Object.keys(spec.params).some(
    (name) => !spec.args.includes(name) && !spec.required.includes(name),
  );
  return [spec.words, ...args, ...needed, ...(hasOptions ? ['[OPTIONS]'] : [])].join(' ');
}

function valueWord(def: ParamDef | undefined): string {
  if (!def) return 'value';
  if (def.enum && def.enum.length <= 8) return def.enum.join('|');
  if (def.type !== 'string') return def.type;
  if (def.format && !def.format.endsWith('-opt')) return def.format.replace(/^pve-/, '');
  return def.type;
}

/** One command with everything it takes. */
export function commandHelp(command: DescribedCommand, columns: number | undefined): string {
  const { spec } = command;
  const width = Math.min(columns ?? defaultColumns, mostColumns);
  const lines = [
    `USAGE: ${synopsis(spec)}`,
    '',
    ...wrap(command.description, width - 2).map((line) => `  ${line}`),
  ];
  if (command.aliases.length > 0) lines.push('', `  Also: ${command.aliases.join(', ')}`);
  const names = Object.keys(spec.params);
  const options = names.filter((name) => !spec.args.includes(name)).sort(byRequiredThenName(spec));
  for (const name of [...spec.args, ...options]) {
    const def = spec.params[name];
    if (def) lines.push('', ...paramLines(spec, name, def, command.paramHelp(name), width));
  }
  lines.push('', `  Options of every command: '${spec.words.split(' ')[0]} help options'.`);
  return `${lines.join('\n')}\n`;
}

const byRequiredThenName = (spec: CommandSpec) => (a: string, b: string) =>
  Number(spec.required.includes(b)) - Number(spec.required.includes(a)) || (a < b ? -1 : 1);

function paramLines(
  spec: CommandSpec,
  name: string,
  def: ParamDef,
  help: ParamHelp,
  width: number,
): string[] {
  const shown = spec.args.includes(name) ? `<${name}>` : `--${name}`;
  const needed = spec.required.includes(name) && !spec.args.includes(name) ? '  (required)' : '';
  const head = `  ${shown} <${help.synopsis ? 'string' : valueWord(def)}>${rangeText(help)}${needed}`;
  const indent = ' '.repeat(8);
  const texts = [
    help.description,
    help.synopsis,
    impliedText(spec, name),
    defaultText(help),
    familyText(name, def),
  ];
  const body = texts.flatMap((text) => (text ? wrap(text, width - indent.length) : []));
  return [head, ...body.map((line) => `${indent}${line}`)];
}

function rangeText(help: ParamHelp): string {
  const { minimum, maximum } = help;
  if (minimum === undefined && maximum === undefined) return '';
  return ` (${minimum ?? ''} - ${maximum === undefined ? 'N' : maximum})`;
}

const defaultText = (help: ParamHelp): string | undefined =>
  help.default === undefined ? undefined : `Default: ${help.default}`;

function impliedText(spec: CommandSpec, name: string): string | undefined {
  if (!spec.implied.includes(name)) return undefined;
  return name === 'node' ? 'Default: this node' : 'Default: what stands in front of the volume id';
}

const familyText = (name: string, def: ParamDef): string | undefined =>
  def.family === undefined ? undefined : `n: 0 to ${def.family - 1}, as in --${name.replace('[n]', '0')}`;

/** The commands of a group with the first sentence of each. */
export function groupHelp(
  group: string,
  commands: readonly DescribedCommand[],
  columns: number | undefined,
): string {
  const width = Math.min(columns ?? defaultColumns, mostColumns);
  const own = commands.filter((command) => command.spec.words.split(' ')[0] === group);
  const lines = [`USAGE: ${group} <COMMAND> [ARGS] [OPTIONS]`, ''];
  for (const command of own) {
    lines.push(`  ${synopsis(command.spec)}`);
    lines.push(...wrap(command.description, width - 8).map((line) => `        ${line}`));
  }
  lines.push(
    '',
    `'${group} help <COMMAND>' shows what a command takes, '${group} help options' what all of them do.`,
  );
  return `${lines.join('\n')}\n`;
}

/** Options that every command has, and the exit codes. */
export function commonHelp(columns: number | undefined): string {
  const width = Math.min(columns ?? defaultColumns, mostColumns);
  const lines = ['Options of every command:', ''];
  for (const [name, def] of Object.entries(commonOptions)) {
    lines.push(`  --${name}${def.type === 'boolean' ? '' : ` <${valueWord(def)}>`}`);
    const text = commonOptionHelp[name as keyof typeof commonOptionHelp];
    lines.push(...wrap(text, width - 8).map((line) => `        ${line}`));
  }
  lines.push(
    '',
    'Short: -h --help, -v --verbose, -q --quiet, -o --output-format.',
    'Options are written --key value, --key=value or -key value. A boolean may stand alone (--onboot), with 0 or 1,',
    'or as --no-onboot. Several values: repeat the option. Words after -- are arguments.',
    '',
    'Exit codes: 0 done (also with warnings), 255 refused by the API or the task failed, 2 wrong usage,',
    '1 the node could not be reached, 130 left with Ctrl-C while the task goes on.',
  );
  return `${lines.join('\n')}\n`;
}
