/**
 * The catalogue of container templates: an index from the address that the datacenter's option `template-catalogue`
 * names, kept on the node once its signature was checked.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { templateCatalogueFields } from '@ryokan/api/schema/cluster-options.ts';
import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { datacenterOption } from '../../cluster/datacenter-options.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import { ExecError, run } from '../../host/exec.ts';
import { readTextIfPresent, writeFileAtomic } from '../../host/files.ts';
import type { DataPaths } from '../../host/paths.ts';
import { sandboxed } from '../../host/sandbox.ts';
import { download, withoutPassword } from '../download.ts';
import { stagingPath } from '../staging.ts';
import { unpack } from '../unpack.ts';
import { type OfferedTemplate, parseIndex } from './index-format.ts';

export interface CatalogueServices {
  readonly store: ConfigStore;
  readonly paths: DataPaths;
}

/** What is kept of the last index. */
interface Kept {
  /** The option's text for which it was fetched. */
  readonly option: string;
  /** Milliseconds since the epoch. */
  readonly fetched: number;
  readonly text: string;
}

/** Longest index, and its longest signature (bytes). */
const longestIndex = 32 * 1024 ** 2;
const longestSignature = 64 * 1024;

/** An index older than this (ms) is fetched again when somebody asks. */
const goodFor = 24 * 3600 * 1000;

/** A server that is silent for so long (ms) has no index for us. */
const silence = 15_000;

const option = ({ store }: CatalogueServices): string | undefined =>
  datacenterOption(store, 'template-catalogue');
const keptPath = ({ paths }: CatalogueServices): string => join(paths.root, 'template-catalogue.json');

/** Templates on offer; none without a catalogue. Fetches the index when there is none yet, or an old one. */
export async function offeredTemplates(services: CatalogueServices): Promise<OfferedTemplate[]> {
  const wanted = option(services);
  if (wanted === undefined) return [];
  const kept = readKept(services);
  if (kept?.option === wanted) {
    // A catalogue that cannot be reached at the moment is no reason to offer nothing.
    const text =
      Date.now() - kept.fetched < goodFor ? kept.text : await fetchIndex(services).catch(() => kept.text);
    return parseIndex(text, settingsOf(wanted).url);
  }
  return parseIndex(await fetchIndex(services), settingsOf(wanted).url);
}

/** One of them. Throws ParameterError when the catalogue has no such template. */
export async function offeredTemplate(services: CatalogueServices, name: string): Promise<OfferedTemplate> {
  if (option(services) === undefined) throw noCatalogue();
  const found = (await offeredTemplates(services)).find(({ template }) => template === name);
  if (found) return found;
  throw new ParameterError({
    template: `no such template '${name}' in the catalogue; see 'pveam available'`,
  });
}

const noCatalogue = (): RyokanError =>
  new RyokanError(
    'state',
    "there is no catalogue of templates: set the datacenter's option template-catalogue to the address of an index",
  );

function readKept(services: CatalogueServices): Kept | undefined {
  try {
    return JSON.parse(readTextIfPresent(keptPath(services)) ?? 'null') ?? undefined;
  } catch {
    // Half of a file after a power cut: it is fetched again.
    return undefined;
  }
}

const settingsOf = (text: string) => parsePropertyString(templateCatalogueFields, text);

const underWay = new Map<string, Promise<string>>();

/** Fetches and keeps the index; gives its text. Those who ask at the same time wait for the same one. */
export function fetchIndex(services: CatalogueServices, signal?: AbortSignal): Promise<string> {
  const wanted = option(services);
  if (wanted === undefined) return Promise.reject(noCatalogue());
  const key = `${keptPath(services)} ${wanted}`;
  const running = underWay.get(key) ?? fetchNow(services, wanted, signal).finally(() => underWay.delete(key));
  underWay.set(key, running);
  return running;
}

async function fetchNow(services: CatalogueServices, wanted: string, signal?: AbortSignal): Promise<string> {
  const { url, keyring } = settingsOf(wanted);
  if (keyring === undefined && !url.startsWith('https:')) {
    const text =
      'an index that comes over http needs a signature: set keyring in the option template-catalogue';
    throw new RyokanError('state', text);
  }
  // Not in the spool: that belongs to the gateway's user, and a sandbox has no rights there.
  const index = stagingPath(services.paths.run);
  const [packed, signature] = [`${index}.gz`, `${index}.asc`];
  const limits = { silence, ...(signal ? { signal } : {}) };
  try {
    const isPacked = url.endsWith('.gz');
    await download(url, { target: isPacked ? packed : index, maxBytes: longestIndex, ...limits });
    if (isPacked)
      await unpack('gz', packed, index, { maxBytes: longestIndex, ...(signal ? { signal } : {}) });
    if (keyring !== undefined) {
      const address = `${url.replace(/\.gz$/, '')}.asc`;
      await download(address, { target: signature, maxBytes: longestSignature, ...limits });
      await demandSignature(index, signature, keyring, url);
    }
    const text = await readFile(index, 'utf8');
    const kept: Kept = { option: wanted, fetched: Date.now(), text };
    await writeFileAtomic(keptPath(services), JSON.stringify(kept));
    return text;
  } finally {
    for (const path of [index, packed, signature]) await rm(path, { force: true });
  }
}

/** gpgv accepts signatures by any key of the keyring, and nothing else. */
async function demandSignature(
  index: string,
  signature: string,
  keyring: string,
  url: string,
): Promise<void> {
  const read = { '/index': index, '/signature': signature, '/keyring': keyring };
  const missing = (cause: unknown) =>
    new RyokanError('state', `the keyring '${keyring}' of the option template-catalogue cannot be read`, {
      cause,
    });
  const command = await sandboxed({ read, cpu: 60 }, '/usr/bin/gpgv', [
    ...['--homedir', '/tmp', '--keyring', '/keyring', '/signature', '/index'],
  ]).catch((cause: unknown) => {
    throw cause instanceof RyokanError ? cause : missing(cause);
  });
  try {
    await run(command.program, command.args);
  } catch (error) {
    if (!(error instanceof ExecError)) throw error;
    const reason =
      error.stderr
        .trim()
        .split('\n')
        .at(-1)
        ?.replace(/^gpgv: /, '') ?? '';
    const text = `the index ${withoutPassword(url)} is not signed by a key of '${keyring}': ${reason}`;
    throw new RyokanError('failed', text, { cause: error });
  }
}
