/** What this kernel's nftables can do on a bridge. Asked by `nft --check`, which loads modules and changes nothing. */
import { run } from '../../host/exec.ts';
import type { FirewallInput } from './compile.ts';

export type FirewallFeatures = Pick<FirewallInput, 'tracking' | 'reject'>;

const chain = (statement: string) =>
  `table bridge ryokan_probe {\n chain c {\n type filter hook prerouting priority 10\n ${statement}\n }\n}\n`;

/** Does nft accept the text? The network namespace is that of this process. */
export async function nftAccepts(text: string): Promise<boolean> {
  const { code } = await run('nft', ['--check', '-f', '-'], { input: text, okCodes: [0, 1] });
  return code === 0;
}

/** Debian's kernel has both as modules: nf_conntrack_bridge and nft_reject_bridge. */
export async function firewallFeatures(accepts = nftAccepts): Promise<FirewallFeatures> {
  return {
    tracking: (await accepts(chain('ct state established accept'))) ? 'bridge' : 'marks',
    reject: await accepts(chain('reject')),
  };
}
