/**
 * Writes what a container's configuration says into its tree, as its distribution wants it: host name, name servers,
 * network, logins, time zone, consoles. On creation and before every start; a file that is right already is not
 * touched, and `.pve-ignore.<file>` beside a file keeps it as it is.
 */
import type { IdRange } from '../../../host/user-namespace.ts';
import { detectSystem, type OsType } from './detect.ts';
import { distributionOf } from './distributions.ts';
import { setUpLogin } from './login.ts';
import { SetupFiles } from './setup-files.ts';
import { ContainerTree } from './tree.ts';

/** One network card of the container. */
export interface ContainerNet {
  /** Name inside: `eth0`. */
  readonly name: string;
  /** `a.b.c.d/n`, `dhcp` or `manual`; absent counts as manual. */
  readonly ip?: string;
  readonly gw?: string;
  /** `…/n`, `auto`, `dhcp` or `manual`; absent counts as manual. */
  readonly ip6?: string;
  readonly gw6?: string;
}

/** What the set-up needs to know of a container's configuration. */
export interface ContainerSetup {
  readonly hostname: string;
  readonly nets: readonly ContainerNet[];
  /** IP addresses, separated by blanks; without both this and `searchdomain` those of the host are taken. */
  readonly nameserver?: string;
  readonly searchdomain?: string;
  /** `Europe/Berlin`, or `host` for that of the host. */
  readonly timezone?: string;
  /** Absent: found out from the tree. */
  readonly ostype?: OsType;
  /** Terminals with a login (0..6), default 2. */
  readonly tty?: number;
  /** Does it have /dev/console? Default true. */
  readonly console?: boolean;
}

export interface SetUpOptions {
  /** The container's tree, mounted; the container is not running. */
  readonly root: string;
  readonly ids: readonly IdRange[];
  readonly config: ContainerSetup;
  /** Of root, in clear text; only its hash goes into the container. */
  readonly password?: string;
  /** Lines of an authorized_keys file, added to those of root. */
  readonly sshKeys?: string;
  /**
   * The container has just been made of a template, or of another container: it also gets an identity of its own. The
   * SSH host keys of a clone stay, since it may take the place of its original.
   */
  readonly made?: 'new' | 'clone';
  readonly log: (line: string) => void;
}

/** Rejects with RyokanError when something in the tree stands in the way. */
export async function setUpContainer(options: SetUpOptions): Promise<void> {
  const { root, ids, config, made, log } = options;
  const tree = new ContainerTree(root, ids);
  const files = new SetupFiles(tree, log);
  const ostype = config.ostype ?? detectSystem(tree).ostype;
  if (ostype === 'unmanaged') return tellOfLogin(options);
  const distribution = distributionOf(ostype, tree);
  for (const step of distribution) step({ files, config, ostype, first: made === 'new', log });
  await setUpLogin(files, options);
}

/**
 * Where the accounts of an unknown system stand nobody knows. No warning of the task: clients such as Ansible's module
 * give a password to every container, and wait for a task that ends with OK.
 */
function tellOfLogin({ password, sshKeys, log }: SetUpOptions): void {
  const given = [
    ...(password === undefined ? [] : ['password']),
    ...(sshKeys === undefined ? [] : ['SSH keys']),
  ];
  if (given.length === 0) return;
  log(
    `the ${given.join(' and the ')} of root were not set: the system inside is none that is known (ostype 'unmanaged'); ` +
      "set them inside with 'pct enter' once it runs, or create it anew with the ostype of the distribution that it is like",
  );
}
