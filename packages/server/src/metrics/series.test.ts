import { expect, test } from 'vitest';
import { Series } from './series.ts';

test('values of one step are averaged, their maximum is kept', () => {
  const series = new Series();
  series.add(600, { cpu: 0.2 });
  series.add(610, { cpu: 0.4 });
  series.add(660, { cpu: 1 });
  expect(series.read('hour')).toEqual([
    { time: 600, cpu: expect.closeTo(0.3) },
    { time: 660, cpu: 1 },
  ]);
  expect(series.read('hour', true)[0]).toEqual({ time: 600, cpu: 0.4 });
  expect(series.read('day')).toHaveLength(1);
});

test('each time frame keeps a limited number of points', () => {
  const series = new Series();
  for (let time = 0; time < 3 * 3600; time += 10) series.add(time, { a: time });
  expect(series.read('hour')).toHaveLength(70);
  expect(series.read('hour').at(-1)?.time).toBe(3 * 3600 - 60);
});
