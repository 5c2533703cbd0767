/** Disks and CD-ROM drives of a running guest: plugged in, taken away, changed in place. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { type Outcome, orBack, waits } from '../../live-outcome.ts';
import { addDrive, controllerOf, hasSingleControllers, iothreadId } from '../devices/drives.ts';
import { type ConfiguredDrive, configuredDrives } from '../drive-options.ts';
import { parseDrive } from '../drive-value.ts';
import type { Guest } from '../guest-context.ts';
import type { QemuHost } from '../host-input.ts';
import type { QmpClient } from '../qmp-client.ts';
import { resolveVolume } from '../start-host.ts';
import { setLimits } from '../throttle-group.ts';
import { changeMedium } from './cdrom.ts';
import { releaseVolume } from './drive-nodes.ts';
import type { LiveChange, LiveGuest } from './live-guest.ts';
import { LivePlan } from './plan.ts';
import { deviceIds, releaseDevice } from './release.ts';

/** What a drive's options are to a running guest besides its limits: nothing. They are for backups, replication and people. */
const inert: ReadonlySet<string> = new Set(['backup', 'replicate', 'shared', 'size']);
const limit = /^(?:m?bps|iops)(?:_|$)/;

export async function changeDrive(live: LiveGuest, change: LiveChange): Promise<Outcome> {
  const { key, before, after } = change;
  if (before === undefined) return after === undefined ? 'done' : plugDrive(live, key, after);
  if (after === undefined) return unplugDrive(live, key, before);
  const [old, wanted] = [describedDrive(live, key, before), describedDrive(live, key, after)];
  const different = differingOptions(key, before, after);
  if (old.drive.cdrom && wanted.drive.cdrom) {
    if (different.some((option) => option !== 'file')) return waits('options of a CD-ROM drive');
    return different.length === 0 ? 'done' : changeMedium(live, wanted.drive, after);
  }
  if (different.includes('file') || old.drive.cdrom !== wanted.drive.cdrom) return replaceDrive(live, change);
  const fixed = different.filter((option) => !limit.test(option));
  if (fixed.length > 0) return waits(`${fixed.join(', ')} cannot change while the guest runs`);
  if (different.length > 0) await setLimits(live.qmp, key, wanted.drive.options);
  return 'done';
}

/** Names of the options by which two values of a drive differ and which are something to a running guest. */
function differingOptions(key: string, before: string, after: string): string[] {
  const [old, wanted] = [parseDrive(key, before), parseDrive(key, after)];
  return [...new Set([...Object.keys(old), ...Object.keys(wanted)])].filter(
    (option) => !inert.has(option) && old[option] !== wanted[option],
  );
}

interface DescribedDrive {
  readonly guest: Guest;
  readonly drive: ConfiguredDrive;
}

function describedDrive(
  live: LiveGuest,
  key: string,
  text: string,
  made?: Partial<QemuHost>,
): DescribedDrive {
  const guest = live.describe({ key, value: text }, made);
  const drive = configuredDrives(guest.config).find((one) => one.key === key);
  if (!drive) throw new RyokanError('parameter', `'${key}: ${text}' is not a drive`, { context: { key } });
  return { guest, drive };
}

/** Why a drive cannot come or go while the guest runs; undefined when it can. */
function notPluggable(live: LiveGuest, { guest, drive }: DescribedDrive): string | undefined {
  if (!live.features.has('disk')) return "the option 'hotplug' of this guest does not allow 'disk'";
  if (drive.bus === 'ide' || drive.bus === 'sata') {
    return `a drive on ${drive.bus === 'ide' ? 'an IDE' : 'a SATA'} bus cannot come or go while the guest runs; scsi with VirtIO SCSI and virtio can`;
  }
  const controller = guest.config.scsihw ?? 'lsi';
  if (drive.bus === 'scsi' && !/^virtio-scsi-/.test(controller)) {
    return `the SCSI controller '${controller}' does not tell the guest of new disks; VirtIO SCSI does`;
  }
  return undefined;
}

async function plugDrive(live: LiveGuest, key: string, text: string): Promise<Outcome> {
  const { qmp } = live;
  const reason = notPluggable(live, describedDrive(live, key, text));
  if (reason !== undefined) return waits(reason);
  const present = await deviceIds(qmp);
  // What is left where an earlier plug or unplug broke off in between: the configuration knows of no drive there.
  if (present.delete(key)) await releaseDevice(qmp, key);
  await releaseVolume(qmp, key);
  const volume = await resolveVolume(live.services, key, text);
  const described = describedDrive(live, key, text, volume ? { volumes: { [key]: volume } } : {});
  if (hasSingleControllers(described.guest)) await removeController(live, described, present);
  const plan = new LivePlan();
  addDrive(described.guest, described.drive, present, plan);
  live.context.undo('guest.unplug', { vmid: live.vmid, key });
  await plan.carryOut(qmp, (line) => live.context.log(line));
  return 'done';
}

async function unplugDrive(live: LiveGuest, key: string, text: string): Promise<Outcome> {
  const described = describedDrive(live, key, text);
  const reason = notPluggable(live, described);
  if (reason !== undefined) return waits(reason);
  if (!described.drive.cdrom && described.guest.boot.has(key)) {
    return waits(`the guest boots from it; take '${key}' out of the option 'boot' first to remove it now`);
  }
  await takeAway(live, described);
  return 'done';
}

/**
 * Takes a drive from the guest, and then all that stood behind it. An emptied controller that the guest keeps for now
 * is no reason to keep the drive: the guest may let go of it later, and it ends with the guest.
 */
async function takeAway(live: LiveGuest, described: DescribedDrive): Promise<void> {
  const { key } = described.drive;
  await releaseDevice(live.qmp, key);
  if (described.drive.bus === 'virtio') await removeObject(live.qmp, iothreadId(described.drive));
  else if (hasSingleControllers(described.guest)) {
    await removeController(live, described).catch((error: unknown) => {
      if (!(error instanceof RyokanError && error.code === 'state')) throw error;
      live.context.log(`${key} is gone, its controller is not yet: ${error.message}`);
    });
  }
  await releaseVolume(live.qmp, key);
}

/**
 * The controller of one disk (virtio-scsi-single) goes with it. It is not used again for the next disk there: the guest
 * may let go of it at any time after it was asked to, and of the disk on it as well.
 */
async function removeController(
  live: LiveGuest,
  { guest, drive }: DescribedDrive,
  present?: Set<string>,
): Promise<void> {
  const id = controllerOf(guest, drive);
  if (drive.bus !== 'scsi' || id === undefined) return;
  if (present?.has(id) !== false) await releaseDevice(live.qmp, id);
  present?.delete(id);
  await removeObject(live.qmp, iothreadId(drive));
}

async function removeObject(qmp: QmpClient, id: string): Promise<void> {
  const objects = await qmp.execute<{ name: string }[]>('qom-list', { path: '/objects' });
  if (objects.some((object) => object.name === id)) await qmp.execute('object-del', { id });
}

/** Another volume under the same key: the guest sees one disk go and another one come. */
async function replaceDrive(live: LiveGuest, { key, before, after }: Required<LiveChange>): Promise<Outcome> {
  const [old, wanted] = [before ?? '', after ?? ''];
  const reason = notPluggable(live, describedDrive(live, key, wanted));
  if (reason !== undefined) return waits(reason);
  const gone = await unplugDrive(live, key, old);
  if (gone !== 'done') return gone;
  return orBack(
    () => plugDrive(live, key, wanted),
    () => plugDrive(live, key, old),
  );
}

/** Takes away a drive that the configuration does not name: what the undo of a plug does. */
export async function dropDrive(live: LiveGuest, key: string, text: string): Promise<void> {
  await takeAway(live, describedDrive(live, key, text));
}
