/** What each step of the set-up gets. */
import type { OsType } from './detect.ts';
import type { ContainerSetup } from './setup.ts';
import type { SetupFiles } from './setup-files.ts';

export interface StepContext {
  readonly files: SetupFiles;
  readonly config: ContainerSetup;
  readonly ostype: OsType;
  /** The container is new. */
  readonly first: boolean;
  readonly log: (line: string) => void;
}

export type Step = (context: StepContext) => void;
