/**
 * Goes through the start of an ordinary guest without starting one. A worker does this while it waits for a job: Node.js
 * compiles a function when it is first called, and for a start that is a quarter of what it takes.
 */
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { readAccelerator } from '../../host/accelerator.ts';
import { guestCgroup } from '../../host/cgroup.ts';
import { configDigest, parseConfigFile, serializeConfigFile } from '../config-file.ts';
import type { GuestServices } from '../guest-services.ts';
import { qemuCommandLine } from './command-line.ts';
import { requireQemuConfig } from './config.ts';
import { applyPending } from './config-change.ts';
import { guestAccount } from './guest-account.ts';
import { isRunning } from './process.ts';
import { cpuVendor, hasIoUring, ovmfFolder, qemuVersion } from './qemu-facts.ts';
import { startCommands } from './start-commands.ts';

/** Only for names: nothing of this guest is made. */
const vmid = 100;

/** What most guests have, each kind of device once. */
const ordinary = `agent: 1
balloon: 512
boot: order=scsi0;ide2;net0
cores: 2
cpu: x86-64-v2-AES
ide2: none,media=cdrom
memory: 1024
meta: creation-qemu=9.2.0,ctime=1763712000
name: rehearsal
net0: virtio=BC:24:11:00:00:01
numa: 0
ostype: l26
rng0: source=/dev/urandom
scsi0: local:100/vm-100-disk-0.qcow2,discard=on,iothread=1,size=8G
scsihw: virtio-scsi-single
serial0: socket
smbios1: uuid=6f3b4d63-6c47-4f4e-9c05-0b6b7a3c7f01
sockets: 1
vmgenid: 6f3b4d63-6c47-4f4e-9c05-0b6b7a3c7f02
`;

/** Resolves with the command line, of which nothing was run. A job that comes in between is not kept waiting for long. */
export async function rehearseStart(services: GuestServices): Promise<string[]> {
  const { paths, settings, storage } = services;
  const file = applyPending(parseConfigFile(ordinary, 'rehearsal'));
  configDigest(serializeConfigFile(file));
  await turn();
  const config = requireQemuConfig(file.properties, vmid);
  await turn();
  guestAccount();
  isRunning(paths, vmid);
  guestCgroup(vmid, settings.node);
  const [major = 0, minor = 0] = (await qemuVersion(join(paths.run, 'qemu-version'))).split('.').map(Number);
  const vendor = cpuVendor();
  const host = {
    vmid,
    accelerator: readAccelerator(join(paths.run, 'accelerator.json'), 'auto'),
    qemuVersion: [major, minor] as const,
    cpuCount: availableParallelism(),
    memoryTotal: totalmem(),
    runDir: paths.qemuRun,
    uuid: '6f3b4d63-6c47-4f4e-9c05-0b6b7a3c7f03',
    volumes: {
      scsi0: { source: { driver: 'file', filename: '/nowhere/vm-100-disk-0.qcow2' }, format: 'qcow2' },
    },
    taps: {},
    startPaused: true,
    ovmfDir: ovmfFolder,
    ioUring: hasIoUring(),
    ...(vendor ? { cpuVendor: vendor } : {}),
  } as const;
  await turn();
  const args = qemuCommandLine(config, host, () => {});
  startCommands(config);
  // The storage that every node has on its own disk; others may hang.
  await storage.info('local:100/vm-100-disk-0.qcow2').catch(() => {});
  return args;
}
