/**
 * The daemon: the one place that wires all layers of a node. Started by `./ryokan up` or systemd as
 * `node dist/daemon.js --data DIR`; DATA and its settings are there by then.
 */
import { parseArgs } from 'node:util';
import { createLogger } from './host/log.ts';
import { startNode } from './node.ts';

const { values } = parseArgs({ options: { data: { type: 'string', default: '/var/lib/ryokan' } } });
process.title = 'ryokan-daemon';

// One call or one clean-up that failed is no reason to leave all guests without their daemon. An exception outside of
// any promise ends it, as Node.js advises: tasks and guests go on, and the next daemon finds them.
const log = createLogger('daemon');
process.on('unhandledRejection', (reason) => log.error({ err: reason }, 'an error that nobody handled'));

const node = await startNode(values.data);

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    void node.stop().finally(() => process.exit(0));
  });
}
