/** Measurements over time. Loaded on demand, since the plotting library is not needed for the first page. */
import { FormSelect, FormSelectOption } from '@patternfly/react-core';
import type { Method, ParamsOf } from '@ryokan/api/method.ts';
import type { TObject, TSchema } from '@ryokan/api/schema/types.ts';
import { useState } from 'react';
import { useCall } from '../api/query.ts';
import { useT } from '../i18n/index.ts';
import { useVisible } from '../util/use-visible.ts';
import { Panel } from './facts.tsx';
import { Plot, type PlotSeries, type PlotUnit, type Sample } from './plot.tsx';

export type Timeframe = 'hour' | 'day' | 'week' | 'month' | 'year';
const timeframes: readonly Timeframe[] = ['hour', 'day', 'week', 'month', 'year'];
const refreshMs = 10_000;

export interface PlotsProps<P extends TObject, R extends TSchema> {
  readonly read: (timeframe: Timeframe) => { method: Method<P, R>; params: ParamsOf<Method<P, R>> };
  readonly plots: readonly { title: string; unit: PlotUnit; series: readonly PlotSeries[] }[];
}

export default function Plots<P extends TObject, R extends TSchema>({ read, plots }: PlotsProps<P, R>) {
  const t = useT();
  const visible = useVisible();
  const [timeframe, setTimeframe] = useState<Timeframe>('hour');
  const { method, params } = read(timeframe);
  const { data, error } = useCall(method, params, { everyMs: visible ? refreshMs : 0 });
  const samples = (data ?? []) as readonly Sample[];
  const names: Readonly<Record<Timeframe, string>> = {
    hour: t('plot.hour'),
    day: t('plot.day'),
    week: t('plot.week'),
    month: t('plot.month'),
    year: t('plot.year'),
  };
  return (
    <Panel
      className="ry-span"
      title={t('plot.title')}
      actions={
        <FormSelect
          aria-label={t('plot.timeframe')}
          value={timeframe}
          onChange={(_, value) => setTimeframe(value as Timeframe)}
          className="ry-timeframe"
        >
          {timeframes.map((one) => (
            <FormSelectOption key={one} value={one} label={names[one]} />
          ))}
        </FormSelect>
      }
    >
      {error ? <p className="ry-subtle">{t('plot.none')}</p> : null}
      <div className="ry-plots">
        {plots.map((plot) => (
          <Plot key={plot.title} {...plot} samples={samples} />
        ))}
      </div>
    </Panel>
  );
}
