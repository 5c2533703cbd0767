import { useMemo } from 'react';
import * as format from './format.ts';
import { usePreferences } from './preferences.ts';

export interface Format {
  bytes(bytes: number): string;
  rate(bytesPerSecond: number): string;
  percent(share: number): string;
  number(value: number, digits?: number): string;
  duration(seconds: number): string;
  dateTime(epoch: number): string;
  clock(epoch: number): string;
  day(epoch: number): string;
  relative(epoch: number, now: number): string;
}

/** The formatting functions in the language of the page. */
export function useFormat(): Format {
  const { language } = usePreferences();
  return useMemo(
    () => ({
      bytes: (value) => format.formatBytes(value, language),
      rate: (value) => format.formatRate(value, language),
      percent: (value) => format.formatPercent(value, language),
      number: (value, digits) => format.formatNumber(value, language, digits),
      duration: (value) => format.formatDuration(value, language),
      dateTime: (value) => format.formatDateTime(value, language),
      clock: (value) => format.formatClock(value, language),
      day: (value) => format.formatDay(value, language),
      relative: (value, now) => format.formatRelative(value, now, language),
    }),
    [language],
  );
}
