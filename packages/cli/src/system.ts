/** What a command sees of the machine around it; the real one is made in main.ts, tests bring their own. */
import type { CliHelp, CliManifest } from './manifest.ts';
import type { Transport } from './transport.ts';

export interface System {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly manifest: () => CliManifest;
  readonly help: () => CliHelp;
  readonly loadYaml: () => Promise<(value: unknown) => string>;
  /** The API of the node whose state stands in `dataDir`. */
  readonly connect: (dataDir: string) => Transport;
  /** Content of a small file; undefined when it is not there. */
  readonly readText: (path: string) => string | undefined;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  /** Columns of the terminal on stdout; undefined when it is none. */
  readonly columns: number | undefined;
  /** Asks for a secret without showing it; reads one line when stdin is no terminal. */
  readonly askSecret: (prompt: string) => Promise<string>;
  /** Calls `handler` on each Ctrl-C; returns how to take that back. */
  readonly onInterrupt: (handler: () => void) => () => void;
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
}

/** Does the locale write UTF-8? Decides which characters draw tables. */
export function isUtf8(env: System['env']): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return /utf-?8/i.test(locale);
}
