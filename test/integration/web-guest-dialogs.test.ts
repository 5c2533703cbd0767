/** Changing a guest in the browser as a person does: devices, disks, snapshots, clones, cloud-init files, the agent's tab. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiSession } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { openBrowser, openPage } from '../lib/browser.ts';
import { jsonOf } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';
import { waitFor } from '../lib/wait.ts';
import { connectedScreen, logInByForm } from '../lib/web-ui.ts';

let node: TestNode;
let browser: Browser;
let admin: ApiSession;
let page: Page;
let problems: string[];
const vmid = 100;

beforeAll(async () => {
  node = await startNode({ name: 'dialogs1' });
  browser = await openBrowser();
  admin = await node.admin();
  const tiny = await buildTinyGuest(testCacheDir());
  const answer = await admin.uploadFile(`${node.path}/storage/local/upload`, tiny.iso, { content: 'iso' });
  await admin.taskEnd(jsonOf<string>(answer).data);
  await admin.run('POST', `${node.path}/qemu`, {
    ...{ vmid, name: 'tiny', memory: 256, agent: '1', ide2: 'local:iso/tiny-guest.iso,media=cdrom' },
    ...{ scsihw: 'virtio-scsi-single', scsi0: 'local:1', boot: 'order=ide2' },
  });
  await admin.run('POST', `${node.path}/qemu/${vmid}/status/start`);
  await admin.run('POST', `${node.path}/qemu`, { vmid: 200, name: 'other' });
  ({ page, problems } = await openPage(browser));
  page.setDefaultTimeout(60_000);
  await logInByForm(page, node);
}, 600_000);

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

const config = (id = vmid) => admin.get<Record<string, string>>(`${node.path}/qemu/${id}/config`);
const open = (tab: string, id = vmid) => page.goto(`${node.url}/qemu/${id}/${tab}`);
const dialog = () => page.getByRole('dialog');

/** Waits until a key of the configuration fits; undefined: until it is gone. */
function configured(key: string, pattern: RegExp | undefined, id = vmid): Promise<unknown> {
  return waitFor(
    async () => {
      const value = (await config(id))[key];
      return pattern === undefined ? value === undefined : pattern.test(value ?? '');
    },
    { timeout: 120, every: 500, what: () => `${key} of VM ${id}: ${pattern}` },
  );
}

/** Waits until no task works on a guest: a finished change may still hold its lock for a moment. */
function idle(): Promise<unknown> {
  const path = `${node.path}/tasks`;
  return waitFor(
    async () => {
      const tasks = await admin.get<{ type: string }[]>(path, { source: 'active' });
      return tasks.every((task) => task.type === 'vncproxy');
    },
    { timeout: 120, every: 500, what: 'the end of all tasks' },
  );
}

/** Presses a dialog's button and waits until the dialog is gone: a refused change stays open and fails here. */
async function press(name: string): Promise<void> {
  await dialog().getByRole('button', { name, exact: true }).click();
  await dialog()
    .waitFor({ state: 'detached' })
    .catch(async (cause: unknown) => {
      throw new Error(`the dialog stays: ${await dialog().textContent()}`, { cause });
    });
}

async function choose(menu: string, item: string): Promise<void> {
  const entry = page.getByRole('menuitem', { name: new RegExp(`^${item}`) });
  // Once, on a busy machine, the entry never came; why is not known. A person would open the menu again.
  for (let attempt = 0; attempt < 3; attempt++) {
    await page.getByRole('button', { name: menu, exact: true }).click();
    if (
      await entry.click({ timeout: 10_000 }).then(
        () => true,
        () => false,
      )
    )
      return;
  }
  throw new Error(`the menu '${menu}' does not offer '${item}'`);
}

test('a dialog is for the keyboard too: the first field has the focus, and Escape gives it back', async () => {
  await open('hardware');
  const edit = page.getByRole('button', { name: 'Edit: Memory' });
  await edit.focus();
  await page.keyboard.press('Enter');
  await dialog().waitFor();
  await expect.poll(() => page.evaluate<string>('document.activeElement.id')).toBe('memory');
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
  await expect
    .poll(() => page.evaluate<string>('document.activeElement.getAttribute("aria-label")'))
    .toBe('Edit: Memory');
});

test('a change that waits for the next start stands beside the present value and can be taken back', async () => {
  await page.getByRole('button', { name: 'Edit: Memory' }).click();
  await dialog().getByRole('spinbutton', { name: 'Memory', exact: true }).fill('384');
  await press('Save');
  const row = page.getByRole('row').filter({ hasText: 'Memory' });
  await row.getByText('384 MiB').waitFor();
  expect(await row.locator('del').textContent()).toContain('256 MiB');
  await page.getByRole('button', { name: 'Revert: Memory' }).click();
  await row.locator('del').waitFor({ state: 'detached' });
  expect((await config()).memory).toBe('256');
});

test('a medium is ejected and swapped while the guest runs', async () => {
  await choose('More: CD/DVD drive (ide2)', 'Eject the medium');
  await configured('ide2', /^none/);
  await page.getByRole('row').filter({ hasText: 'ide2' }).getByText('No medium').waitFor();
  await page.getByRole('button', { name: 'Edit: CD/DVD drive (ide2)' }).click();
  await dialog().getByRole('radio', { name: 'ISO image' }).check();
  await dialog().getByRole('combobox', { name: 'ISO image' }).selectOption({ index: 1 });
  await press('Change the medium');
  await configured('ide2', /tiny-guest\.iso/);
  const pending = await admin.get<{ key: string; pending?: string }[]>(`${node.path}/qemu/${vmid}/pending`);
  expect(pending.find((one) => one.key === 'ide2')?.pending).toBeUndefined();
});

test('a disk is added, limited, grown, moved, detached, given to another VM', async () => {
  await open('hardware');
  await choose('Add', 'Disk');
  // QEMU 7.2 can lock itself up when it ends the mirror of a disk with an I/O thread.
  await dialog().getByRole('checkbox', { name: 'I/O thread' }).uncheck();
  await dialog().getByRole('spinbutton', { name: 'Size' }).fill('1');
  await dialog().getByRole('button', { name: 'Limits' }).click();
  await dialog().getByRole('spinbutton', { name: 'Write limit' }).first().fill('800');
  await dialog().getByRole('button', { name: 'More settings' }).click();
  await dialog().getByRole('textbox', { name: 'Serial number' }).fill('DATA1');
  await press('Add');
  await configured('scsi1', /qcow2.*mbps_wr=800.*serial=DATA1/);

  await choose('More: Disk (scsi1)', 'Grow');
  await dialog().getByRole('spinbutton', { name: 'Grow by' }).fill('1');
  await press('Grow');
  await configured('scsi1', /size=2G/);

  await choose('More: Disk (scsi1)', 'Move to another storage');
  await dialog().getByRole('combobox', { name: 'Format' }).selectOption('raw');
  await dialog().getByRole('checkbox', { name: 'Delete the old volume afterwards' }).check();
  await press('Move');
  await configured('scsi1', /\.raw/);
  await idle();

  await choose('More: Disk (scsi1)', 'Detach');
  await press('Detach');
  await configured('unused0', /\.raw/);
  await choose('More: Unused disk (unused0)', 'Give to another guest');
  await dialog().getByRole('combobox', { name: 'New owner' }).selectOption({ label: '200 other' });
  await press('Reassign');
  await configured('scsi0', /vm-200-disk.*raw/, 200);
  await configured('unused0', undefined);
});

test('the volume of an unused disk is removed only after a question', async () => {
  await open('hardware', 200);
  for (const [menu, button] of [
    ['More: Disk (scsi0)', 'Detach'],
    ['More: Unused disk (unused0)', 'Remove with data'],
  ] as const) {
    await choose(menu, button === 'Detach' ? 'Detach' : 'Remove');
    await press(button);
  }
  await configured('unused0', undefined, 200);
  const left = await admin.get<{ vmid?: number }[]>(`${node.path}/storage/local/content`, {
    content: 'images',
  });
  expect(left.filter((one) => one.vmid === 200)).toEqual([]);
});

test('devices whose form is their schema', async () => {
  for (const [device, key, pattern] of [
    ['Watchdog', 'watchdog', /i6300esb.*action=reset/],
    ['Sound card', 'audio0', /device=ich9-intel-hda/],
    ['Random number generator', 'rng0', /urandom.*max_bytes=1024/],
  ] as const) {
    await choose('Add', device);
    await press('Add');
    await configured(key, pattern, 200);
  }
  await choose('Add', 'NUMA node');
  await dialog().getByRole('textbox', { name: 'CPUs of the guest' }).fill('0');
  await press('Add');
  await configured('numa0', /^cpus=0$/, 200);
  await page.getByRole('button', { name: 'Edit: Watchdog' }).click();
  await dialog().getByRole('combobox', { name: 'When the guest hangs' }).selectOption('pause');
  await press('Save');
  await configured('watchdog', /action=pause/, 200);
});

test('a directory gets a name of the cluster, and a guest names it', async () => {
  await page.goto(`${node.url}/datacenter/mappings`);
  await page.getByRole('button', { name: 'Add a mapping' }).click();
  await dialog().getByRole('combobox', { name: 'Kind' }).selectOption({ label: 'Shared directory' });
  await dialog().getByRole('textbox', { name: 'Name' }).fill('docs');
  await dialog()
    .getByRole('textbox', { name: `Directory on ${node.name}` })
    .fill('/srv');
  await press('Add');
  await page
    .getByRole('row')
    .filter({ hasText: `${node.name}: /srv` })
    .waitFor();
  await page.getByRole('button', { name: 'Edit: docs' }).click();
  await dialog().getByRole('textbox', { name: 'Comment' }).fill('Papers');
  await press('Save');
  await page.getByRole('row').filter({ hasText: 'Papers' }).waitFor();
  await open('hardware', 200);
  await choose('Add', 'Shared directory');
  await dialog().getByRole('combobox', { name: 'Mapping of the cluster' }).selectOption('docs');
  await press('Add');
  await configured('virtiofs0', /^(dirid=)?docs/, 200);
  await page.goto(`${node.url}/datacenter/mappings`);
  await page.getByRole('button', { name: 'Remove: docs' }).click();
  await dialog().getByText('do not start any more').waitFor();
  await press('Remove');
  await page.getByText('No mappings').waitFor();
});

test('a snapshot without memory is taken, cloned from and deleted', async () => {
  await open('snapshots');
  await page.getByRole('button', { name: 'Take a snapshot' }).click();
  await dialog().getByRole('textbox', { name: 'Name' }).fill('first');
  await dialog().getByRole('checkbox', { name: 'With memory' }).uncheck();
  await press('Take it');
  await page.getByRole('button', { name: 'Roll back to first' }).waitFor();
  await choose('More for first', 'Clone it');
  await dialog().getByRole('spinbutton', { name: 'VMID' }).fill('300');
  await press('Clone');
  await configured('scsi0', /vm-300-disk/, 300);
  await waitFor(async () => (await config(300)).lock === undefined, {
    timeout: 60,
    what: 'the end of the clone',
  });
  await choose('More for first', 'Delete');
  await press('Delete');
  await page.getByRole('heading', { name: 'No snapshots' }).waitFor();
});

test('cloud-init: a drive, and a file written in the browser', async () => {
  await open('cloudinit', 200);
  await page.getByRole('button', { name: 'Add a cloud-init drive' }).click();
  await press('Add');
  await configured('ide0', /cloudinit/, 200);
  await page.getByRole('button', { name: 'Edit: Own files' }).click();
  await dialog().getByRole('button', { name: 'New file: User data' }).click();
  await dialog().getByRole('textbox', { name: 'File name' }).fill('shop.yaml');
  await dialog().getByRole('textbox', { name: 'Content' }).fill('#cloud-config\npackages: [nginx]\n');
  await dialog().getByRole('button', { name: 'Save', exact: true }).click();
  await dialog().getByRole('button', { name: 'Edit: User data' }).waitFor();
  await press('Save');
  await configured('cicustom', /user=local:snippets\/shop\.yaml/, 200);
  expect(await admin.get(`${node.path}/storage/local/snippets/shop.yaml`)).toMatchObject({
    content: '#cloud-config\npackages: [nginx]\n',
  });
});

test('the agent tab says what to do when no agent answers', async () => {
  await open('agent');
  await page.getByRole('heading', { name: 'The guest agent does not answer' }).waitFor();
  await page.getByText('apt install qemu-guest-agent').waitFor();
});

test('a page opens one console, not a second one that waits for nobody', async () => {
  await open('console');
  await connectedScreen(page);
  const tasks = await admin.get<{ type: string }[]>(`${node.path}/tasks`, { source: 'active' });
  expect(tasks.filter((task) => task.type === 'vncproxy')).toHaveLength(1);
  // The browser tells of the agent's absence, which is an answer by right.
  expect(problems.filter((text) => !/guest agent is not running/.test(text))).toEqual([]);
});
