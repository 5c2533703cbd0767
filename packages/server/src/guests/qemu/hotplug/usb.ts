/** USB devices of a running guest. A USB port can be unplugged without asking the guest. */
import type { QemuConfigKey } from '@ryokan/api/schema/qemu-config.ts';
import { type Outcome, orBack, waits } from '../../live-outcome.ts';
import { hasTablet } from '../devices/display.ts';
import { addTablet, addUsbDevice, isRedirected } from '../devices/usb.ts';
import { guestAccount } from '../guest-account.ts';
import { hostUsb } from '../host-devices.ts';
import type { LiveChange, LiveGuest } from './live-guest.ts';
import { LivePlan } from './plan.ts';
import { deviceIds, releaseDevice } from './release.ts';

const notAllowed = "the option 'hotplug' of this guest does not allow 'usb'";

export async function changeUsb(live: LiveGuest, { key, before, after }: LiveChange): Promise<Outcome> {
  if (!live.features.has('usb')) return waits(notAllowed);
  const present = await deviceIds(live.qmp);
  if (!present.has('xhci')) {
    return waits('the guest was started without the USB controller that devices can be plugged into');
  }
  if ([before, after].some((value) => value !== undefined && isOfViewer(live, key, value))) {
    return waits('ports for devices of a SPICE viewer are made when the guest starts');
  }
  if (present.has(key)) await releaseDevice(live.qmp, key);
  if (after === undefined) return 'done';
  await orBack(
    () => plug(live, key, after),
    async () => {
      if (before !== undefined && present.has(key)) await plug(live, key, before);
    },
  );
  return 'done';
}

const isOfViewer = (live: LiveGuest, key: string, value: string): boolean =>
  isRedirected(live.describe({ key, value }), key as Parameters<typeof isRedirected>[1]);

async function plug(live: LiveGuest, key: string, value: string): Promise<void> {
  const plan = new LivePlan();
  const { config } = live.describe({ key, value });
  const made = hostUsb({ ...live, config: { [key]: config[key as QemuConfigKey] }, user: guestAccount() });
  addUsbDevice(live.describe({ key, value }, made), key as `usb${number}` & QemuConfigKey, plan);
  live.context.undo('guest.unplug', { vmid: live.vmid, key });
  await plan.carryOut(live.qmp, (line) => live.context.log(line));
}

/** The pointer: absolute (the tablet) or relative. */
export async function changeTablet(live: LiveGuest, { key, after }: LiveChange): Promise<Outcome> {
  const guest = live.describe({ key, value: after });
  const present = (await deviceIds(live.qmp)).has('tablet');
  if (hasTablet(guest) === present) return 'done';
  if (!live.features.has('usb')) return waits(notAllowed);
  if (present) {
    await releaseDevice(live.qmp, 'tablet');
    return 'done';
  }
  const plan = new LivePlan();
  addTablet(guest, plan);
  await plan.carryOut(live.qmp, (line) => live.context.log(line));
  return 'done';
}
