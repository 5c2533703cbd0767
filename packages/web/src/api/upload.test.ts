import { describe, expect, it } from 'vitest';
import { speedOf } from './upload.ts';

describe('speedOf', () => {
  it('looks at the last five seconds only', () => {
    const samples = [
      { at: 0, sent: 0 },
      { at: 10_000, sent: 100 },
      { at: 12_000, sent: 300 },
      { at: 15_000, sent: 600 },
    ];
    expect(speedOf(samples, 1100)).toEqual({ speed: 100, left: 5 });
  });
  it('says nothing before half a second and while nothing moves', () => {
    expect(speedOf([{ at: 0, sent: 0 }], 10)).toBeUndefined();
    expect(
      speedOf(
        [
          { at: 0, sent: 0 },
          { at: 300, sent: 5 },
        ],
        10,
      ),
    ).toBeUndefined();
    expect(
      speedOf(
        [
          { at: 0, sent: 5 },
          { at: 2_000, sent: 5 },
        ],
        10,
      ),
    ).toBeUndefined();
  });
});
