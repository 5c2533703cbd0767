/** Numbers, sizes, durations and times in the language of the page, by Intl. */

const numberFormats = new Map<string, Intl.NumberFormat>();

function numberFormat(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `${language}${JSON.stringify(options)}`;
  let format = numberFormats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(language, options);
    numberFormats.set(key, format);
  }
  return format;
}

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** Bytes with a binary unit and about three digits: `1.5 GiB`, `512 MiB`, `0 B`. */
export function formatBytes(bytes: number, language: string): string {
  const exponent = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  // 1023.9 KiB would be printed as 1,024 KiB: take the next unit then.
  const step = bytes / 1024 ** exponent >= 999.5 && exponent < units.length - 1 ? exponent + 1 : exponent;
  const value = bytes / 1024 ** step;
  const digits = step === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${numberFormat(language, { maximumFractionDigits: digits }).format(value)} ${units[step]}`;
}

/** Bytes per second. */
export function formatRate(bytesPerSecond: number, language: string): string {
  return `${formatBytes(bytesPerSecond, language)}/s`;
}

/** A share of 0..1 as percent; one digit below 10 %. */
export function formatPercent(share: number, language: string): string {
  const digits = share > 0 && share < 0.0995 ? 1 : 0;
  return numberFormat(language, { style: 'percent', maximumFractionDigits: digits }).format(share);
}

export function formatNumber(value: number, language: string, digits = 2): string {
  return numberFormat(language, { maximumFractionDigits: digits }).format(value);
}

/** Seconds as the two largest units: `3 days 4 hours` as `3d 4h`; short units are the language's own. */
export function formatDuration(seconds: number, language: string): string {
  const parts: [number, Intl.NumberFormatOptions['unit']][] = [
    [Math.floor(seconds / 86400), 'day'],
    [Math.floor(seconds / 3600) % 24, 'hour'],
    [Math.floor(seconds / 60) % 60, 'minute'],
    [Math.floor(seconds) % 60, 'second'],
  ];
  // Narrow units are Latin letters in Japanese too; its short ones are as brief and read better.
  const unitDisplay = language === 'ja' ? 'short' : 'narrow';
  const first = parts.findIndex(([amount]) => amount > 0);
  const shown = first < 0 ? parts.slice(-1) : parts.slice(first, first + 2);
  return shown
    .filter(([amount], index) => amount > 0 || index === 0)
    .map(([amount, unit]) =>
      numberFormat(language, { style: 'unit', unit: unit as string, unitDisplay }).format(amount),
    )
    .join(' ');
}

/** Seconds since the epoch as date and time. */
export function formatDateTime(epoch: number, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(epoch * 1000);
}

/** Seconds since the epoch as hours and minutes. */
export function formatClock(epoch: number, language: string): string {
  return new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(
    epoch * 1000,
  );
}

/** Seconds since the epoch as month and day. */
export function formatDay(epoch: number, language: string): string {
  return new Intl.DateTimeFormat(language, { month: 'short', day: 'numeric' }).format(epoch * 1000);
}

/** How long ago (or ahead) `epoch` is, seen from `now`; both in seconds. */
export function formatRelative(epoch: number, now: number, language: string): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  const difference = epoch - now;
  const size = Math.abs(difference);
  if (size < 10) return format.format(0, 'second');
  if (size < 60) return format.format(Math.round(difference / 10) * 10, 'second');
  if (size < 3600) return format.format(Math.round(difference / 60), 'minute');
  if (size < 86400) return format.format(Math.round(difference / 3600), 'hour');
  if (size < 86400 * 60) return format.format(Math.round(difference / 86400), 'day');
  return format.format(Math.round(difference / (86400 * 30)), 'month');
}

/** A size as configuration files have it (`32G`, `512M`, `100`) in bytes; undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([KMGT]?)$/.exec(text.trim());
  if (!match) return undefined;
  return Number(match[1]) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(match[2] as string);
}
