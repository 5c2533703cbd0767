/** From a container's configuration to what the set-up of its tree wants to know. */
import { lxcNetKeys } from '@ryokan/api/schema/lxc-config.ts';
import type { IdRange } from '../../host/user-namespace.ts';
import { parseCard } from './card.ts';
import { defaultHostname, type LxcConfig } from './config.ts';
import { type SetUpOptions, setUpContainer } from './setup/setup.ts';

export interface SetUpInside {
  readonly vmid: number;
  /** Where its root file system is mounted. */
  readonly root: string;
  readonly ids: readonly IdRange[];
  readonly config: LxcConfig;
  readonly password?: string | undefined;
  readonly sshKeys?: string | undefined;
  /** How it has come to be, when that was just now. */
  readonly made?: SetUpOptions['made'];
  readonly log: (line: string) => void;
}

/** Host name, name servers, network, terminals; see setup/setup.ts. */
export async function setUpInside(options: SetUpInside): Promise<void> {
  const { vmid, root, ids, config, password, sshKeys, made, log } = options;
  const nets = lxcNetKeys.flatMap((key) => {
    const text = config[key];
    if (text === undefined) return [];
    const { name, ip, gw, ip6, gw6 } = parseCard(key, text);
    return [{ name, ...present({ ip, gw, ip6, gw6 }) }];
  });
  const { hostname = defaultHostname(vmid), nameserver, searchdomain, timezone, ostype, tty } = config;
  await setUpContainer({
    root,
    ids,
    config: {
      hostname,
      nets,
      ...present({ nameserver, searchdomain, timezone, ostype, tty, console: config.console }),
    },
    ...present({ password, sshKeys, made }),
    log,
  });
}

/** Without the keys that have no value. */
function present<T extends Record<string, unknown>>(
  values: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
