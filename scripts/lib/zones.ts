/**
 * Import zones: who may import whom, as docs/architecture.md says. Pure: gets sources, returns violations.
 * Type imports count as well: a type from a higher layer ties the layers together all the same.
 */
import { posix } from 'node:path';

export interface SourceFile {
  /** From the checkout's root: `packages/server/src/host/exec.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface Violation {
  readonly path: string;
  readonly imported: string;
  readonly rule: string;
}

/** Dependencies by package folder (`packages/api`), as package.json lists them. */
export type DeclaredDependencies = Readonly<Record<string, readonly string[]>>;

/** Which of our packages a package may import. */
const packageRules: Readonly<Record<string, readonly string[]>> = {
  api: ['api'],
  server: ['server', 'api'],
  cli: ['cli', 'api'],
  web: ['web', 'api'],
};

/** Packages whose code runs in browsers too. Their tests run in Node.js. */
const isomorphic = new Set(['api', 'web']);

/** Layers of the server: what each may import besides itself. `root` are the files that wire layers together. */
const layerRules: Readonly<Record<string, readonly string[]>> = {
  root: [
    'api',
    'screen',
    'gateway',
    'guests',
    'backup',
    'ha',
    'metrics',
    'notify',
    'updates',
    'storage',
    'network',
    'tasks',
    'access',
    'cluster',
    'host',
  ],
  api: [
    'screen',
    'guests',
    'backup',
    'ha',
    'metrics',
    'notify',
    'updates',
    'storage',
    'network',
    'tasks',
    'access',
    'cluster',
    'host',
  ],
  // A terminal as a picture: what it reads comes from strangers, and it has nothing to do with anything else.
  screen: [],
  // Without root rights and without opinions: it frames bytes and relays them.
  gateway: ['host'],
  ha: ['guests', 'storage', 'tasks', 'cluster', 'host'],
  backup: ['guests', 'storage', 'tasks', 'cluster', 'host'],
  metrics: ['guests', 'storage', 'network', 'tasks', 'cluster', 'host'],
  notify: ['tasks', 'cluster', 'host'],
  updates: ['tasks', 'cluster', 'host'],
  guests: ['storage', 'network', 'tasks', 'cluster', 'host'],
  storage: ['tasks', 'cluster', 'host'],
  network: ['tasks', 'cluster', 'host'],
  tasks: ['cluster', 'host'],
  access: ['cluster', 'host'],
  cluster: ['host'],
  host: [],
};

/** Programs: what starts here is imported by nobody. */
const entryFiles = new Set([
  ...['daemon.ts', 'worker.ts', 'gateway.ts', 'guard.ts'],
  // In a sandbox.
  ...['import-parser.ts', 'vnc-console.ts'],
]);
/** Interfaces through which upper layers reach lower ones; they hold types only. Lower layers must not know them. */
const serviceTypes: Readonly<Record<string, readonly string[]>> = {
  'services.ts': ['root', 'api', 'guests', 'backup', 'ha', 'metrics'],
  'daemon-services.ts': ['root', 'api'],
};

/** What gateway and daemon say to each other, and nothing else of the daemon's. */
const gatewayContract = new Set(['api/request.ts']);

/** Tests, and what only tests use: conformance suites, test beds, the folder test/. */
const testCode = /\.test\.tsx?$|(^|[/-])conformance[-.]|-testbed\.ts$|^test\//;

/** All imports, re-exports and dynamic imports of a source. */
export function importsOf(text: string): string[] {
  const statement =
    /^[ \t]*(?:import|export)\s+(?:type\s+)?(?:[\w$*{][^;'"`]*?\bfrom\s*)?['"]([^'"\n]+)['"]/gm;
  const dynamic = /\bimport\(\s*(?:\/\*[^*]*\*\/\s*)?['"]([^'"\n]+)['"]/g;
  return [...text.matchAll(statement), ...text.matchAll(dynamic)].map((match) => match[1] as string);
}

export function checkZones(files: readonly SourceFile[], declared: DeclaredDependencies): Violation[] {
  return files.flatMap((file) =>
    importsOf(file.text).flatMap((imported) => {
      const rule = brokenRule(file.path, imported, declared);
      return rule ? [{ path: file.path, imported, rule }] : [];
    }),
  );
}

/** The rule that an import breaks; undefined when it is fine. Files outside of packages/ may import anything. */
function brokenRule(path: string, imported: string, declared: DeclaredDependencies): string | undefined {
  const from = place(path);
  if (!from) return undefined;
  const target = resolveImport(path, imported);
  if (target === undefined) return bareRule(path, from, imported, declared);
  if (imported.startsWith('.') && !/\.(ts|tsx|css|json|svg)$/.test(imported)) {
    return 'relative imports carry their file ending';
  }
  const to = place(target);
  if (!to) return from.test ? undefined : 'packages import nothing from outside of packages/';
  if (to.test && !from.test) return 'only tests import test code';
  if (!packageRules[from.package]?.includes(to.package)) {
    return `packages/${from.package} may not import packages/${to.package}`;
  }
  if (to.package !== from.package && imported.startsWith('.')) {
    return `other packages are imported by name (@ryokan/${to.package}/…)`;
  }
  return to.package === 'server' ? serverRule(path, from, target, to) : undefined;
}

interface Place {
  readonly package: string;
  /** Path below the package's src folder. */
  readonly inner: string;
  readonly test: boolean;
}

function place(path: string): Place | undefined {
  const match = /^packages\/([^/]+)\/(?:src\/)?(.+)$/.exec(path);
  if (!match) return undefined;
  const [, name, inner] = match as unknown as [string, string, string];
  return { package: name, inner, test: testCode.test(inner) };
}

/** Path from the checkout's root of an import of ours; undefined for npm packages and Node.js modules. */
function resolveImport(path: string, imported: string): string | undefined {
  if (imported.startsWith('.')) return posix.join(posix.dirname(path), imported);
  const ours = /^@ryokan\/([^/]+)\/(.+)$/.exec(imported);
  return ours ? `packages/${ours[1]}/src/${ours[2]}` : undefined;
}

function bareRule(
  path: string,
  from: Place,
  imported: string,
  declared: DeclaredDependencies,
): string | undefined {
  // Tests and build files run at development time and use what the checkout's own package.json lists.
  if (from.test || !path.includes('/src/')) return undefined;
  if (imported.startsWith('node:')) {
    return isomorphic.has(from.package)
      ? `packages/${from.package} runs in browsers: no Node.js modules`
      : undefined;
  }
  const name = imported
    .split('/')
    .slice(0, imported.startsWith('@') ? 2 : 1)
    .join('/');
  return declared[`packages/${from.package}`]?.includes(name)
    ? undefined
    : `'${name}' is not among the dependencies of packages/${from.package}`;
}

/** Rules between the layers of packages/server. Tests may reach up: they wire what they test. */
function serverRule(path: string, from: Place, target: string, to: Place): string | undefined {
  if (entryFiles.has(to.inner)) return `nothing imports ${to.inner}`;
  if (from.test) return undefined;
  const fromLayer = layerOf(from.inner);
  const toLayer = layerOf(to.inner);
  const allowed = layerRules[fromLayer];
  if (!allowed || !layerRules[toLayer]) return `'${allowed ? toLayer : fromLayer}' is no layer of the server`;
  const users = serviceTypes[to.inner];
  if (users) return users.includes(fromLayer) ? undefined : `${fromLayer} may not import ${to.inner}`;
  if (fromLayer === 'gateway' && gatewayContract.has(to.inner)) return undefined;
  if (from.inner === 'gateway.ts' && toLayer !== 'gateway' && toLayer !== 'host') {
    return 'the gateway has no rights and imports gateway and host only';
  }
  if (fromLayer !== toLayer && !allowed.includes(toLayer)) return `${fromLayer} may not import ${toLayer}`;
  return driverRule(from.inner, to.inner) ?? guestKindRule(path, target);
}

function layerOf(inner: string): string {
  return inner.includes('/') ? (inner.split('/')[0] ?? '') : 'root';
}

function driverRule(from: string, to: string): string | undefined {
  const isDriver = (inner: string) => inner.startsWith('storage/drivers/');
  const allowed = isDriver(from) || from === 'storage/registry.ts' || !isDriver(to);
  return allowed ? undefined : 'only storage/registry.ts and tests import storage drivers';
}

function guestKindRule(path: string, target: string): string | undefined {
  const kind = (inner: string) => /packages\/server\/src\/guests\/(qemu|lxc)\//.exec(inner)?.[1];
  const from = kind(path);
  const to = kind(target);
  return from && to && from !== to ? 'qemu and lxc meet only in guests/guest.ts' : undefined;
}
