/** Measurements as a picture, drawn by rrdtool(1) from a file that lives only as long as that takes. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { ExecError, run } from '../host/exec.ts';
import { writeFileAtomic } from '../host/files.ts';
import { frames, type Timeframe } from './series.ts';

export interface GraphRequest {
  /** As Series.read gives them. */
  readonly points: readonly Readonly<Record<string, number>>[];
  readonly timeframe: Timeframe;
  /** Names of measurements, at least one. */
  readonly sources: readonly string[];
  /** Where the picture is put; an older one is replaced. */
  readonly file: string;
  /** Folder for what is needed meanwhile. */
  readonly scratch: string;
}

/** In the order of the sources; told apart also by who does not see red and green differently. */
const colours = ['0072b2', 'd55e00', '009e73', 'cc79a7', 'e69f00', '56b4e9'];

/** Rejects with ParameterError for a source that is never measured, RyokanError 'unsupported' without rrdtool. */
export async function drawGraph(request: GraphRequest): Promise<Buffer> {
  const { points, sources } = request;
  if (points.length > 0) {
    const unknown = sources.find((source) => !points.some((point) => source in point));
    if (unknown !== undefined) throw new ParameterError({ ds: `there are no measurements of '${unknown}'` });
  }
  const folder = await mkdtemp(join(request.scratch, 'graph-'));
  try {
    const picture = await draw(request, folder);
    await writeFileAtomic(request.file, picture, { mode: 0o600 });
    return picture;
  } catch (error) {
    if (error instanceof ExecError && error.code === -1)
      throw new RyokanError(
        'unsupported',
        'pictures need the Debian package rrdtool: install it on the node',
      );
    throw error;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function draw({ points, timeframe, sources }: GraphRequest, folder: string): Promise<Buffer> {
  const { step, points: kept } = frames[timeframe];
  const now = Math.floor(Date.now() / 1000);
  const database = join(folder, 'data.rrd');
  const picture = join(folder, 'graph.png');
  // Every time is moved by one step: a value of rrdtool ends at its time, a point of ours begins there.
  const first = points[0]?.time ?? now;
  await run('rrdtool', [
    ...['create', database, '--start', String(first), '--step', String(step)],
    ...sources.map((_, i) => `DS:d${i}:GAUGE:${step * 2}:U:U`),
    `RRA:AVERAGE:0.5:1:${kept + 1}`,
  ]);
  if (points.length > 0) {
    const rows = points.map((point) => [point.time ?? 0, ...sources.map((source) => point[source] ?? 'U')]);
    await run('rrdtool', [
      'update',
      database,
      ...rows.map(([time, ...values]) => [Number(time) + step, ...values].join(':')),
    ]);
  }
  await run('rrdtool', [
    ...['graph', picture, '--start', String(now - step * kept), '--end', String(now)],
    ...['--width', '800', '--height', '200', '--lower-limit', '0'],
    ...sources.flatMap((source, i) => [
      `DEF:v${i}=${database}:d${i}:AVERAGE`,
      `LINE2:v${i}#${colours[i % colours.length]}:${source}`,
    ]),
  ]);
  return readFile(picture);
}
