import { expect, test } from 'vitest';
import { withoutBootDevice } from './boot-order.ts';

test('a device that goes leaves the boot order; the last one takes the order along', () => {
  expect(withoutBootDevice({ boot: 'order=scsi0;net0', name: 'a' }, 'scsi0')).toEqual({
    boot: 'order=net0',
    name: 'a',
  });
  expect(withoutBootDevice({ boot: 'order=scsi0', name: 'a' }, 'scsi0')).toEqual({ name: 'a' });
});

test('an order without the device, of the older form or empty stays as it is', () => {
  for (const boot of ['cdn', 'order=', 'order=scsi10;net0']) {
    expect(withoutBootDevice({ boot }, 'scsi1')).toEqual({ boot });
  }
});
