/** The screen of a guest in a SPICE viewer, which the browser starts by a downloaded `.vv` file. */
import { qemuSpiceproxy } from '@ryokan/api/methods/spice.ts';
import type { Guest } from '../../api/rows.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { translate } from '../../i18n/index.ts';
import { viewerFile } from './viewer-file.ts';

/** Asks for an access that is good for some seconds and hands its file to the browser. */
export async function openSpice({ node, vmid }: Pick<Guest, 'node' | 'vmid'>): Promise<void> {
  const values = await run(translate('spice.failed'), () =>
    // The viewer goes the way that the browser came.
    api.call(qemuSpiceproxy, { node, vmid, proxy: location.hostname }),
  );
  if (!values) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([viewerFile(values)], { type: 'application/x-virt-viewer' }));
  link.download = `vm-${vmid}.vv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
