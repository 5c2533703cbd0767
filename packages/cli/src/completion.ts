/** Candidates for a half-typed command line: words of commands, options, values, and what the node has. */
import { isOption } from './arguments.ts';
import { type CommandSpec, commandOf, commonOptionHelp, commonOptions } from './command.ts';
import { filesDirective } from './completion-scripts.ts';
import { describedCommands } from './help.ts';
import { commandGroups, localCommands } from './local-commands.ts';
import type { CliMethod, ParamDef } from './manifest.ts';
import { paramKey } from './manifest.ts';
import { childrenOf, isPveshVerb, methodAt, pathSpec, pveshVerbs } from './pvesh.ts';
import { isRecord, outputOptions } from './render.ts';
import { dataDirOf, Session } from './session.ts';
import type { System } from './system.ts';

export interface Candidate {
  readonly value: string;
  readonly text?: string;
}

/** How long a shell waits for what the node has (ms). */
const patience = 1000;

/** Lines for the shell: `value TAB description`. Never throws: a completion that fails offers nothing. */
export async function complete(system: System, group: string, words: readonly string[]): Promise<string> {
  const current = words[words.length - 1] ?? '';
  try {
    const found = await candidates(system, group, words);
    return found
      .filter((one) => one.value.startsWith(current) || one.value === filesDirective)
      .map((one) => (one.text ? `${one.value}\t${one.text.split('\n')[0]}` : one.value))
      .map((line) => `${line}\n`)
      .join('');
  } catch {
    return '';
  }
}

async function candidates(system: System, group: string, given: readonly string[]): Promise<Candidate[]> {
  const { words, data } = withoutData(given);
  if (words === undefined) return [{ value: filesDirective }];
  const session = new Session(
    system,
    dataDirOf(system, data),
    outputOptions({}, { unicode: false, columns: undefined }, false),
  );
  const groups = commandGroups(session.manifest);
  if (group === 'ryokan' && words.length > 1 && words[0] !== 'ryokan' && groups.includes(words[0] ?? '')) {
    return candidates(system, words[0] as string, given.slice(1));
  }
  if (group === 'pvesh') return pveshCandidates(session, words);
  const found = commandFor(system, group, words.slice(0, -1));
  if (found) return optionOrArgument(session, found, found.rest, words[words.length - 1] ?? '');
  return commandWords(system, group, groups, words);
}

/** Takes `--data DIR` out; `words` is undefined when the folder itself is being typed. */
function withoutData(given: readonly string[]): { words?: string[]; data?: string } {
  const words = [...given];
  const at = words.indexOf('--data');
  if (at < 0) return { words };
  if (at === words.length - 2) return {};
  const [, data] = words.splice(at, 2);
  return data === undefined ? { words: given.slice() } : { words, data };
}

interface FoundCommand {
  readonly spec: CommandSpec;
  readonly rest: readonly string[];
  /** What a parameter is for. */
  readonly text: (name: string) => string;
}

type Describe = FoundCommand['text'];

/** Texts of a method's parameters. */
const methodTexts =
  (system: System, method: CliMethod): Describe =>
  (name) =>
    system.help().defs[method.params[name] ?? -1]?.description ?? '';

/** The longest command that the words begin with. */
function commandFor(system: System, group: string, words: readonly string[]): FoundCommand | undefined {
  const manifest = system.manifest();
  for (let count = words.length; count >= 0; count--) {
    const name = [group, ...words.slice(0, count)].join(' ');
    const local = localCommands.find((one) => one.spec.words === name);
    const method = manifest.methods.find((one) => one.command === name || one.aliases?.includes(name));
    const rest = words.slice(count);
    if (local) return { spec: local.spec, rest, text: (param) => local.paramHelp[param]?.description ?? '' };
    if (method) return { spec: commandOf(manifest, method), rest, text: methodTexts(system, method) };
  }
  return undefined;
}

function commandWords(
  system: System,
  group: string,
  groups: readonly string[],
  words: readonly string[],
): Candidate[] {
  const typed = words.slice(0, -1).filter((word, i) => !(i === 0 && word === 'help'));
  const prefix = [group, ...typed];
  const next = new Map<string, string>();
  for (const command of describedCommands(system.manifest(), system.help())) {
    for (const name of [command.spec.words, ...command.aliases]) {
      const parts = name.split(' ');
      const word = parts[prefix.length];
      if (word === undefined || !prefix.every((one, i) => parts[i] === one)) continue;
      next.set(word, parts.length === prefix.length + 1 ? command.description : (next.get(word) ?? ''));
    }
  }
  const extra = words.length > 1 ? [] : group === 'ryokan' ? ['help', ...groups] : ['help'];
  for (const word of extra) if (!next.has(word)) next.set(word, '');
  return [...next].map(([value, text]) => ({ value, text })).sort((a, b) => (a.value < b.value ? -1 : 1));
}

async function pveshCandidates(session: Session, words: readonly string[]): Promise<Candidate[]> {
  const [verb = '', path = ''] = words;
  if (words.length <= 1) {
    return [...Object.keys(pveshVerbs), 'ls', 'usage', 'help'].sort().map((value) => ({ value }));
  }
  if (words.length === 2) return pathCandidates(session, path);
  if (!isPveshVerb(verb)) return [];
  const match = methodAt(session, verb, path);
  const spec = pathSpec(session, verb, path, match);
  const text = methodTexts(session.system, match.method);
  return optionOrArgument(session, { spec, text }, words.slice(2, -1), words[words.length - 1] ?? '');
}

async function pathCandidates(session: Session, typed: string): Promise<Candidate[]> {
  const parent = typed.slice(0, typed.lastIndexOf('/') + 1) || '/';
  const children = await childrenOf(session, parent, AbortSignal.timeout(patience));
  return children.map((child) => ({
    value: `${parent}${child.name}${child.capabilities.startsWith('D') ? '/' : ''}`,
  }));
}

async function optionOrArgument(
  session: Session,
  { spec, text }: Omit<FoundCommand, 'rest'>,
  before: readonly string[],
  current: string,
): Promise<Candidate[]> {
  const attached = /^(--[^=]+)=/.exec(current)?.[1];
  if (attached) {
    const values = await valuesFor(
      session,
      spec,
      before,
      attached.slice(2),
      current.slice(attached.length + 1),
    );
    return values.map((one) => ({ ...one, value: `${attached}=${one.value}` }));
  }
  if (current.startsWith('-')) return optionNames(spec, before, text);
  const last = before[before.length - 1];
  if (last !== undefined && isOption(last) && !last.includes('=')) {
    const def = definition(spec, last.replace(/^--?/, ''));
    if (def && def.type !== 'boolean')
      return valuesFor(session, spec, before, last.replace(/^--?/, ''), current);
  }
  const name = spec.args[positionals(spec, before).length];
  return name === undefined
    ? optionNames(spec, before, text)
    : valuesFor(session, spec, before, name, current);
}

function definition(spec: CommandSpec, name: string): ParamDef | undefined {
  const key = paramKey(spec.params, name);
  if (key !== undefined) return spec.params[key];
  return Object.hasOwn(commonOptions, name) ? commonOptions[name as keyof typeof commonOptions] : undefined;
}

/** Words that are no options and no values of options. */
function positionals(spec: CommandSpec, words: readonly string[]): string[] {
  const found: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (!isOption(word)) {
      found.push(word);
      continue;
    }
    const type = definition(spec, word.replace(/^--?/, ''))?.type;
    if (!word.includes('=') && type !== 'boolean') i++;
  }
  return found;
}

/** Options not yet given; of a family the first free number. */
function optionNames(spec: CommandSpec, before: readonly string[], text: Describe): Candidate[] {
  const used = new Set(before.map((word) => word.split('=', 1)[0]));
  const own = Object.entries(spec.params)
    .filter(([name]) => !spec.args.includes(name))
    .flatMap(([name, def]): Candidate[] => {
      if (def.family === undefined) return [{ value: `--${name}`, text: text(name) }];
      const options = Array.from({ length: def.family }, (_, n) => `--${name.replace('[n]', String(n))}`);
      const free = options.find((option) => !used.has(option));
      return free === undefined ? [] : [{ value: free, text: text(name) }];
    });
  const common = Object.entries(commonOptionHelp).map(([name, one]) => ({ value: `--${name}`, text: one }));
  return [...own, ...common].filter((one) => !used.has(one.value));
}

async function valuesFor(
  session: Session,
  spec: CommandSpec,
  before: readonly string[],
  name: string,
  current: string,
): Promise<Candidate[]> {
  const def = definition(spec, name);
  if (!def) return [];
  if (def.enum) return def.enum.map((value) => ({ value }));
  if (def.type === 'boolean') return [{ value: '0' }, { value: '1' }];
  if (name === 'data' || def.format === 'file') return [{ value: filesDirective }];
  if (name === 'sshkeys') return [{ value: filesDirective }];
  if (name === 'volume' || def.format?.startsWith('pve-volume-id')) return volumes(session, current);
  if (spec.words === 'qm set' && (name === 'delete' || name === 'revert')) {
    return configKeys(session, positionals(spec, before)[0]);
  }
  return nodeValues(session, def.format?.replace(/-list$/, '') ?? '');
}

/** Rows of the API that have the values of a format, with the key of the value and of its description. */
const sources: Readonly<Record<string, readonly [path: string, value: string, text: string]>> = {
  'pve-vmid': ['/nodes/{node}/qemu', 'vmid', 'name'],
  'pve-storage-id': ['/nodes/{node}/storage', 'storage', 'type'],
  'pve-node': ['/nodes', 'node', 'status'],
  'pve-upid': ['/cluster/tasks', 'upid', 'status'],
  'pve-userid': ['/access/users', 'userid', 'comment'],
  'pve-groupid': ['/access/groups', 'groupid', 'comment'],
  'pve-roleid': ['/access/roles', 'roleid', 'comment'],
  'pve-realm': ['/access/domains', 'realm', 'comment'],
  'pve-bridge-id': ['/nodes/{node}/network', 'iface', 'type'],
};

async function nodeValues(session: Session, format: string): Promise<Candidate[]> {
  const source = sources[format];
  if (!source) return [];
  const [path, value, text] = source;
  const rows = await list(session, path);
  return rows.map((row) => ({
    value: String(row[value] ?? ''),
    text: row[text] === undefined ? '' : String(row[text]),
  }));
}

async function volumes(session: Session, current: string): Promise<Candidate[]> {
  const colon = current.indexOf(':');
  if (colon < 1) {
    const storages = await list(session, '/nodes/{node}/storage');
    return storages.map((row) => ({ value: `${row.storage}:`, text: String(row.type ?? '') }));
  }
  const storage = encodeURIComponent(current.slice(0, colon));
  const rows = await list(session, `/nodes/{node}/storage/${storage}/content`);
  return rows.map((row) => ({ value: String(row.volid ?? ''), text: String(row.content ?? '') }));
}

async function configKeys(session: Session, vmid: string | undefined): Promise<Candidate[]> {
  if (vmid === undefined) return [];
  const node = encodeURIComponent(session.localNode);
  const { data } = await session.api.call(
    'GET',
    `/nodes/${node}/qemu/${encodeURIComponent(vmid)}/config`,
    {},
    { signal: AbortSignal.timeout(patience) },
  );
  return isRecord(data)
    ? Object.keys(data)
        .filter((key) => key !== 'digest')
        .sort()
        .map((value) => ({ value }))
    : [];
}

async function list(session: Session, template: string): Promise<Record<string, unknown>[]> {
  const path = template.replace('{node}', () => encodeURIComponent(session.localNode));
  const { data } = await session.api.call('GET', path, {}, { signal: AbortSignal.timeout(patience) });
  return Array.isArray(data) ? data.filter(isRecord) : [];
}
