/**
 * Reads the words after a command: `--key value`, `--key=value`, `-key value`, positional arguments, `--` before
 * words that look like options. A boolean may stand alone (`--start`), with a value (`--start 0`) or as `--no-start`.
 * Values are only cut out here, not checked: the server does that.
 */
import type { CommandSpec, CommonOption } from './command.ts';
import { commonOptions, shortOptions } from './command.ts';
import { nearest, UsageError } from './errors.ts';
import { type ParamDef, type Params, paramKey } from './manifest.ts';

export type ParamValues = Record<string, string | string[]>;

export interface ParsedArguments {
  readonly params: ParamValues;
  readonly options: Partial<Record<CommonOption, string>>;
  /** Secrets to ask for: given without a value, or required and not given. */
  readonly prompts: readonly string[];
}

interface Found {
  readonly name: string;
  readonly def: ParamDef;
  readonly common: boolean;
  readonly negated?: boolean;
}

const truths: Readonly<Record<string, string>> = {
  '1': '1',
  true: '1',
  yes: '1',
  on: '1',
  '0': '0',
  false: '0',
  no: '0',
  off: '0',
};

/** Is this a parameter whose value must not stand in the shell's history? */
export const isSecret = (name: string): boolean => /^(ci)?password$/.test(name);

export function parseArguments(spec: CommandSpec, argv: readonly string[]): ParsedArguments {
  const reader = new ArgumentReader(spec, argv);
  reader.read();
  return reader;
}

class ArgumentReader implements ParsedArguments {
  readonly params: ParamValues = {};
  readonly options: Partial<Record<CommonOption, string>> = {};
  readonly prompts: string[] = [];
  private readonly positional: string[] = [];
  private position = 0;
  private readonly spec: CommandSpec;
  private readonly argv: readonly string[];

  constructor(spec: CommandSpec, argv: readonly string[]) {
    this.spec = spec;
    this.argv = argv;
  }

  read(): void {
    while (this.position < this.argv.length) {
      const word = this.argv[this.position++] as string;
      if (word === '--') {
        this.positional.push(...this.argv.slice(this.position));
        break;
      }
      if (isOption(word)) this.option(word);
      else this.positional.push(word);
    }
    this.placePositional();
    this.askForSecrets();
  }

  /** A required secret that was not given is asked for, as `--password` without a value is. */
  private askForSecrets(): void {
    for (const name of this.spec.required) {
      if (isSecret(name) && !(name in this.params) && !this.prompts.includes(name)) this.prompts.push(name);
    }
  }

  private option(word: string): void {
    const equals = word.indexOf('=');
    const name = (equals < 0 ? word : word.slice(0, equals)).replace(/^--?/, '');
    const found = this.find(name);
    const attached = equals < 0 ? undefined : word.slice(equals + 1);
    if (found.negated) {
      if (attached !== undefined) throw new UsageError(`option '${word}' takes no value`, this.spec.words);
      this.set(found, '0');
    } else if (found.def.type === 'boolean') {
      this.set(found, attached === undefined ? this.followingBoolean() : (truths[attached] ?? attached));
    } else if (attached !== undefined) this.set(found, attached);
    else this.valueOf(found, word);
  }

  private valueOf(found: Found, word: string): void {
    const next = this.argv[this.position];
    const missing = next === undefined || (next.startsWith('--') && this.knows(next));
    if (!missing) {
      this.position++;
      this.set(found, next);
    } else if (!found.common && isSecret(found.name)) this.prompts.push(found.name);
    else throw new UsageError(`option '${word}' needs a value`, this.spec.words);
  }

  private followingBoolean(): string {
    const next = this.argv[this.position];
    const value = next === undefined ? undefined : truths[next];
    if (value === undefined) return '1';
    this.position++;
    return value;
  }

  private find(name: string): Found {
    const found = lookUp(this.spec, name);
    if (found) return found;
    const known = [...Object.keys(this.spec.params), ...Object.keys(commonOptions)];
    const hints = nearest(name, known).map((one) => `--${one}`);
    const hint = hints.length > 0 ? `; did you mean ${hints.join(' or ')}?` : '';
    throw new UsageError(`unknown option '--${name}'${hint}`, this.spec.words);
  }

  private knows(word: string): boolean {
    return lookUp(this.spec, word.slice(2).split('=', 1)[0] as string) !== undefined;
  }

  private set(found: Found, value: string): void {
    const { name, def } = found;
    if (found.common) {
      this.options[name as CommonOption] = value;
      return;
    }
    const before = this.params[name];
    const several = def.type === 'array' || def.format?.endsWith('-list') === true;
    if (before === undefined) this.params[name] = def.type === 'array' ? [value] : value;
    else if (several) this.params[name] = [...(Array.isArray(before) ? before : [before]), value];
    else throw new UsageError(`option '--${name}' is given more than once`, this.spec.words);
  }

  private placePositional(): void {
    const { args, params, words } = this.spec;
    for (const [i, name] of args.entries()) {
      const isLast = i === args.length - 1;
      const values = isLast && params[name]?.type === 'array' ? this.positional.splice(0) : [];
      const value = values.length > 0 ? values : this.positional.shift();
      if (value === undefined) break;
      if (name in this.params) {
        throw new UsageError(`'${name}' is given both by position and as an option`, words);
      }
      this.params[name] = value;
    }
    if (this.positional.length > 0) {
      throw new UsageError(`too many arguments: ${this.positional.join(' ')}`, words);
    }
  }
}

function lookUp(spec: CommandSpec, name: string): Found | undefined {
  const own = ownParam(spec.params, name);
  if (own) return { name, def: own, common: false };
  const common = Object.hasOwn(commonOptions, name) ? (name as CommonOption) : shortOptions[name];
  if (common) return { name: common, def: commonOptions[common], common: true };
  if (name.startsWith('no-')) {
    const positive = lookUp(spec, name.slice(3));
    if (positive?.def.type === 'boolean' && !positive.negated) return { ...positive, negated: true };
  }
  return spec.open && /^[a-z]/i.test(name) ? { name, def: { type: 'string' }, common: false } : undefined;
}

function ownParam(params: Params, name: string): ParamDef | undefined {
  const key = paramKey(params, name);
  return key === undefined ? undefined : params[key];
}

/** `-5` is a number, `-` alone is a value. */
export const isOption = (word: string): boolean => /^--?[^-\d]/.test(word) || /^--\d/.test(word);

/** Throws when something required is not there; what is asked for counts as there. */
export function requireAll(spec: CommandSpec, parsed: ParsedArguments): void {
  const missing = spec.required.filter((name) => !(name in parsed.params) && !parsed.prompts.includes(name));
  if (missing.length === 0) return;
  const names = missing.map((name) => (spec.args.includes(name) ? `<${name}>` : `--${name}`));
  throw new UsageError(`missing: ${names.join(' ')}`, spec.words);
}
