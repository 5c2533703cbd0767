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

const help = `Ryokan, a virtualization platform for Debian.

  sudo ./ryokan up [--data DIR] [--listen ADDR] [--port N] [--node NAME] [--detach] [--with-nat-bridge]
                             installs what is missing, builds, starts the node in the foreground
  sudo ./ryokan down [--data DIR] [--guests [--timeout SECONDS]]
                             stops the node; guests go on running unless --guests shuts them down first, or
                             stops them when they have not followed within the time (120 s)
  ./ryokan status [--data DIR] [--output-format text|json]
                             exit code 0 when the node runs, 3 when not
  sudo ./ryokan install-service [--data DIR] [the options of up]
                             starts the node with systemd at boot

  ./ryokan qm|pvesm|pvesh|pveum|pveversion ...
                             the command line client of the running node

  ./ryokan test [unit|integration|PATH]   runs the tests
  ./ryokan check             types, lint, format, import zones, generated files
  ./ryokan generate          writes docs/generated/
  ./ryokan build             builds dist/ when sources changed
  ./ryokan bench [NAME...]   prints the figures

All state is below --data, /var/lib/ryokan when not given.
`;

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
  help: () => {
    process.stdout.write(help);
    return 0;
  },
};

async function main(): Promise<number> {
  const [name = 'help', ...args] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) throw new Problem(`there is no command '${name}'; './ryokan help' lists them`, 2);
  if (args.includes('--help')) return (await commands.help?.([])) ?? 0;
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
