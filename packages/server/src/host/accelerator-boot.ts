/**
 * The assembled boot sector of the accelerator self-test. Its source, with every instruction explained, is
 * accelerator-boot.s; a test assembles that again and compares.
 */

/** Exit codes by which the test guest ends QEMU (isa-debug-exit: 2 * value + 1). */
export const exitCodes = { passed: 99, noLongMode: 101 } as const;

/** Port of the isa-debug-exit device that the test guest writes to. */
export const exitPort = 0xf4;

/** Machine code from the start of the sector; zeroes follow up to the signature. */
const code =
  '+jHAjtiOwI7QvAB86hF8AAD79PoPARb4fA8gwAwBDyLAZuopfAAACABmuBAAjtiOwI7QuAEAAIAPog+64h1yBbAy5vT0/DHA' +
  'vwAQAAC5AAwAAPOrxwUAEAAAAyAAAMcFABgAAAMgAADHBQAgAAADMAAAxwUAMAAAgwAAAA8g4AwgDyLguAAQAAAPIti5gAAA' +
  'wA8yZg0AAQ8wDyDADQAAAIAPIsDqq3wAABgASb/vzauJZ0UjAUi/AFAAAACA//9MiT++AFAAAEw5PnUEsDHm9PTr/Y10JgCQ' +
  'AAAAAAAAAAD//wAAAJrPAP//AAAAks8A//8AAACarwAfANh8';

const sectorSize = 512;

/** The 512 bytes of the sector. */
export function bootSector(): Buffer {
  const sector = Buffer.alloc(sectorSize);
  Buffer.from(code, 'base64').copy(sector);
  sector.writeUInt16LE(0xaa55, sectorSize - 2);
  return sector;
}
