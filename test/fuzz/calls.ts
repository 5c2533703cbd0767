/** Calls made from the method records: every method in turn, its parameters from `values.ts`. The same for the same seed. */
import type { Method } from '../../packages/api/src/method.ts';
import type { TSchema } from '../../packages/api/src/schema/types.ts';
import type { Random } from './random.ts';
import { type Surroundings, type Value, valueFor } from './values.ts';

export interface FuzzCall {
  readonly method: Method;
  /** Path and query below /api2/json, as on the wire. */
  readonly target: string;
  readonly contentType?: string;
  readonly body?: string;
}

/** Changing calls that are about the machine itself; a test has no business there. */
const aboutTheMachine =
  /^\/nodes\/\{node\}\/(dns|hosts|time|network|apt|services|certificates|execute|disks|status|wakeonlan|accelerator)\b/;

/** Their answers to wrong passwords wait for seconds, and too many of them close the door. */
export const isLogin = (method: Method): boolean =>
  'user' in method.permission && method.permission.user === 'world' && method.verb !== 'GET';

export function fuzzedMethods(methods: readonly Method[]): Method[] {
  return methods.filter(
    (method) =>
      (method.transport === undefined || method.transport === 'websocket') &&
      !(method.verb !== 'GET' && aboutTheMachine.test(method.path)),
  );
}

export function fuzzCall(random: Random, method: Method, around: Surroundings): FuzzCall {
  const values = valuesFor(random, method, around);
  const target = method.path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = values[name];
    delete values[name];
    return shortened(encodeURIComponent(wellFormed(textOf(value ?? 'x')).slice(0, 2000))) || '%20';
  });
  if (method.verb === 'GET' || method.verb === 'DELETE') {
    const query = formOf(values).slice(0, 3000).replace(/%.?$/, '');
    return { method, target: query === '' ? target : `${target}?${query}` };
  }
  return random.chance(0.5)
    ? { method, target, contentType: 'application/json', body: cut(JSON.stringify(values)) }
    : { method, target, contentType: 'application/x-www-form-urlencoded', body: cut(formOf(values)) };
}

function valuesFor(random: Random, method: Method, around: Surroundings): Record<string, Value> {
  const properties = Object.entries(method.params.properties) as [string, TSchema][];
  const required = new Set(method.params.required ?? []);
  const optional = properties.length - required.size;
  const values: Record<string, Value> = Object.create(null);
  for (const [name, schema] of properties) {
    // One parameter in twenty that must be there is not; of those that may be there, about three are.
    const wanted = required.has(name) ? 0.95 : Math.min(0.5, 3 / optional);
    if (random.chance(wanted)) values[name] = valueFor(random, name, schema, around);
  }
  if (random.chance(0.05)) values[random.pick(['unknown', '__proto__', 'toString', ''])] = 'x';
  if (random.chance(0.1)) values['dry-run'] = random.pick<Value>([1, 0, 'x', '1']);
  return values;
}

/** Not longer than what a request's head may have; no escape is cut through. */
const shortened = (escaped: string): string => escaped.slice(0, 1200).replace(/%.?$/, '');

/** Not longer than a body may be: what lies beyond is the transport's to refuse, and has tests of its own. */
const longestBody = 500_000;

const cut = (body: string): string => (body.length > longestBody ? body.slice(0, longestBody) : body);

function formOf(values: Readonly<Record<string, Value>>): string {
  return Object.entries(values)
    .flatMap(([key, value]) =>
      (Array.isArray(value) ? value : [value]).map(
        (one) => `${encodeURIComponent(key)}=${encodeURIComponent(wellFormed(textOf(one)))}`,
      ),
    )
    .join('&');
}

const textOf = (value: Value): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));

/** Half a surrogate pair cannot be percent-encoded. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');
