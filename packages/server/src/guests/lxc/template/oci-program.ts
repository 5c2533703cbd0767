/** What an OCI image says of the program in it, as options of a container. Source: OCI image specification, config. */
import type { ContainerTree } from '../setup/tree.ts';

export interface ContainerProgram {
  /** Option `entrypoint`: the command line, which LXC cuts at blanks; absent when the image names no program. */
  readonly entrypoint?: string;
  /** Option `env`: `NAME=value`, separated by NUL. */
  readonly env?: string;
  /** Raw keys: working folder, user, and the signal that ends it. */
  readonly lxc: readonly (readonly [key: string, value: string])[];
  /** What could not be taken over, in words. */
  readonly problems: readonly string[];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what options may not have
const plain = /^[^\x00-\x08\x0a-\x1f\x7f]*$/;

/** `config` may have any shape; the tree is the unpacked one, which knows users by their names. */
export function containerProgram(config: unknown, tree: ContainerTree): ContainerProgram {
  const given = (typeof config === 'object' && config !== null ? config : {}) as Record<string, unknown>;
  const problems: string[] = [];
  const entrypoint = commandLine([...texts(given.Entrypoint), ...texts(given.Cmd)], tree);
  if (entrypoint === undefined)
    problems.push('its program has words with blanks, and it has no /bin/sh to take them');
  const env = texts(given.Env).filter((one) => /^\w+=/.test(one) && plain.test(one));
  if (env.length < texts(given.Env).length)
    problems.push('some variables of its environment are not plain text');
  const user = userOf(text(given.User), tree);
  if (user === undefined)
    problems.push(`its user '${text(given.User).slice(0, 100)}' is not in it: it runs as root`);
  const [folder, signal] = [text(given.WorkingDir), text(given.StopSignal)];
  return {
    ...(entrypoint ? { entrypoint } : {}),
    ...(env.length === 0 ? {} : { env: env.join('\0') }),
    lxc: [
      ...(folder.startsWith('/') && folder !== '/' && plain.test(folder)
        ? [['lxc.init.cwd', folder] as const]
        : []),
      ...(user && user.uid !== '0' ? [['lxc.init.uid', user.uid] as const] : []),
      ...(user && user.gid !== '0' ? [['lxc.init.gid', user.gid] as const] : []),
      ...(/^(SIG[A-Z0-9+-]+|\d+)$/.test(signal) ? [['lxc.signal.halt', signal] as const] : []),
    ],
    problems,
  };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(text) : []);

/** Where the script stands that starts a program whose words have blanks. */
const script = '/.oci-program';

/** LXC cuts lxc.init.cmd at blanks and knows no quotes (tried: 5.0.2), so other words go through a script in the tree. */
function commandLine(words: readonly string[], tree: ContainerTree): string | undefined {
  if (words.every((word) => /^[^\s'"]+$/.test(word) && plain.test(word))) return words.join(' ');
  if (tree.kind('/bin/sh') === undefined) return undefined;
  const quoted = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  tree.write(script, `#!/bin/sh\nexec ${quoted.join(' ')}\n`, { mode: 0o755 });
  return script;
}

/** `user[:group]`, each a name or a number; undefined when the container has no such name. */
function userOf(value: string, tree: ContainerTree): { uid: string; gid: string } | undefined {
  const [user = '', group] = value.split(':');
  if (user === '') return { uid: '0', gid: '0' };
  const [uid, primary = '0'] = entry(tree, '/etc/passwd', user) ?? (/^\d+$/.test(user) ? [user] : []);
  if (uid === undefined) return undefined;
  if (group === undefined || group === '') return { uid, gid: primary };
  const gid = /^\d+$/.test(group) ? group : entry(tree, '/etc/group', group)?.[0];
  return gid === undefined ? undefined : { uid, gid };
}

/** Numbers of a line of passwd(5) or group(5), found by name or by the first number. */
function entry(tree: ContainerTree, path: string, name: string): string[] | undefined {
  const lines = (tree.read(path) ?? '').split('\n').map((line) => line.split(':'));
  const found = lines.find(([first]) => first === name) ?? lines.find(([, , id]) => id === name);
  const numbers = found?.slice(2, 4) ?? [];
  return numbers[0] !== undefined && /^\d+$/.test(numbers[0])
    ? numbers.filter((one) => /^\d+$/.test(one))
    : undefined;
}
