/** What this kernel's nftables can do on a bridge. Asked by `nft --check`, which loads modules and changes nothing. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../../host/exec.ts';
import type { BridgeFeatures } from './compile-guest.ts';

const chain = (statement: string) =>
  `table bridge ryokan_probe {\n chain c {\n type filter hook prerouting priority 10\n ${statement}\n }\n}\n`;

/** Does nft accept the text? The network namespace is that of this process. */
export async function nftAccepts(text: string): Promise<boolean> {
  const { code } = await run('nft', ['--check', '-f', '-'], { input: text, okCodes: [0, 1] });
  return code === 0;
}

/** Debian's kernel has both as modules: nf_conntrack_bridge and nft_reject_bridge. */
export async function firewallFeatures(accepts = nftAccepts): Promise<BridgeFeatures> {
  return {
    tracking: (await accepts(chain('ct state established accept'))) ? 'bridge' : 'marks',
    reject: await accepts(chain('reject')),
  };
}

const switches = ['iptables', 'ip6tables'].map((name) => `/proc/sys/net/bridge/bridge-nf-call-${name}`);

/**
 * Lets packets of bridges pass the tables of IP, where marks tell those of known connections. Rejects with RyokanError
 * 'unsupported' on a kernel that has neither this nor connection tracking for bridges.
 */
export async function prepareMarks(): Promise<void> {
  if (!switches.every(existsSync)) {
    await run('modprobe', ['br_netfilter'], { okCodes: [0, 1] }).catch(() => undefined);
  }
  for (const file of switches) {
    if (!existsSync(file)) {
      throw new RyokanError(
        'unsupported',
        "this kernel cannot track guests' connections: it needs the module nf_conntrack_bridge or br_netfilter",
      );
    }
    if (readFileSync(file, 'utf8').trim() !== '1') writeFileSync(file, '1');
  }
}
