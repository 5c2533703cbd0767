/** OCI registries, by skopeo: it runs in a sandbox with the network, and can write to nothing but its folder. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { formatVolumeId, uploadFileName } from '@ryokan/api/schema/volume-id.ts';
import { ExecError, type RunOptions, run } from '../../host/exec.ts';
import { sandboxed } from '../../host/sandbox.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { demandUntaken, type IncomingServices, newStagingPath } from '../incoming.ts';
import { stagedFileUndo } from '../storage-undo.ts';

const skopeo = '/usr/bin/skopeo';

/** Registries take some seconds for long lists of tags (ms). */
const longestQuery = 60_000;

/** As Docker does: what this machine offers to itself needs no certificate. */
const isLocal = (reference: string): boolean => /^(localhost|127(\.\d+){3})(:\d+)?\//.test(reference);

/** Tags of a repository. Rejects with 'failed' and what the registry said. */
export async function repositoryTags(reference: string, signal: AbortSignal): Promise<string[]> {
  const args = ['list-tags', `--tls-verify=${!isLocal(reference)}`, `docker://${reference}`];
  const { stdout } = await runSkopeo(reference, args, {}, { signal, timeout: longestQuery });
  const { Tags } = JSON.parse(stdout) as { Tags?: unknown };
  return Array.isArray(Tags) ? Tags.filter((tag): tag is string => typeof tag === 'string') : [];
}

export interface PullParams {
  readonly storage: string;
  readonly reference: string;
  readonly filename?: string;
}

/** `registry.example.com/team/app:1.0` is kept as app_1.0.tar. */
function pulledName({ reference, filename }: PullParams): string {
  const name = filename ?? (reference.split('/').at(-1) ?? reference).replace(':', '_');
  return uploadFileName('vztmpl', name.endsWith('.tar') ? name : `${name}.tar`);
}

export async function checkPull({ storage }: IncomingServices, params: PullParams): Promise<void> {
  storage.demandContent(params.storage, 'vztmpl');
  await demandUntaken(storage, formatVolumeId(params.storage, `vztmpl/${pulledName(params)}`));
}

/** The task: fetches the image for this machine's processor and makes it a volume. */
export async function pullImage(
  services: IncomingServices,
  params: PullParams,
  task: TaskContext,
): Promise<void> {
  const { storage, paths } = services;
  const { reference } = params;
  const folder = await newStagingPath(storage, paths, { storage: params.storage, content: 'vztmpl' });
  task.undo(stagedFileUndo, { path: folder });
  await mkdir(folder, { mode: 0o700 });
  try {
    task.log(`fetching ${reference}`);
    const args = ['--tmpdir', '/folder', 'copy', `--src-tls-verify=${!isLocal(reference)}`];
    await runSkopeo(
      reference,
      [...args, `docker://${reference}`, 'oci-archive:/folder/image.tar:latest'],
      {
        write: { '/folder': folder },
      },
      {
        signal: task.signal,
        onLine: (line) => task.log(line.slice(0, 500)),
      },
    );
    const volid = await storage.adopt(
      params.storage,
      'vztmpl',
      pulledName(params),
      join(folder, 'image.tar'),
      task,
    );
    task.progress(1);
    task.log(`made volume '${volid}'`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What a client of registries reads of the system: names, certificates, settings of registries. */
const systemFiles = ['/etc/resolv.conf', '/etc/hosts', '/etc/nsswitch.conf', '/etc/ssl', '/etc/containers'];

async function runSkopeo(
  reference: string,
  args: readonly string[],
  sandbox: { readonly write?: Readonly<Record<string, string>> },
  options: Pick<RunOptions, 'signal' | 'timeout' | 'onLine'>,
) {
  const command = await sandboxed({ read: {}, tryRead: systemFiles, network: true, ...sandbox }, skopeo, [
    // Whether an image may be used is the caller's decision; the folder of its settings may not be there.
    '--insecure-policy',
    ...args,
  ]);
  try {
    return await run(command.program, command.args, options);
  } catch (error) {
    if (!(error instanceof ExecError) || options.signal?.aborted) throw error;
    const said = /msg="((?:[^"\\]|\\.)*)"/.exec(error.stderr)?.[1]?.replace(/\\(.)/g, '$1');
    throw new RyokanError('failed', `the registry did not give '${reference}': ${said ?? error.message}`, {
      cause: error,
    });
  }
}
