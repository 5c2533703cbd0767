/**
 * The command line's view of the method registry, made at build time (manifest-build.ts) so that a call need not load
 * and build every schema. Two files: what parsing needs, and the texts that only help and completion need.
 */
export type Verb = 'GET' | 'POST' | 'PUT' | 'DELETE';

export type ParamType = 'string' | 'integer' | 'number' | 'boolean' | 'array';

/** One kind of parameter; equal ones are stored once and shared by index. */
export interface ParamDef {
  readonly type: ParamType;
  /** Named format of the API, such as `pve-vmid`; names ending in `-list` take several values. */
  readonly format?: string;
  readonly enum?: readonly string[];
  /** Members of a numbered family: the parameter `net[n]` with 32 members takes net0 to net31. */
  readonly family?: number;
}

/** What a method answers with. `fields` are the columns of a list or the keys of an object, in order. */
export interface ResultShape {
  readonly kind: 'none' | 'value' | 'object' | 'list';
  readonly fields?: readonly ResultField[];
}

export interface ResultField {
  readonly name: string;
  readonly type?: ParamType;
  /** How text output writes the value: bytes, timestamp, duration, fraction. */
  readonly renderer?: string;
}

export interface CliMethod {
  readonly id: string;
  readonly verb: Verb;
  /** Path below /api2/json with `{param}` fragments. */
  readonly path: string;
  /** Index into `defs` by parameter name, those of the path included. */
  readonly params: Readonly<Record<string, number>>;
  readonly required?: readonly string[];
  /** Answers with a UPID. */
  readonly task?: true;
  /** Passes unknown parameters through. */
  readonly open?: true;
  readonly transport?: 'upload' | 'websocket' | 'events';
  readonly result: ResultShape;
  /** Words of the command: `qm disk resize`. Without it the method is reached by its path only. */
  readonly command?: string;
  readonly args?: readonly string[];
  readonly aliases?: readonly string[];
  readonly columns?: readonly string[];
}

export interface CliManifest {
  readonly version: string;
  readonly defs: readonly ParamDef[];
  readonly methods: readonly CliMethod[];
}

/** Texts for a ParamDef, at the same index. */
export interface ParamHelp {
  readonly description?: string;
  readonly default?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  /** The fields of a property string: `[file=]<volume> [,cache=<none|...>]`. */
  readonly synopsis?: string;
}

export interface CliHelp {
  readonly defs: readonly ParamHelp[];
  /** Description of each method, in the order of the manifest. */
  readonly methods: readonly string[];
}

export type Params = Readonly<Record<string, ParamDef>>;

/** The parameters of a method with their definitions. */
export function paramsOf(manifest: CliManifest, method: CliMethod): Params {
  const params: Record<string, ParamDef> = {};
  for (const [name, index] of Object.entries(method.params)) {
    const def = manifest.defs[index];
    if (def) params[name] = def;
  }
  return params;
}

/** The key in `params` that stands for `name`: itself, or the family `net[n]` for `net3`. */
export function paramKey(params: Params, name: string): string | undefined {
  if (Object.hasOwn(params, name)) return name.endsWith(']') ? undefined : name;
  const match = /^(.*\D)(0|[1-9]\d*)$/.exec(name);
  if (!match) return undefined;
  const key = `${match[1]}[n]`;
  const family = Object.hasOwn(params, key) ? params[key]?.family : undefined;
  return family !== undefined && Number(match[2]) < family ? key : undefined;
}

export interface PathMatch {
  readonly method: CliMethod;
  /** Values of the path's parameters, decoded. */
  readonly values: Readonly<Record<string, string>>;
}

/** Below these, everything to the end of the path is one value, slashes included. */
const restOfPath = new Set(['volume', 'cidr']);

/** Splits an API path as people type it: doubled and trailing slashes do not count. */
export function pathSegments(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

/** The values by which `segments` fit `template`; undefined when they do not. */
export function matchTemplate(
  template: string,
  segments: readonly string[],
): Record<string, string> | undefined {
  const parts = pathSegments(template);
  const values: Record<string, string> = {};
  for (const [i, part] of parts.entries()) {
    const segment = segments[i];
    if (segment === undefined) return undefined;
    if (!part.startsWith('{')) {
      if (part !== segment) return undefined;
      continue;
    }
    const name = part.slice(1, -1);
    if (restOfPath.has(name) && i === parts.length - 1) {
      values[name] = segments.slice(i).join('/');
      return values;
    }
    values[name] = segment;
  }
  return segments.length === parts.length ? values : undefined;
}

/** All methods on a path, one a verb. A fixed word in a template goes before a `{param}` at the same place. */
export function methodsAt(manifest: CliManifest, path: string): PathMatch[] {
  const segments = pathSegments(path);
  const found = new Map<Verb, PathMatch>();
  for (const method of manifest.methods) {
    const values = matchTemplate(method.path, segments);
    if (!values) continue;
    const other = found.get(method.verb);
    if (!other || Object.keys(values).length < Object.keys(other.values).length) {
      found.set(method.verb, { method, values });
    }
  }
  return [...found.values()];
}
