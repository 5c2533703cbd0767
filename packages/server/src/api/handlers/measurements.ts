/** Measurements of guests and of the node over time, as rows and as pictures. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ParameterError } from '@ryokan/api/errors.ts';
import {
  lxcRrd,
  lxcRrddata,
  nodeRrd,
  nodeRrddata,
  qemuRrd,
  qemuRrddata,
} from '@ryokan/api/methods/measurements.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { readGuest } from '../../guests/guest-store.ts';
import { drawGraph } from '../../metrics/graph.ts';
import type { Timeframe } from '../../metrics/series.ts';
import { type HandlerTable, PictureReply } from '../handler-table.ts';

interface Question {
  readonly timeframe: Timeframe;
  readonly cf?: 'AVERAGE' | 'MAX';
}

/** Lines in one picture: more nobody can tell apart. */
const mostSources = 6;

export function measurementHandlers(table: HandlerTable, services: DaemonServices): void {
  const { guests, paths, sampler, settings, store } = services;

  const nodePoints = ({ timeframe, cf }: Question) => sampler.nodeSeries.read(timeframe, cf === 'MAX');
  const guestPoints = (kind: 'qemu' | 'lxc', vmid: number, { timeframe, cf }: Question) => {
    readGuest(store, kind, settings.node, vmid);
    const { cpus = 1, maxmem = 0, maxdisk = 0 } = guests.get(vmid) ?? {};
    return sampler
      .series(vmid)
      .read(timeframe, cf === 'MAX')
      .map((point) => ({ ...point, cpu: (point.cpu ?? 0) / cpus, maxcpu: cpus, maxmem, maxdisk }));
  };
  const draw = async (
    name: string,
    { timeframe, ds }: Question & { readonly ds: string },
    points: readonly Readonly<Record<string, number>>[],
  ) => {
    const sources = [...new Set(splitList(ds))];
    if (sources.length === 0) throw new ParameterError({ ds: 'name at least one measurement, such as cpu' });
    if (sources.length > mostSources)
      throw new ParameterError({ ds: `at most ${mostSources} in one picture` });
    const folder = join(paths.run, 'graphs');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // One file for each object and time frame, however often somebody asks.
    const file = join(folder, `${name}-${timeframe}.png`);
    const png = await drawGraph({ points, timeframe, sources, file, scratch: folder });
    return new PictureReply(png, file);
  };

  table.on(qemuRrddata, (params) => guestPoints('qemu', params.vmid, params));
  table.on(lxcRrddata, (params) => guestPoints('lxc', params.vmid, params));
  table.on(nodeRrddata, (params) => nodePoints(params));
  table.on(qemuRrd, (params) =>
    draw(`qemu-${params.vmid}`, params, guestPoints('qemu', params.vmid, params)),
  );
  table.on(lxcRrd, (params) => draw(`lxc-${params.vmid}`, params, guestPoints('lxc', params.vmid, params)));
  table.on(nodeRrd, (params) => draw('node', params, nodePoints(params)));
}
