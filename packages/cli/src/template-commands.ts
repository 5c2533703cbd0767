/** `pveam` and `ryokan template build`: templates of containers, beside `pveam update` and `pveam download`, which are single calls. */
import { exitCode, UsageError } from './errors.ts';
import { type LocalCommand, single } from './local-command.ts';
import { isRecord, machineText, tableStyle } from './render.ts';
import type { Session } from './session.ts';
import { table } from './table.ts';
import { followAndReport, upidNode } from './task-follow.ts';

const sections = ['mail', 'system', 'turnkeylinux'] as const;
const buildOptions = ['suite', 'arch', 'mirror', 'filename'] as const;
const nodePath = (session: Session): string => `/nodes/${encodeURIComponent(session.localNode)}`;

/** Rows as JSON or YAML when that was asked for, else as lines that scripts cut apart; without titles they have none. */
async function show(
  session: Session,
  rows: readonly Record<string, unknown>[],
  titles: readonly string[],
  lineOf: (row: Record<string, unknown>) => string[],
): Promise<number> {
  const { system, output } = session;
  const machine = await machineText(rows, output.format, system.loadYaml);
  const plain = { ...tableStyle(output), border: false, width: undefined };
  const style = { ...plain, header: plain.header && titles.some((title) => title !== '') };
  const columns = titles.map((title) => ({ title }));
  if (machine !== undefined) system.out(machine);
  else if (rows.length > 0) system.out(table(columns, rows.map(lineOf), style));
  return exitCode.ok;
}

async function rowsOf(session: Session, path: string, params: Record<string, string> = {}) {
  const { data } = await session.api.call('GET', path, params);
  return Array.isArray(data) ? data.filter(isRecord) : [];
}

const available: LocalCommand = {
  spec: {
    words: 'pveam available',
    args: [],
    params: { section: { type: 'string', enum: sections } },
    required: [],
    implied: [],
  },
  description: 'Lists the container templates that the catalogue offers.',
  paramHelp: { section: { description: 'Only those of this section.' } },
  plain: true,
  run: async (session, parsed) => {
    const section = single(parsed, 'section');
    const offered = await rowsOf(session, `${nodePath(session)}/aplinfo`);
    const rows = offered
      .filter((row) => section === undefined || row.section === section)
      .sort((a, b) => (`${a.section} ${a.template}` < `${b.section} ${b.template}` ? -1 : 1));
    return show(session, rows, ['', ''], (row) => [String(row.section), String(row.template)]);
  },
};

const list: LocalCommand = {
  spec: {
    words: 'pveam list',
    args: ['storage'],
    params: { storage: { type: 'string', format: 'pve-storage-id' } },
    required: ['storage'],
    implied: [],
  },
  description: 'Lists the container templates of a storage.',
  paramHelp: { storage: { description: 'The storage identifier.' } },
  plain: true,
  run: async (session, parsed) => {
    const path = `${nodePath(session)}/storage/${encodeURIComponent(single(parsed, 'storage') ?? '')}/content`;
    const rows = await rowsOf(session, path, { content: 'vztmpl' });
    const megabytes = (size: unknown) => `${(Number(size) / 1024 ** 2).toFixed(2)}MB`;
    return show(session, rows, ['NAME', 'SIZE'], (row) => [String(row.volid), megabytes(row.size)]);
  },
};

const remove: LocalCommand = {
  spec: {
    words: 'pveam remove',
    args: ['template_path'],
    params: { template_path: { type: 'string' } },
    required: ['template_path'],
    implied: [],
  },
  description: 'Removes a container template.',
  paramHelp: { template_path: { description: 'Its volume id: local:vztmpl/debian-12.tar.zst.' } },
  run: async (session, parsed) => {
    const volid = single(parsed, 'template_path') ?? '';
    const [, storage] = /^([^/:]+):vztmpl\/[^/]+$/.exec(volid) ?? [];
    if (storage === undefined)
      throw new UsageError(`'${volid}' is no volume id of a template`, 'pveam remove');
    const path = `${nodePath(session)}/storage/${encodeURIComponent(storage)}/content/${encodeURIComponent(volid)}`;
    const { data } = await session.api.call('DELETE', path, {});
    if (upidNode(data) === undefined) return exitCode.ok;
    return followAndReport(session, data as string, session.output.quiet ? () => {} : session.system.out);
  },
};

/** `ryokan template build debian`: on this node, into the storage `local` unless another is named. */
const build: LocalCommand = {
  spec: {
    words: 'ryokan template build',
    args: ['distribution'],
    params: {
      distribution: { type: 'string', enum: ['debian', 'ubuntu'] },
      storage: { type: 'string', format: 'pve-storage-id' },
      ...Object.fromEntries(buildOptions.map((name) => [name, { type: 'string' as const }])),
    },
    required: ['distribution'],
    implied: [],
  },
  description: "Builds a container template from a distribution's own packages.",
  paramHelp: {
    distribution: { description: 'What is built.' },
    storage: { description: 'Where the template goes.', default: 'local' },
    suite: { description: "The release's name: trixie, noble.", default: 'that of the node' },
    arch: { description: 'Of the programs in it.', default: "the node's own" },
    mirror: { description: 'Where its packages are fetched.' },
    filename: { description: 'Name of the template, ending with .tar.zst.' },
  },
  run: async (session, parsed) => {
    const path = `${nodePath(session)}/storage/${encodeURIComponent(single(parsed, 'storage') ?? 'local')}/build-template`;
    const given = ['distribution', ...buildOptions].flatMap((name) => {
      const value = single(parsed, name);
      return value === undefined ? [] : [[name, value] as const];
    });
    const { data } = await session.api.call('POST', path, Object.fromEntries(given));
    return followAndReport(session, String(data), session.output.quiet ? () => {} : session.system.out);
  },
};

export const templateCommands: readonly LocalCommand[] = [available, list, remove, build];
