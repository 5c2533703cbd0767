/** `./ryokan <command>`: everything that may need Node.js. The shell script beside package.json starts it. */
import { build } from './lib/build.ts';
import { check } from './lib/check.ts';
import { down } from './lib/down.ts';
import { writeGenerated } from './lib/generated-files.ts';
import { runBench, runTests } from './lib/run-tests.ts';
import { installService } from './lib/service.ts';
import { status } from './lib/status.ts';
import { Problem, report } from './lib/terminal.ts';
import { up } from './lib/up.ts';

/** Commands with their functions; each returns the exit code. */
const commands: Readonly<Record<string, (args: string[]) => Promise<number> | number>> = {
  up,
  down,
  status,
  'install-service': installService,
  check,
  test: runTests,
  bench: runBench,
  generate: writeGenerated,
  build: async () => {
    await build({ force: true });
    return 0;
  },
};

async function main(): Promise<number> {
  const [name = '', ...args] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new Problem(`there is no command '${name}'; './ryokan help' lists them`, 2);
  return command(args);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.exitCode = report(error);
  },
);
