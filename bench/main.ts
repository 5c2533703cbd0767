/**
 * `./ryokan bench`: the figures that the project promises, each measured beside the raw tool in the same run.
 * Prints a table, writes test-output/bench.json. A missed target is a result; only a figure that could not be measured
 * gives the exit code 1.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '../test/lib/node.ts';
import { access } from './access.ts';
import { clone } from './clone.ts';
import { fastifyRole } from './fastify-server.ts';
import { firstPaint } from './first-paint.ts';
import { http } from './http.ts';
import { idle } from './idle.ts';
import { childFlag, type Role, serveRole } from './lib/children.ts';
import { type Bench, CannotMeasure, type Figure } from './lib/figure.ts';
import { describeMachine, machineText } from './lib/machine.ts';
import { type Absent, tableOf } from './lib/report.ts';
import { loadRole } from './load.ts';
import { lxc } from './lxc.ts';
import { mirror } from './mirror.ts';
import { snapshot } from './snapshot.ts';
import { startUp } from './start-up.ts';
import { vmStart } from './vm-start.ts';

const benches: Readonly<Record<string, Bench>> = {
  'vm-start': vmStart,
  lxc,
  clone,
  mirror,
  snapshot,
  http,
  access,
  idle,
  'start-up': startUp,
  'first-paint': firstPaint,
};

/** Helper processes, see lib/children.ts. */
const roles: Readonly<Record<string, () => Role>> = { fastify: fastifyRole, load: loadRole };

const say = (line: string) => process.stdout.write(`${line}\n`);
const note = (line: string) => process.stderr.write(`ryokan: bench: ${line}\n`);

async function main(args: string[]): Promise<number> {
  const names = chosen(args);
  if (process.getuid?.() !== 0) throw new Error('the bench starts nodes and guests: it needs root');
  const machine = await describeMachine();
  const figures: Figure[] = [];
  const absent: Absent[] = [];
  const begun = performance.now();
  for (const name of names) {
    note(name);
    try {
      const measured = await benches[name]?.({ note: (line) => note(`${name}: ${line}`) });
      for (const one of measured ?? []) figures.push({ bench: name, ...one });
    } catch (error) {
      const failed = !(error instanceof CannotMeasure);
      absent.push({ bench: name, failed, reason: error instanceof Error ? error.message : String(error) });
      if (failed) note(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  const seconds = (performance.now() - begun) / 1000;
  say(`\n${machineText(machine)}\nmedian (lowest–highest); took ${seconds.toFixed(0)} s\n`);
  for (const line of tableOf(figures)) say(line);
  for (const { bench, reason, failed } of absent)
    say(`${bench}: ${failed ? 'failed' : 'not measured'}: ${reason}`);
  const folder = join(projectRoot, 'test-output');
  await mkdir(folder, { recursive: true });
  const result = { time: new Date().toISOString(), seconds, machine, figures, absent };
  await writeFile(join(folder, 'bench.json'), `${JSON.stringify(result, null, 2)}\n`);
  return absent.some((one) => one.failed) ? 1 : 0;
}

/** `./ryokan bench [NAME...]` and `--only NAME` choose; without, all. */
function chosen(args: string[]): string[] {
  const { values, positionals } = parseArgs({
    args,
    options: { only: { type: 'string', multiple: true } },
    allowPositionals: true,
  });
  const wanted = [...positionals, ...(values.only ?? [])];
  const unknown = wanted.find((name) => !Object.hasOwn(benches, name));
  if (unknown !== undefined) {
    throw new Error(`there is no bench '${unknown}'; there are: ${Object.keys(benches).join(', ')}`);
  }
  return wanted.length > 0 ? wanted : Object.keys(benches);
}

const [flag, role = ''] = process.argv.slice(2);
if (flag === childFlag) serveRole((roles[role] ?? unknownRole(role))());
else {
  main(process.argv.slice(2)).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      note(error instanceof Error ? error.message : String(error));
      process.exitCode = 1;
    },
  );
}

function unknownRole(name: string): never {
  throw new Error(`there is no role '${name}'`);
}
