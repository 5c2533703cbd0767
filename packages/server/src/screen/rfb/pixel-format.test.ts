import { expect, test } from 'vitest';
import {
  ownFormat,
  type PixelFormat,
  PixelWriter,
  readPixelFormat,
  writePixelFormat,
} from './pixel-format.ts';

const rgb565: PixelFormat = {
  ...{ bitsPerPixel: 16, depth: 16, bigEndian: true },
  ...{ redMax: 31, greenMax: 63, blueMax: 31, redShift: 11, greenShift: 5, blueShift: 0 },
};
const bytes = (format: PixelFormat, colour: number, compact = false) =>
  new PixelWriter(format, compact).bytesOf(colour).toString('hex');

test('what is written is read back', () => {
  for (const format of [ownFormat, rgb565]) expect(readPixelFormat(writePixelFormat(format))).toEqual(format);
});

test('colours as clients ask for them', () => {
  expect(bytes(ownFormat, 0x112233)).toBe('33221100');
  expect(bytes({ ...ownFormat, bigEndian: true }, 0x112233)).toBe('00112233');
  expect(bytes(rgb565, 0xff0000)).toBe('f800');
  expect(bytes({ ...rgb565, bigEndian: false }, 0x00ff00)).toBe('e007');
});

test('pixels of ZRLE: three bytes where the fourth holds nothing', () => {
  expect(bytes(ownFormat, 0x112233, true)).toBe('332211');
  expect(bytes({ ...ownFormat, bigEndian: true }, 0x112233, true)).toBe('112233');
  const high = { ...ownFormat, redShift: 24, greenShift: 16, blueShift: 8 };
  expect(bytes(high, 0x112233, true)).toBe('332211');
  expect(bytes({ ...ownFormat, depth: 32 }, 0x112233, true)).toBe('33221100');
  expect(bytes(rgb565, 0xff0000, true)).toBe('f800');
});
