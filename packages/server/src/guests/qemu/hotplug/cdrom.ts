/** Discs of a running guest's CD-ROM drives: inserted, exchanged, ejected. Works on every bus and needs no hotplug. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { imageNodes } from '../devices/block.ts';
import type { ConfiguredDrive } from '../drive-options.ts';
import { hasIoUring } from '../qemu-facts.ts';
import type { QmpClient } from '../qmp-client.ts';
import { resolveVolume } from '../start-host.ts';
import { driveNodeNames, releaseVolume } from './drive-nodes.ts';
import { type LiveGuest, type Outcome, waits } from './live-guest.ts';

/** How long a guest that has locked the tray gets to open it when it is asked to (ms). */
const trayPatience = 3_000;

/** As query-block reports a drive. */
interface BlockDevice {
  /** Id of its device, or the device's path. */
  readonly qdev?: string;
  readonly inserted?: { readonly 'node-name'?: string };
  readonly tray_open?: boolean;
  readonly locked: boolean;
}

/**
 * Puts the disc of `text` into the drive, or takes the present one out. The new disc is opened first: when that fails,
 * the guest has noticed nothing. When a later step fails, the old disc is put back.
 */
export async function changeMedium(live: LiveGuest, drive: ConfiguredDrive, text: string): Promise<Outcome> {
  const { qmp } = live;
  const { key } = drive;
  const device = await blockDevice(qmp, key);
  if (!device) return waits('the running guest has no such CD-ROM drive');
  const volume = await resolveVolume(live.services, key, text);
  if (!volume && !drive.empty)
    throw new RyokanError('parameter', `${key}: '${drive.options.file}' is no disc`);
  const before = device.inserted?.['node-name'];
  const names = await freshDiscNames(qmp, key);
  if (volume) await qmp.execute('blockdev-add', imageNodes(drive, volume, names, hasIoUring()));
  const fresh = volume ? names.format : undefined;
  try {
    await openTray(live, key);
    if (before !== undefined) await qmp.execute('blockdev-remove-medium', { id: key });
  } catch (error) {
    await closeTray(qmp, key);
    if (fresh) await qmp.execute('blockdev-del', { 'node-name': fresh });
    throw error;
  }
  try {
    if (fresh) await insert(qmp, key, fresh);
  } catch (error) {
    if (before !== undefined) await insert(qmp, key, before);
    if (fresh) await qmp.execute('blockdev-del', { 'node-name': fresh });
    throw error;
  } finally {
    await closeTray(qmp, key);
  }
  if (before !== undefined) await qmp.execute('blockdev-del', { 'node-name': before });
  if (fresh === undefined) await releaseVolume(qmp, key);
  return 'done';
}

const insert = (qmp: QmpClient, key: string, node: string) =>
  qmp.execute('blockdev-insert-medium', { id: key, 'node-name': node });

const closeTray = (qmp: QmpClient, key: string) => qmp.execute('blockdev-close-tray', { id: key });

async function blockDevice(qmp: QmpClient, key: string): Promise<BlockDevice | undefined> {
  const devices = await qmp.execute<BlockDevice[]>('query-block');
  return devices.find(({ qdev }) => qdev === key || qdev?.startsWith(`/machine/peripheral/${key}`));
}

/** A guest that uses the disc has locked the tray: it is asked first, then its tray is opened all the same. */
async function openTray(live: LiveGuest, key: string): Promise<void> {
  const { qmp } = live;
  const opened = qmp
    .waitForEvent('DEVICE_TRAY_MOVED', {
      timeout: trayPatience,
      where: ({ data }) => data['tray-open'] === true && String(data.id).split('/').includes(key),
    })
    .catch(() => undefined);
  await qmp.execute('blockdev-open-tray', { id: key, force: false });
  const device = await blockDevice(qmp, key);
  if (device?.tray_open) return;
  await opened;
  if ((await blockDevice(qmp, key))?.tray_open) return;
  live.context.log(`${key}: the guest keeps the tray locked; it was opened by force`);
  await qmp.execute('blockdev-open-tray', { id: key, force: true });
}

/** Names that no disc of this drive has: `drive-ide2`, then `drive-ide2-2`, … */
async function freshDiscNames(qmp: QmpClient, key: string): Promise<{ format: string; file: string }> {
  const taken = new Set(await driveNodeNames(qmp, key));
  for (let number = 1; ; number++) {
    const ending = number === 1 ? key : `${key}-${number}`;
    const names = { format: `drive-${ending}`, file: `file-${ending}` };
    if (!taken.has(names.format) && !taken.has(names.file)) return names;
  }
}
