/** The same call by curl, by the product's own commands and by pvesh, ready to be copied. */
import type { Operation } from './operations.ts';
import type { Row } from './schema-rows.ts';

export interface Surroundings {
  /** Scheme, host and port of this node: `https://192.0.2.1:8006`. */
  readonly origin: string;
  /** Name of a node that exists. */
  readonly node: string;
  /** Who is logged in: `admin@pve`. */
  readonly user: string;
}

/** Example value of a parameter: something that exists where that is known, else the name in capitals to be replaced. */
function exampleValue({ name, schema: given }: Row, around: Surroundings): string {
  const schema = given.anyOf?.[0] ?? given;
  const byFormat: Readonly<Record<string, string>> = {
    'pve-node': around.node,
    'pve-vmid': '100',
    'pve-storage-id': 'local',
    'pve-userid': 'user@pve',
  };
  const known = byFormat[schema.format ?? ''] ?? schema.default ?? schema.enum?.[0] ?? schema.minimum;
  if (known !== undefined) return String(typeof known === 'boolean' ? Number(known) : known);
  if (schema.type === 'boolean') return '1';
  return schema.type === 'integer' || schema.type === 'number'
    ? '1'
    : name.replace(/\W+/g, '_').toUpperCase();
}

/** A word for a POSIX shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function filledPath(operation: Operation, parameters: readonly Row[], around: Surroundings): string {
  const values = new Map(parameters.map((row) => [row.name, exampleValue(row, around)]));
  return operation.path.replace(/\{([^}]+)\}/g, (_, name: string) => values.get(name) ?? name.toUpperCase());
}

const needed = (parameters: readonly Row[]) =>
  parameters.filter((row) => row.required && row.place !== 'path');

/** Undefined for what curl cannot do. */
export function curlExample(
  operation: Operation,
  parameters: readonly Row[],
  around: Surroundings,
): string | undefined {
  if (operation.transport === 'websocket') return undefined;
  const upload = operation.transport === 'upload';
  const given = needed(parameters)
    // The name of an uploaded file comes with the file.
    .filter((row) => !(upload && row.name === 'filename'))
    .map((row) => `${row.name}=${exampleValue(row, around)}`);
  const inQuery = operation.verb === 'GET' || operation.verb === 'DELETE';
  const start = [
    'curl',
    ...(operation.transport === 'events' ? ['-N'] : []),
    ...(inQuery && given.length > 0 ? ['-G'] : []),
    ...(methodIsImplied(operation, upload || given.length > 0) ? [] : [`-X ${operation.verb}`]),
    quoted(`${around.origin}/api2/json${filledPath(operation, parameters, around)}`),
  ].join(' ');
  return [
    start,
    ...credentials(operation, around).map((option) => `  ${option}`),
    ...given.map((pair) => `  ${upload ? '-F' : '--data-urlencode'} ${quoted(pair)}`),
    ...(upload ? ['  -F filename=@FILE'] : []),
  ].join(' \\\n');
}

/** curl sends GET by itself, and POST when there is a body. */
function methodIsImplied({ verb }: Operation, hasData: boolean): boolean {
  return verb === 'GET' || (verb === 'POST' && hasData);
}

function credentials({ verb, source }: Operation, around: Surroundings): string[] {
  if (source.security.length === 0) return [];
  if (source.security.some((one) => 'apiToken' in one))
    return [`-H ${quoted(`Authorization: PVEAPIToken=${around.user}!TOKENID=SECRET`)}`];
  return ['-b "PVEAuthCookie=$TICKET"', ...(verb === 'GET' ? [] : ['-H "CSRFPreventionToken: $CSRF"'])];
}

/** The command of its own that the operation has; undefined when it has none. */
export function commandExample(
  operation: Operation,
  parameters: readonly Row[],
  around: Surroundings,
): string | undefined {
  const cli = operation.source['x-cli'];
  if (!cli) return undefined;
  const args = cli.args ?? [];
  const byName = new Map(parameters.map((row) => [row.name, row]));
  const positional = args.flatMap((name) => {
    const row = byName.get(name);
    return row?.required ? [quoted(exampleValue(row, around))] : [];
  });
  // On a node's own command line `--node` is that node unless said otherwise.
  const options = parameters.filter((row) => row.required && row.name !== 'node' && !args.includes(row.name));
  return [cli.command, ...positional, ...optionWords(options, around)].join(' ');
}

const pveshWords = { GET: 'get', POST: 'create', PUT: 'set', DELETE: 'delete' } as const;

/** The call by path on the node's command line; undefined for uploads and streams. */
export function pveshExample(
  operation: Operation,
  parameters: readonly Row[],
  around: Surroundings,
): string | undefined {
  if (operation.transport !== 'json') return undefined;
  const path = quoted(filledPath(operation, parameters, around));
  return ['pvesh', pveshWords[operation.verb], path, ...optionWords(needed(parameters), around)].join(' ');
}

function optionWords(rows: readonly Row[], around: Surroundings): string[] {
  return rows.map((row) => `--${row.name} ${quoted(exampleValue(row, around))}`);
}
