/** What runs the guests of this node: the result of the self-test, or the node's setting. */
import { join } from 'node:path';
import { messageOf } from '@ryokan/api/errors.ts';
import { defaultKvmCpu } from './guests/qemu/devices/cpu.ts';
import { guestAccount } from './guests/qemu/guest-account.ts';
import { type AcceleratorResult, type AcceleratorSetting, loadAccelerator } from './host/accelerator.ts';
import { changeSettings } from './host/node-settings.ts';
import type { DataPaths } from './host/paths.ts';

export class NodeAccelerator {
  private result: AcceleratorResult = {
    accelerator: 'tcg',
    reason: 'the self-test is still running',
    tookMs: 0,
  };

  constructor(
    private readonly paths: DataPaths,
    private readonly onChange: (result: AcceleratorResult) => void,
  ) {}

  get current(): AcceleratorResult {
    return this.result;
  }

  /** Tests, unless an earlier result still holds. Never rejects: a test that fails means emulation. */
  async test(setting: AcceleratorSetting, force = false): Promise<AcceleratorResult> {
    this.result = await this.find(setting, force);
    this.onChange(this.result);
    return this.result;
  }

  /** Stores the node's setting and tests again. */
  async set(setting: AcceleratorSetting): Promise<AcceleratorResult> {
    await changeSettings(this.paths, { accelerator: setting });
    return this.test(setting, true);
  }

  private async find(setting: AcceleratorSetting, force: boolean): Promise<AcceleratorResult> {
    try {
      const stateFile = join(this.paths.run, 'accelerator.json');
      return await loadAccelerator({ stateFile, setting, force, cpu: defaultKvmCpu, ...guestAccount() });
    } catch (error) {
      return { accelerator: 'tcg', reason: `the self-test failed: ${messageOf(error)}`, tookMs: 0 };
    }
  }
}
