/** Discs of a running guest's CD-ROM drives: inserted, exchanged, ejected. Works on every bus and needs no hotplug. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { type Outcome, waits } from '../../live-outcome.ts';
import { imageNodes } from '../devices/block.ts';
import type { ConfiguredDrive } from '../drive-options.ts';
import type { ResolvedVolume } from '../host-input.ts';
import { keyOfDevice } from '../io-trouble.ts';
import { hasIoUring } from '../qemu-facts.ts';
import type { QmpClient } from '../qmp-client.ts';
import { resolveVolume } from '../start-host.ts';
import { driveNodeNames, releaseVolume } from './drive-nodes.ts';
import type { LiveGuest } from './live-guest.ts';

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

/** A CD-ROM drive of a running guest. */
export interface LiveCdrom {
  readonly qmp: QmpClient;
  readonly key: string;
  readonly log: (line: string) => void;
}

/**
 * Puts the disc of `text` into the drive, or takes the present one out. The new disc is opened first: when that fails,
 * the guest has noticed nothing. When a later step fails, the old disc is put back.
 */
export async function changeMedium(live: LiveGuest, drive: ConfiguredDrive, text: string): Promise<Outcome> {
  const { qmp } = live;
  const { key } = drive;
  if (!(await blockDevice(qmp, key))) return waits('the running guest has no such CD-ROM drive');
  const volume = await resolveVolume(live.services, key, text);
  if (!volume && !drive.empty)
    throw new RyokanError('parameter', `${key}: '${drive.options.file}' is no disc`);
  const fresh = volume && (await openDisc(qmp, drive, volume));
  const cdrom = { qmp, key, log: (line: string) => live.context.log(line) };
  let before: string | undefined;
  try {
    before = await exchangeDisc(cdrom, async () => fresh);
  } catch (error) {
    if (fresh !== undefined) await qmp.execute('blockdev-del', { 'node-name': fresh });
    throw error;
  }
  if (before !== undefined) await qmp.execute('blockdev-del', { 'node-name': before });
  if (fresh === undefined) await releaseVolume(qmp, key);
  return 'done';
}

/** Opens an image as a disc of the drive; gives the name of its node. */
export async function openDisc(
  qmp: QmpClient,
  drive: ConfiguredDrive,
  volume: ResolvedVolume,
): Promise<string> {
  const names = await freshDiscNames(qmp, drive.key);
  await qmp.execute('blockdev-add', imageNodes(drive, volume, names, hasIoUring()));
  return names.format;
}

/**
 * The way every disc is changed: the tray opens, the old disc comes out, the one that `next` gives goes in, the tray
 * closes. `next` gets the node of the old disc, which nothing uses then. When it fails, the old disc is put back as far
 * as it is still there. Gives the node of the old disc. Rejects with 'state' when the guest has no such drive.
 */
export async function exchangeDisc(
  cdrom: LiveCdrom,
  next: (before: string | undefined) => Promise<string | undefined>,
): Promise<string | undefined> {
  const { qmp, key } = cdrom;
  const device = await blockDevice(qmp, key);
  if (!device) throw new RyokanError('state', `the running guest has no CD-ROM drive '${key}' yet`);
  const before = device.inserted?.['node-name'];
  await openTray(cdrom);
  try {
    if (before !== undefined) await qmp.execute('blockdev-remove-medium', { id: key });
    try {
      const fresh = await next(before);
      if (fresh !== undefined) await insert(qmp, key, fresh);
    } catch (error) {
      if (before !== undefined) await insert(qmp, key, before).catch(() => {});
      throw error;
    }
  } finally {
    await qmp.execute('blockdev-close-tray', { id: key });
  }
  return before;
}

const insert = (qmp: QmpClient, key: string, node: string) =>
  qmp.execute('blockdev-insert-medium', { id: key, 'node-name': node });

async function blockDevice(qmp: QmpClient, key: string): Promise<BlockDevice | undefined> {
  const devices = await qmp.execute<BlockDevice[]>('query-block');
  return devices.find(({ qdev }) => keyOfDevice(qdev) === key);
}

/** A guest that uses the disc has locked the tray: it is asked first, then its tray is opened all the same. */
async function openTray({ qmp, key, log }: LiveCdrom): Promise<void> {
  const opened = qmp
    .waitForEvent('DEVICE_TRAY_MOVED', {
      timeout: trayPatience,
      where: ({ data }) => data['tray-open'] === true && String(data.id).split('/').includes(key),
    })
    .catch(() => undefined);
  await qmp.execute('blockdev-open-tray', { id: key, force: false });
  if ((await blockDevice(qmp, key))?.tray_open) return;
  await opened;
  if ((await blockDevice(qmp, key))?.tray_open) return;
  log(`${key}: the guest keeps the tray locked; it was opened by force`);
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
