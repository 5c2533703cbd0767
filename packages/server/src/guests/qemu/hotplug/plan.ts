/** The parts of a device as QMP commands, each with its reverse: all of them are carried out, or none stays. */
import { messageOf } from '@ryokan/api/errors.ts';
import type { DeviceSink, OptionValue } from '../arguments.ts';
import type { JsonObject, JsonValue, QmpClient } from '../qmp-client.ts';
import type { QmpCommand } from '../start-commands.ts';
import { releaseDevice } from './release.ts';

interface PlanStep {
  readonly command: QmpCommand;
  /** Takes the step back. */
  readonly back: (qmp: QmpClient) => Promise<unknown>;
}

/** How long a device that is taken back at once may need: the guest has hardly seen it (ms). */
const takeBackTimeout = 3_000;

/** Collects what a description of a device asks for, to be carried out in a guest that runs. */
export class LivePlan implements DeviceSink {
  private readonly steps: PlanStep[] = [];

  device(driver: string, properties: Record<string, OptionValue>): void {
    const id = String(properties.id);
    this.add('device_add', { driver, ...typedProperties(properties) }, (qmp) =>
      releaseDevice(qmp, id, takeBackTimeout),
    );
  }

  object(type: string, id: string, properties: JsonObject = {}): void {
    this.add('object-add', { 'qom-type': type, id, ...properties }, (qmp) =>
      qmp.execute('object-del', { id }),
    );
  }

  blockdev(node: JsonObject): void {
    const name = node['node-name'];
    this.add('blockdev-add', node, (qmp) => qmp.execute('blockdev-del', { 'node-name': name }));
  }

  netdev(type: string, properties: Record<string, OptionValue>): void {
    const { id } = properties;
    this.add('netdev_add', { type, ...properties }, (qmp) => qmp.execute('netdev_del', { id }));
  }

  /**
   * Carries the steps out in their order. When one fails, those before it are taken back, newest first, and its error is
   * thrown; what could not be taken back goes to `log`.
   */
  async carryOut(qmp: QmpClient, log: (line: string) => void): Promise<void> {
    const done: PlanStep[] = [];
    for (const step of this.steps) {
      try {
        await qmp.execute(step.command.execute, step.command.arguments, { timeout: stepTimeout });
      } catch (error) {
        await takeBack(qmp, done, log);
        throw error;
      }
      done.push(step);
    }
  }

  private add(execute: string, args: JsonObject, back: PlanStep['back']): void {
    this.steps.push({ command: { execute, arguments: args }, back });
  }
}

/** Opening an image on a slow storage takes its time (ms). */
const stepTimeout = 30_000;

async function takeBack(qmp: QmpClient, done: PlanStep[], log: (line: string) => void): Promise<void> {
  for (const { command, back } of done.reverse()) {
    const { id, 'node-name': node } = command.arguments;
    await back(qmp).catch((error: unknown) =>
      log(`could not take back ${command.execute} ${id ?? node ?? ''}: ${messageOf(error)}`),
    );
  }
}

/**
 * On the command line everything is text; device_add of QEMU 9.2 and newer wants each property in its own type
 * (older ones take both).
 */
function typedProperties(properties: Record<string, OptionValue>): Record<string, JsonValue | undefined> {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, typed(name, value)]));
}

const numbers: ReadonlySet<string> = new Set(['vendorid', 'productid', 'hostbus']);
const texts: ReadonlySet<string> = new Set(['port', 'hostport']);

function typed(name: string, value: OptionValue): JsonValue | undefined {
  if (value === undefined) return undefined;
  if (numbers.has(name)) return Number(value);
  if (texts.has(name)) return String(value);
  // 64 bits: more than a JavaScript number holds.
  if (name === 'wwn') return BigInt(value);
  // On, off and auto, not a boolean.
  if (name === 'write-cache') return value ? 'on' : 'off';
  return value;
}
