/** One run of a command: the node it speaks to, and how it writes. */
import type { CommonOption } from './command.ts';
import { LocalError } from './errors.ts';
import type { CliManifest } from './manifest.ts';
import type { OutputOptions } from './render.ts';
import type { System } from './system.ts';
import type { Transport } from './transport.ts';

export const defaultDataDir = '/var/lib/ryokan';

export class Session {
  readonly system: System;
  readonly dataDir: string;
  readonly output: OutputOptions;
  /** Options as given, for commands that look at more than output. */
  readonly given: Partial<Record<CommonOption, string>>;
  private connected: Transport | undefined;
  private node: string | undefined;

  constructor(
    system: System,
    dataDir: string,
    output: OutputOptions,
    given: Partial<Record<CommonOption, string>> = {},
  ) {
    this.system = system;
    this.dataDir = dataDir;
    this.output = output;
    this.given = given;
  }

  get manifest(): CliManifest {
    return this.system.manifest();
  }

  get api(): Transport {
    this.connected ??= this.system.connect(this.dataDir);
    return this.connected;
  }

  /** The name of the local node. */
  get localNode(): string {
    this.node ??= readNodeName(this.system, this.dataDir);
    return this.node;
  }
}

/** Where the node's state stands: the option, the environment, the usual place. */
export function dataDirOf(system: Pick<System, 'env'>, option: string | undefined): string {
  return option ?? (system.env.RYOKAN_DATA || defaultDataDir);
}

function readNodeName(system: System, dataDir: string): string {
  const path = `${dataDir}/node.json`;
  const text = system.readText(path);
  if (text === undefined) {
    throw new LocalError(
      `There is no node in ${dataDir} (no node.json). Start one with 'ryokan up', or name its folder with --data.`,
    );
  }
  try {
    const settings = JSON.parse(text) as { node?: unknown };
    if (typeof settings.node === 'string') return settings.node;
  } catch (error) {
    throw new LocalError(`${path} is damaged: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  throw new LocalError(`${path} does not name the node.`);
}
