/** Which keys of a container the tables of its resources and of its network cards show. */
import type { DeviceGroup } from '../config-model.ts';
import type { DeviceLayout } from '../hardware-model.ts';

const resources: readonly (readonly [RegExp, DeviceGroup])[] = [
  [/^memory$/, 'memory'],
  [/^swap$/, 'swap'],
  [/^(cores|cpulimit|cpuunits)$/, 'cpu'],
  [/^rootfs$/, 'rootfs'],
  [/^mp\d+$/, 'mountpoint'],
  [/^unused\d+$/, 'unused'],
  [/^dev\d+$/, 'device'],
];

export const resourceLayout: DeviceLayout = {
  combined: { memory: ['memory'], swap: ['swap'], cpu: ['cores', 'cpulimit', 'cpuunits'] },
  order: ['memory', 'swap', 'cpu', 'rootfs', 'mountpoint', 'unused', 'device'],
  groupOf: (key) => resources.find(([pattern]) => pattern.test(key))?.[1],
};

export const cardLayout: DeviceLayout = {
  combined: {},
  order: ['card'],
  groupOf: (key) => (/^net\d+$/.test(key) ? 'card' : undefined),
};
