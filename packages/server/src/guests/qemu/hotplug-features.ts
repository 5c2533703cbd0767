/** The key `hotplug`: what may change in a guest while it runs. */

export type HotplugFeature = 'network' | 'disk' | 'cpu' | 'memory' | 'usb' | 'cloudinit';

/** What holds when the key is absent, or 1. */
const usual: readonly HotplugFeature[] = ['network', 'disk', 'usb'];

/** `text` is the key's value: a list of features, 0 for none, 1 for the usual ones. */
export function hotplugFeatures(text: string | undefined): ReadonlySet<HotplugFeature> {
  if (text === undefined || text === '1') return new Set(usual);
  if (text === '0') return new Set();
  return new Set(text.split(/[,;\s]+/).filter(Boolean) as HotplugFeature[]);
}
