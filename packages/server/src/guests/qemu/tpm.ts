/**
 * The TPM of a guest: swtpm, one process for each start, as the guests' user. Its state is the volume tpmstate0 (swtpm's
 * linear file format), so that it stays through restarts; QEMU reaches it by a socket in the run folder.
 */
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { tpmstateFields } from '@ryokan/api/schema/qemu-drive.ts';
import { run } from '../../host/exec.ts';
import { writeFileAtomic } from '../../host/files.ts';
import type { DataPaths } from '../../host/paths.ts';
import { optionOf } from './config.ts';
import { parseDrive } from './drive-value.ts';
import { startHelper } from './helper-start.ts';
import type { QemuHost } from './host-input.ts';
import { qemuRunPaths } from './run-paths.ts';
import type { GuestStart } from './start-host.ts';
import { swtpmProgram } from './tpm-process.ts';

const setupProgram = '/usr/bin/swtpm_setup';
/** How long making a new state may take (ms); 1.5 s on an idle machine. */
const manufacturePatience = 60_000;
/** What a volume begins with that swtpm has written to: SWTPM_NVSTORE_LINEAR_MAGIC, little-endian. */
const stateMagic = 'nilmptws';

/** Starts the TPM that the configuration asks for; a new state volume gets its keys and certificates first. */
export async function tpm(start: GuestStart): Promise<Partial<QemuHost>> {
  const { services, vmid, config } = start;
  if (config.tpmstate0 === undefined) return {};
  for (const program of [swtpmProgram, setupProgram]) {
    if (!existsSync(program))
      throw tpmError(`'${program}' is missing; install the Debian packages swtpm and swtpm-tools`);
  }
  const state = await statePath(start, config.tpmstate0);
  const version = optionOf(config, 'tpmstate0', tpmstateFields)?.version ?? 'v1.2';
  if (isNew(state)) await manufacture(start, state, version);
  await launch(start, state, version);
  return { tpmSocket: qemuRunPaths(services.paths, vmid).tpm };
}

async function statePath({ services }: GuestStart, text: string): Promise<string> {
  const { file } = parseDrive('tpmstate0', text);
  const { format } = await services.storage.info(file);
  if (format !== 'raw') throw tpmError(`'${file}' has the format ${format}; a TPM's state has to be raw`);
  const { driver, filename } = await services.storage.blockSource(file);
  if ((driver !== 'file' && driver !== 'host_device') || typeof filename !== 'string')
    throw tpmError(`'${file}' is on a storage without local paths; move it to another storage`);
  // Options of swtpm are separated by commas, and it knows no way to write one.
  if (filename.includes(',')) throw tpmError(`its path '${filename}' holds a comma, which swtpm cannot take`);
  return filename;
}

function isNew(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(stateMagic.length);
    readSync(file, head, 0, head.length, 0);
    return head.toString('latin1') !== stateMagic;
  } finally {
    closeSync(file);
  }
}

/** Endorsement key and certificates, as a manufacturer puts them into a TPM. The node's own authority signs them. */
async function manufacture(start: GuestStart, state: string, version: string): Promise<void> {
  const { services, user, context } = start;
  const config = await authority(services.paths);
  const volume = statSync(state);
  context.log('tpmstate0: the state is new and gets its own keys');
  await run(
    setupProgram,
    [
      ...['--tpmstate', `file://${state}`, '--config', config, '--runas', 'root', '--not-overwrite'],
      ...['--createek', '--create-ek-cert', '--create-platform-cert', '--lock-nvram'],
      ...(version === 'v2.0' ? ['--tpm2', '--ecc'] : []),
    ],
    { timeout: manufacturePatience, signal: context.signal },
  ).catch((cause: Error) => {
    throw tpmError(`its state could not be made: ${cause.message}`, cause);
  });
  if (volume.isBlockDevice()) return;
  // swtpm cuts a file to what it needs; a volume keeps its size.
  truncateSync(state, volume.size);
  chownSync(state, user.uid, user.gid);
}

/**
 * Configuration of swtpm_setup, with a certificate authority below the node's pki folder: that of Debian belongs to
 * another user and to every program of the machine. The authority's keys are made by the first use.
 */
async function authority(paths: DataPaths): Promise<string> {
  const folder = join(paths.pki, 'tpm');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = (name: string) => join(folder, name);
  const texts: Record<string, Record<string, string>> = {
    'setup.conf': {
      create_certs_tool: '/usr/bin/swtpm_localca',
      create_certs_tool_config: file('authority.conf'),
      create_certs_tool_options: file('authority.options'),
      active_pcr_banks: 'sha256',
    },
    'authority.conf': {
      statedir: folder,
      signingkey: file('signing-key.pem'),
      issuercert: file('issuer-certificate.pem'),
      certserial: file('serial'),
    },
  };
  for (const [name, values] of Object.entries(texts)) {
    const lines = Object.entries(values).map(([key, value]) => `${key} = ${value}\n`);
    await writeFileAtomic(file(name), lines.join(''));
  }
  const options = '--platform-manufacturer Ryokan\n--platform-version 1\n--platform-model QEMU\n';
  await writeFileAtomic(file('authority.options'), options);
  return file('setup.conf');
}

async function launch(start: GuestStart, state: string, version: string): Promise<void> {
  const { tpm: socket, tpmPid } = qemuRunPaths(start.services.paths, start.vmid);
  await startHelper(start, {
    ...{ program: swtpmProgram, socket, pidFile: tpmPid, account: start.user, failure: tpmError },
    args: [
      ...['socket', ...(version === 'v2.0' ? ['--tpm2'] : [])],
      ...['--tpmstate', `backend-uri=file://${state}`, '--ctrl', `type=unixio,path=${socket},mode=0600`],
      // It ends with QEMU's connection.
      ...['--terminate', '--log', 'fd=1,level=1,prefix=swtpm'],
    ],
  });
}

function tpmError(problem: string, cause?: unknown): RyokanError {
  return new RyokanError('failed', `tpmstate0: ${problem}`, { context: { key: 'tpmstate0' }, cause });
}
