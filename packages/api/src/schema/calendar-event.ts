/**
 * Calendar events: when a job runs, in the subset of systemd.time(7) that the public API takes.
 *
 *     [WEEKDAYS] [[YEARS-]MONTHS-DAYS] [HOURS:MINUTES | MINUTES]
 *
 * `mon..fri 22:00`, `sat *-1..7 15:00`, `8..17:0/15`, `0/5` (minutes), `daily`. Each part is `*`, numbers, ranges `1..5`
 * and steps `0/15`, separated by commas. Seconds may stand as `:00`. Times are those of the machine's time zone.
 */
import { defineFormat } from './formats.ts';

export interface CalendarEvent {
  /** 0 Sunday .. 6 Saturday, as in Date. */
  readonly weekdays: ReadonlySet<number>;
  /** Undefined: every year. */
  readonly years: ReadonlySet<number> | undefined;
  readonly months: ReadonlySet<number>;
  readonly days: ReadonlySet<number>;
  readonly hours: readonly number[];
  readonly minutes: readonly number[];
}

const names = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** Short forms, as systemd has them. */
const shortForms: Readonly<Record<string, string>> = {
  minutely: '*:*',
  hourly: '*:00',
  daily: '0:00',
  weekly: 'mon 0:00',
  monthly: '*-1 0:00',
  quarterly: '1,4,7,10-1 0:00',
  semiannually: '1,7-1 0:00',
  'semi-annually': '1,7-1 0:00',
  yearly: '1-1 0:00',
  annually: '1-1 0:00',
};

/** Reads an event. Throws Error with a text that says what is wrong. */
export function parseCalendarEvent(text: string): CalendarEvent {
  const plain = text.trim().toLowerCase();
  const parts = (shortForms[plain] ?? plain).split(/\s+/).filter(Boolean);
  if (parts.length === 0) throw new Error('an empty calendar event');
  const weekdays = /^[a-z]/.test(parts[0] ?? '') ? weekdaysOf(parts.shift() ?? '') : undefined;
  const isDate = (part: string | undefined) => part !== undefined && /[\d*]-[\d*]/.test(part);
  const date = isDate(parts[0]) ? parts.shift() : undefined;
  const time = parts.shift();
  if (parts.length > 0) throw new Error(`'${parts.join(' ')}' follows after the time`);
  // A day alone means its beginning; a time alone every day.
  const [hours, minutes] = timeOf(time ?? '0:00');
  return { weekdays: weekdays ?? numbers('*', 0, 6), ...dateOf(date), hours, minutes };
}

/** Undefined when `text` is an event, else what is wrong with it. */
export function calendarEventProblem(text: string): string | undefined {
  try {
    parseCalendarEvent(text);
    return undefined;
  } catch (error) {
    return `unable to parse calendar event '${text}': ${error instanceof Error ? error.message : String(error)}`;
  }
}

defineFormat('pve-calendar-event', calendarEventProblem);

function weekdaysOf(text: string): ReadonlySet<number> {
  const days = new Set<number>();
  for (const part of text.split(',').filter(Boolean)) {
    const [first = '', last = first, ...more] = part.split('..');
    const [from, to] = [weekday(first), weekday(last)];
    if (more.length > 0) throw new Error(`'${part}' is no range of days`);
    // From Saturday to Monday goes over the end of the week.
    for (let day = from; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === to) break;
    }
  }
  return days;
}

function weekday(text: string): number {
  const day = names.findIndex(
    (name) => text === name || (text.length > 2 && fullName(name).startsWith(text)),
  );
  if (day < 0) throw new Error(`'${text}' is no day of the week`);
  return day;
}

const fullName = (name: string): string =>
  `${{ tue: 'tues', wed: 'wednes', thu: 'thurs', sat: 'satur' }[name] ?? name}day`;

function dateOf(text: string | undefined): Pick<CalendarEvent, 'years' | 'months' | 'days'> {
  const parts = (text ?? '*-*').split('-');
  if (parts.length > 3) throw new Error(`'${text}' is no date`);
  const [days = '*', months = '*', years = '*'] = parts.reverse();
  return {
    years: years === '*' ? undefined : numbers(years, 1970, 9999),
    months: numbers(months, 1, 12),
    days: numbers(days, 1, 31),
  };
}

/** `8..17:0/15`; without a colon minutes of every hour. */
function timeOf(text: string): [hours: number[], minutes: number[]] {
  const parts = text.split(':');
  if (parts.length > 3) throw new Error(`'${text}' is no time`);
  if (parts[2] !== undefined && !/^0{1,2}$/.test(parts[2]))
    throw new Error('seconds other than 00 are not possible');
  const [hours, minutes] = parts.length === 1 ? ['*', parts[0]] : parts;
  return [sorted(numbers(hours ?? '', 0, 23)), sorted(numbers(minutes ?? '', 0, 59))];
}

const sorted = (set: ReadonlySet<number>): number[] => [...set].sort((a, b) => a - b);

/** `*`, `5`, `1..5`, `0/15`, `1..30/5` and lists of them. */
function numbers(text: string, min: number, max: number): ReadonlySet<number> {
  const found = new Set<number>();
  for (const part of text.split(',')) {
    const match = /^(?:(\*)|(\d{1,4})(?:\.\.(\d{1,4}))?)(?:\/(\d{1,4}))?$/.exec(part);
    if (!match) throw new Error(`'${part}' is no number, range or step`);
    const [, any, first, last, step] = match;
    const from = any ? min : Number(first);
    const to = any || (step !== undefined && last === undefined) ? max : Number(last ?? first);
    if (from < min || to > max || from > to) throw new Error(`'${part}' is not between ${min} and ${max}`);
    if (step === '0') throw new Error(`'${part}' has a step of 0`);
    for (let value = from; value <= to; value += Number(step ?? 1)) found.add(value);
  }
  return found;
}

/** Days that are looked at: leap days fall on the same weekday every 28 years, or 40 across a century. */
const furthestDays = 41 * 366;

/**
 * The first moment after `after` (milliseconds since the epoch); undefined when there is none. A time that a change to
 * summer time leaves out does not happen that day; one that comes twice happens once.
 */
export function nextEvent(event: CalendarEvent, after: number): number | undefined {
  const start = new Date(after);
  for (let offset = 0; offset < furthestDays; offset++) {
    // Noon exists on every day, whatever the clocks do at night.
    const day = new Date(start.getFullYear(), start.getMonth(), start.getDate() + offset, 12);
    if (!fits(event, day)) continue;
    const found = firstOn(event, day, after);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fits({ weekdays, years, months, days }: CalendarEvent, day: Date): boolean {
  return (
    weekdays.has(day.getDay()) &&
    months.has(day.getMonth() + 1) &&
    days.has(day.getDate()) &&
    (years === undefined || years.has(day.getFullYear()))
  );
}

function firstOn({ hours, minutes }: CalendarEvent, day: Date, after: number): number | undefined {
  for (const hour of hours) {
    for (const minute of minutes) {
      const moment = new Date(day.getFullYear(), day.getMonth(), day.getDate(), hour, minute);
      const exists = moment.getHours() === hour && moment.getMinutes() === minute;
      if (exists && moment.getTime() > after) return moment.getTime();
    }
  }
  return undefined;
}
