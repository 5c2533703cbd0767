/** Every command of the program, described: those of the registry, the hand-written ones, and pvesh. */
import { type DescribedCommand, describedCommands } from './help.ts';
import type { CliHelp, CliManifest } from './manifest.ts';
import { pveshCommands } from './pvesh-help.ts';

export function allCommands(manifest: CliManifest, help: CliHelp): DescribedCommand[] {
  const all = [...describedCommands(manifest, help), ...pveshCommands];
  return all.sort((a, b) => (a.spec.words < b.spec.words ? -1 : 1));
}
