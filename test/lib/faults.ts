/**
 * Breaks a task of a test node at one of its steps: `const faults = await prepareFaults()`, a node started with
 * `faults.env`, then `faults.arm(n, action)` before the call. What counts as a step stands in fault-preload.ts.
 */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * What goes wrong at a step: it fails; the connection breaks; the task is stopped as it begins, and it is carried out, or
 * takes its time before it is (a QMP command only); the worker is killed before it, or after it and before anything else.
 */
export const faultActions = ['fail', 'cut', 'stall', 'cancel', 'kill', 'kill-after'] as const;
/** `halt`: the worker stands still before a program until somebody kills it or sends SIGCONT. */
export type FaultAction = (typeof faultActions)[number] | 'halt';

export interface FaultPlan {
  /** Another one for each plan: steps are counted from its beginning. */
  readonly id: string;
  /** Its number, from 1, or its name, such as `commit`; the second of that name is `commit (2)`. */
  readonly step: number | string;
  readonly action: FaultAction;
}

export interface Faults {
  /** For the node. */
  readonly env: Readonly<Record<string, string>>;
  arm(step: FaultPlan['step'], action: FaultAction): Promise<void>;
  /** Ends the plan; gives the name of the step that was broken, undefined when the task did not come to it. */
  disarm(): Promise<string | undefined>;
  remove(): Promise<void>;
}

export async function prepareFaults(): Promise<Faults> {
  // Readable for the gateway, which is not root and loads it as well.
  const folder = await mkdtemp('/tmp/ryf-');
  await chmod(folder, 0o755);
  const preload = join(folder, 'preload.cjs');
  await build({
    entryPoints: [fileURLToPath(new URL('fault-preload.ts', import.meta.url))],
    outfile: preload,
    ...{ bundle: true, platform: 'node', format: 'cjs', logLevel: 'warning' },
  });
  let plans = 0;
  const [plan, steps] = [join(folder, 'plan.json'), join(folder, 'steps')];
  return {
    env: { NODE_OPTIONS: `--require=${preload}`, RYOKAN_TEST_FAULTS: folder },
    async arm(step, action) {
      await rm(steps, { force: true });
      await writeFile(plan, JSON.stringify({ id: String(++plans), step, action } satisfies FaultPlan));
    },
    async disarm() {
      await rm(plan, { force: true });
      const lines = await readFile(steps, 'utf8').catch(() => '');
      return /^\d+ \d+ (?:fail|cut|stall|cancel|kill|kill-after|halt) (.*)$/m.exec(lines)?.[1];
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
