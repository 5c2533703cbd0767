/**
 * The daemon: the one place that wires all layers of a node. Started by `./ryokan up` or systemd as
 * `node dist/daemon.js --data DIR`; DATA and its settings are there by then.
 */
import { parseArgs } from 'node:util';
import { startNode } from './node.ts';

const { values } = parseArgs({ options: { data: { type: 'string', default: '/var/lib/ryokan' } } });
process.title = 'ryokan-daemon';

const node = await startNode(values.data);

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    void node.stop().finally(() => process.exit(0));
  });
}
