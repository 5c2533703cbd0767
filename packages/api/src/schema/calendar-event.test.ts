import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { calendarEventProblem, nextEvent, parseCalendarEvent } from './calendar-event.ts';

/** Local time of the zone that the test sets. */
const at = (text: string): number => new Date(text).getTime();

function following(event: string, after: string, count = 3): string[] {
  const parsed = parseCalendarEvent(event);
  const found: string[] = [];
  let moment = at(after);
  while (found.length < count) {
    const next = nextEvent(parsed, moment);
    if (next === undefined) break;
    moment = next;
    const date = new Date(next);
    const two = (value: number) => String(value).padStart(2, '0');
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    found.push(`${day}T${two(date.getHours())}:${two(date.getMinutes())}`);
  }
  return found;
}

describe('calendar events', () => {
  const before = process.env.TZ;
  beforeEach(() => {
    process.env.TZ = 'Europe/Berlin';
  });
  afterEach(() => {
    process.env.TZ = before;
  });

  // 2026-11-21 is a Saturday.
  it.each<[string, string, string[]]>([
    ['daily', '2026-11-21T10:00', ['2026-11-22T00:00', '2026-11-23T00:00', '2026-11-24T00:00']],
    ['hourly', '2026-11-21T10:00', ['2026-11-21T11:00', '2026-11-21T12:00', '2026-11-21T13:00']],
    ['22:00', '2026-11-21T21:59', ['2026-11-21T22:00', '2026-11-22T22:00', '2026-11-23T22:00']],
    ['22:00:00', '2026-11-21T22:00', ['2026-11-22T22:00', '2026-11-23T22:00', '2026-11-24T22:00']],
    ['*/20', '2026-11-21T10:05', ['2026-11-21T10:20', '2026-11-21T10:40', '2026-11-21T11:00']],
    ['30', '2026-11-21T10:05', ['2026-11-21T10:30', '2026-11-21T11:30', '2026-11-21T12:30']],
    ['mon..wed 30/10', '2026-11-21T10:05', ['2026-11-23T00:30', '2026-11-23T00:40', '2026-11-23T00:50']],
    ['8..17,22:0/30', '2026-11-21T17:00', ['2026-11-21T17:30', '2026-11-21T22:00', '2026-11-21T22:30']],
    ['sat..mon', '2026-11-21T00:00', ['2026-11-22T00:00', '2026-11-23T00:00', '2026-11-28T00:00']],
    ['Fri,Sun 1:00', '2026-11-21T00:00', ['2026-11-22T01:00', '2026-11-27T01:00', '2026-11-29T01:00']],
    [
      'saturday *-1..7 15:00',
      '2026-11-21T00:00',
      ['2026-12-05T15:00', '2027-01-02T15:00', '2027-02-06T15:00'],
    ],
    ['2027-3-*/15 12:00', '2026-11-21T00:00', ['2027-03-01T12:00', '2027-03-16T12:00', '2027-03-31T12:00']],
    ['quarterly', '2026-11-21T00:00', ['2027-01-01T00:00', '2027-04-01T00:00', '2027-07-01T00:00']],
    ['*-2-29', '2026-11-21T00:00', ['2028-02-29T00:00', '2032-02-29T00:00', '2036-02-29T00:00']],
    ['2025-1-1', '2026-11-21T00:00', []],
    ['*-2-30', '2026-11-21T00:00', []],
  ])('%s', (event, after, expected) => {
    expect(following(event, after)).toEqual(expected);
  });

  it('leaves out what summer time leaves out, and does nothing twice', () => {
    expect(following('2:30', '2027-03-27T00:00')).toEqual([
      '2027-03-27T02:30',
      '2027-03-29T02:30',
      '2027-03-30T02:30',
    ]);
    expect(following('2:30', '2026-10-24T12:00', 2)).toEqual(['2026-10-25T02:30', '2026-10-26T02:30']);
  });

  it('is quick even when it searches for long', () => {
    const started = performance.now();
    expect(following('sat *-2-29 4:00', '2026-11-21T00:00', 1)).toEqual(['2048-02-29T04:00']);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  it.each([
    ['', 'empty'],
    ['someday', "'someday' is no day"],
    ['25:00', 'not between 0 and 23'],
    ['12:00:30', 'seconds'],
    ['*/0', 'step of 0'],
    ['mon 12:00 x', 'follows'],
    ['1-2-3-4', 'no date'],
    ['5..1:00', 'not between'],
    ['9'.repeat(5000), 'no number'],
  ])('refuses %j', (event, text) => {
    expect(calendarEventProblem(event)).toContain(text);
  });
});
