import type { ImportMetadata } from '@ryokan/api/import-plan.ts';
import { expect, it } from 'vitest';
import { draftOf, importParams, problemsOf } from './import-draft.ts';

const metadata: ImportMetadata = {
  type: 'vm',
  source: 'ova',
  'create-args': { name: 'web', cores: 2, sockets: 2, memory: 4096, ostype: 'l26', boot: 'order=scsi0' },
  disks: { scsi0: { volid: 'local:import/web.ova/a.vmdk', size: 1024 ** 3 }, scsi1: { size: 1024 ** 3 } },
  net: { net0: { model: 'vmxnet3', macaddr: '00:50:56:8A:00:01' } },
  warnings: [],
};
const first = { vmid: '105', storage: 'local', bridge: 'vmbr0' };

it('needs nothing but a click', () => {
  const draft = draftOf(metadata, first);
  expect(problemsOf('pve1', metadata, draft)).toEqual({});
  expect(importParams('pve1', metadata, draft)).toMatchObject({
    ...{ node: 'pve1', vmid: '105', name: 'web', cores: '2', sockets: '2', memory: '4096' },
    ...{ scsi0: 'local:0,import-from=local:import/web.ova/a.vmdk', scsi1: 'local:1' },
    net0: 'vmxnet3=00:50:56:8A:00:01,bridge=vmbr0',
  });
});

it('takes what was changed, and says what is wrong with it', () => {
  const draft = {
    ...draftOf(metadata, first),
    ...{ name: '', memory: '1024', newMacs: true, start: true, vmid: '7' },
    disks: {
      scsi0: { use: true, storage: 'fast', format: 'raw' },
      scsi1: { use: false, storage: 'x', format: '' },
    },
    nets: { net0: { use: true, bridge: '', model: 'virtio' } },
  };
  const params = importParams('pve1', metadata, draft);
  expect(params).toMatchObject({ memory: '1024', name: 'web', net0: 'virtio', start: '1' });
  expect(params.scsi0).toBe('fast:0,import-from=local:import/web.ova/a.vmdk,format=raw');
  expect(params).not.toHaveProperty('scsi1');
  expect(Object.keys(problemsOf('pve1', metadata, draft))).toEqual(['vmid']);
});
