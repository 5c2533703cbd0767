import 'uplot/dist/uPlot.min.css';
import { useEffect, useMemo, useRef, useState } from 'react';
import UPlot from 'uplot';
import { useT } from '../i18n/index.ts';
import { useDark, usePreferences } from '../util/preferences.ts';
import { type Format, useFormat } from '../util/use-format.ts';

export type PlotUnit = 'percent' | 'bytes' | 'rate' | 'number';
export interface PlotSeries {
  readonly key: string;
  readonly label: string;
}
/** One measurement: `time` in seconds since the epoch, values by name. */
export type Sample = Readonly<Record<string, number | undefined>>;

const height = 150;
/** First and second line; both keep 3:1 against their background. */
const strokes = { light: ['#1f6fb2', '#b5540a'], dark: ['#6cb4ee', '#f0a868'] } as const;
const fills = { light: '#1f6fb21f', dark: '#6cb4ee26' } as const;

function printer(unit: PlotUnit, format: Format): (value: number) => string {
  if (unit === 'percent') return format.percent;
  if (unit === 'bytes') return format.bytes;
  return unit === 'rate' ? format.rate : (value) => format.number(value);
}

/** Columns as the plotting library wants them: times, then one array a series; gaps are null. */
export function toColumns(samples: readonly Sample[], keys: readonly string[]): UPlot.AlignedData {
  const rows = samples.filter((sample) => typeof sample.time === 'number');
  const columns = keys.map((key) =>
    rows.map((row) => (typeof row[key] === 'number' ? (row[key] as number) : null)),
  );
  return [rows.map((row) => row.time as number), ...columns] as UPlot.AlignedData;
}

export function Plot(props: {
  title: string;
  unit: PlotUnit;
  series: readonly PlotSeries[];
  samples: readonly Sample[];
}) {
  const t = useT();
  const format = useFormat();
  const dark = useDark();
  const { language } = usePreferences();
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(null);
  const { title, unit, series, samples } = props;
  const keys = series.map((one) => one.key).join();
  const data = useMemo(() => toColumns(samples, keys.split(',')), [samples, keys]);
  // Under the pointer, or the newest one.
  const [at, setAt] = useState<number>();
  const latest = (at === undefined ? undefined : samples[at]) ?? samples[samples.length - 1];
  const print = printer(unit, format);
  const labels = series.map((one) => one.label).join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: new data go in by setData below; these need a new plot
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const one = new UPlot(
      options(element.clientWidth, unit, labels.split(','), format, dark, setAt),
      data,
      element,
    );
    plot.current = one;
    const resize = new ResizeObserver(() => one.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      one.destroy();
      plot.current = null;
    };
  }, [unit, labels, dark, language]);
  useEffect(() => plot.current?.setData(data), [data]);

  const palette = strokes[dark ? 'dark' : 'light'];
  const summary = series
    .map((one) => `${one.label} ${latest?.[one.key] === undefined ? '–' : print(latest[one.key] as number)}`)
    .join(', ');
  return (
    <figure className="ry-plot">
      <figcaption>
        <span className="ry-plot-title">{title}</span>
        {at === undefined || latest?.time === undefined ? null : (
          <span className="ry-subtle">{format.dateTime(latest.time)}</span>
        )}
        {series.map((one, index) => (
          <span key={one.key} className="ry-plot-legend">
            <span
              aria-hidden
              className="ry-plot-swatch"
              style={{ background: palette[index % palette.length] }}
            />
            {one.label}{' '}
            <span className="ry-number">
              {latest?.[one.key] === undefined ? '–' : print(latest[one.key] as number)}
            </span>
          </span>
        ))}
      </figcaption>
      <div
        ref={box}
        role="img"
        aria-label={t('plot.describe', { title, summary })}
        style={{ blockSize: height }}
      />
    </figure>
  );
}

/** Steps of the time axis in seconds: minutes, hours, days, weeks, months. */
const timeSteps = [
  60, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000,
];
/** Steps of sizes: 1, 2, 5 … of each binary unit, so that the axis reads 512 MiB and not 488. */
const binarySteps = Array.from({ length: 6 }, (_, unit) =>
  [1, 2, 5, 10, 20, 50, 100, 200, 500].map((step) => step * 1024 ** unit),
).flat();

/** Hours and minutes, or the day when the axis spans more than two days. */
function timeText(value: number, splits: readonly number[], format: Format): string {
  const span = (splits[splits.length - 1] ?? 0) - (splits[0] ?? 0);
  return span > 2 * 86400 ? format.day(value) : format.clock(value);
}

function options(
  width: number,
  unit: PlotUnit,
  labels: readonly string[],
  format: Format,
  dark: boolean,
  onCursor: (index: number | undefined) => void,
): UPlot.Options {
  const palette = strokes[dark ? 'dark' : 'light'];
  const grid = { stroke: dark ? '#ffffff1a' : '#00000014', width: 1 };
  const axis = {
    stroke: dark ? '#b8bbbe' : '#4d5258',
    grid,
    ticks: { show: false },
    font: '11px sans-serif',
  };
  const print = printer(unit, format);
  return {
    width,
    height,
    legend: { show: false },
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx ?? undefined)] },
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      // Axis values are printed by Intl, in the time zone of the browser.
      x: { time: false },
      y: {
        range: (_, __, max) => [
          0,
          unit === 'percent' ? Math.max(0.05, Math.min(1, max * 1.15)) : Math.max(1, max * 1.15),
        ],
      },
    },
    axes: [
      {
        ...axis,
        incrs: timeSteps,
        space: 70,
        values: (_, splits) => splits.map((value) => timeText(value, splits, format)),
      },
      {
        ...axis,
        size: 66,
        ...(unit === 'bytes' || unit === 'rate' ? { incrs: binarySteps } : {}),
        values: (_, splits) => splits.map((value) => (value === null ? '' : print(value))),
      },
    ],
    series: [
      {},
      ...labels.map((label, index) => ({
        label,
        stroke: palette[index % palette.length] as string,
        width: 1.5,
        points: { show: false },
        ...(index === 0 ? { fill: fills[dark ? 'dark' : 'light'] } : {}),
      })),
    ],
  };
}
