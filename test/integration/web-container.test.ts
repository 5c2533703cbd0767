/** A container in the browser as a person uses it: console, power, resources, network, snapshots, its storages, removal. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, openPage, screenshot } from '../lib/browser.ts';
import { type ContainerLab, mountBtrfs, openContainerLab } from '../lib/containers.ts';
import { editStored } from '../lib/edit-stored.ts';
import { waitFor } from '../lib/wait.ts';
import { chooseInMenu, logInByForm, pressInDialog, terminalShows } from '../lib/web-ui.ts';

let lab: ContainerLab;
let browser: Browser;
let page: Page;
let problems: string[];
const vmid = 200;
/** On a storage that takes snapshots. */
const copied = 201;
let pool: Awaited<ReturnType<typeof mountBtrfs>> | undefined;

beforeAll(async () => {
  pool = await mountBtrfs();
  lab = await openContainerLab('webct1');
  browser = await openBrowser();
  const { path } = pool;
  await lab.admin.call('POST', '/storage', { storage: 'pool', type: 'btrfs', path, content: 'rootdir' });
  await lab.create(copied, { rootfs: 'pool:0.1', start: 1 });
  await lab.create(vmid, {
    ...{ hostname: 'box', cmode: 'shell', memory: 64, swap: 0, features: 'nesting=1' },
    ...{ net0: 'name=eth0,bridge=vmbr0,ip=192.0.2.10/24,host-managed=1', start: 1 },
  });
  ({ page, problems } = await openPage(browser));
  page.setDefaultTimeout(30_000);
  await logInByForm(page, lab.node);
}, 600_000);

afterAll(async () => {
  await browser?.close();
  await lab?.close();
  await pool?.remove();
});

const open = (tab: string, id = vmid) => page.goto(`${lab.node.url}/lxc/${id}/${tab}`);
const dialog = () => page.getByRole('dialog');

const press = (name: string) => pressInDialog(page, name);
const choose = (menu: string, item: string) => chooseInMenu(page, menu, item);

const edit = (device: string) => page.getByRole('button', { name: `Edit: ${device}`, exact: true }).click();
const row = (text: string) => page.getByRole('row').filter({ hasText: text });

const becomes = (status: string, id = vmid) =>
  waitFor(async () => (await lab.status(id)).status === status, { timeout: 60, what: status });

/** Waits until the last task of a type has ended well. */
async function finished(type: string): Promise<void> {
  const params = { source: 'all', typefilter: type, limit: 1 };
  const status = await waitFor(
    async () => {
      const [task] = await lab.admin.get<{ endtime?: number; status?: string }[]>(
        `${lab.node.path}/tasks`,
        params,
      );
      return task?.endtime === undefined ? undefined : task.status;
    },
    { timeout: 60, what: `the end of ${type}` },
  );
  // A node in a network namespace has no control groups: that a container was not held is a warning.
  expect(`${type} ${status}`).toMatch(/ (OK|WARNINGS: 1)$/);
}

test('the summary says how it stands, what it may do and where it is reached', async () => {
  // A link that does not know the kind of the guest finds it all the same.
  await page.goto(`${lab.node.url}/qemu/${vmid}/summary`);
  await page.waitForURL(`**/lxc/${vmid}/summary`);
  const facts = page.locator('.ry-facts').first();
  await facts.getByText('192.0.2.10').waitFor();
  const text = await facts.textContent();
  expect(text).toMatch(/Status\s*running/);
  expect(text).toMatch(/Unprivileged\s*Yes/);
  expect(text).toMatch(/Features\s*nesting/);
  await page.getByRole('heading', { name: '200 box' }).waitFor();
});

test('the console takes what is typed and answers', async () => {
  await open('console');
  await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
  await page.keyboard.type('echo "$(hostname)-$((6*7))"\n');
  await terminalShows(page, /^box-42$/m, 30);
});

/** A property of the style that a piece of the terminal's text has. */
const styleOf = (text: string, property: string) =>
  page
    .locator('.xterm-rows span')
    .filter({ hasText: text })
    .last()
    .evaluate(
      (element, name) =>
        (globalThis as unknown as StyleWindow).getComputedStyle(element).getPropertyValue(name),
      property,
    );

interface StyleWindow {
  getComputedStyle(element: unknown): { getPropertyValue(name: string): string };
}

test('a terminal has all its colours, without a style that the policy of the pages forbids', async () => {
  const csi = String.raw`\033[`;
  // Halves of words: what the shell echoes of the line is none of them.
  const line = `printf '${csi}32mgr%s${csi}0m ${csi}38;2;1;2;3mtr%s${csi}0m ${csi}1mbo%s${csi}0m\\n' een ue ld`;
  await page.keyboard.type(`${line}\n`);
  await terminalShows(page, /^green true bold$/m, 30);
  expect(await styleOf('green', 'color')).toBe('rgb(78, 154, 6)');
  expect(await styleOf('true', 'color')).toBe('rgb(1, 2, 3)');
  expect(await styleOf('bold', 'font-weight')).toBe('700');
  await screenshot(page, 'e2e/terminal-colours');
  // Nothing of it stays when one goes to another page.
  const sheets = () => page.evaluate<number>('document.adoptedStyleSheets.length');
  expect(await sheets()).toBe(3);
  await page.getByRole('link', { name: 'Summary' }).first().click();
  await expect.poll(sheets).toBe(0);
  expect(problems.filter((text) => text.includes('Content Security Policy'))).toEqual([]);
  await open('console');
});

test('a power action asks first and says what happens', async () => {
  await page.getByRole('button', { name: 'Power actions' }).click();
  const menu = await page.getByRole('menuitem').allInnerTexts();
  expect(menu.map((text) => text.split('\n')[0])).toEqual(['Reboot', 'Pause', 'Resume', 'Stop']);
  await page.getByRole('menuitem', { name: 'Stop' }).click();
  await dialog().getByText('All its processes are killed at once').waitFor();
  await dialog().getByRole('button', { name: 'Stop' }).click();
  await becomes('stopped');
  await page.getByText('The guest is not running').waitFor();
  await page.getByRole('button', { name: 'Start' }).last().click();
  await becomes('running');
  await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
  // What the page asked of the container as it ended.
  problems.splice(0, problems.length, ...problems.filter((text) => !/CT 200 not running/.test(text)));
});

test('memory changes while it runs', async () => {
  await open('resources');
  await edit('Memory');
  await dialog().getByRole('spinbutton', { name: 'Memory' }).fill('96');
  await press('Save');
  await page.getByText('Changed; it works already').waitFor();
  await row('Memory').getByText('96 MiB').waitFor();
  expect((await lab.config(vmid)).memory).toBe(96);
  expect(await page.locator('.ry-row-pending').count()).toBe(0);
});

test('a mount point is added while it runs, and detached', async () => {
  await choose('Add', 'Mount point');
  await dialog().getByRole('textbox', { name: 'Path in the container' }).fill('/srv/data');
  await dialog().getByRole('spinbutton', { name: 'Size' }).fill('0.05');
  await dialog().getByRole('button', { name: 'More settings' }).click();
  await dialog().getByRole('checkbox', { name: 'noatime' }).check();
  await press('Add');
  await row('Mount point (mp0)').getByText('mountoptions=noatime').waitFor();
  expect(await lab.inside(vmid, 'grep " /srv/data " /proc/mounts')).toContain('noatime');
  await choose('More: Mount point (mp0)', 'Detach');
  await press('Detach');
  await row('Unused disk (unused0)').waitFor();
  expect(await lab.inside(vmid, 'grep -c " /srv/data " /proc/mounts || true')).toBe('0');
  await page.getByRole('button', { name: 'Edit: Unused disk (unused0)' }).click();
  await dialog().getByRole('textbox', { name: 'Path in the container' }).fill('/srv/again');
  await press('Attach');
  await row('Mount point (mp0)').getByText('/srv/again').waitFor();
});

test('a network card is edited while it runs', async () => {
  await open('network');
  await edit('Network card (net0)');
  await dialog().getByRole('textbox', { name: 'Address with prefix' }).fill('192.0.2.20/24');
  await dialog().getByRole('button', { name: 'More settings' }).click();
  await dialog().getByRole('spinbutton', { name: 'Rate limit' }).fill('5');
  await press('Save');
  await row('net0').getByText('5 MB/s').waitFor();
  expect(await lab.inside(vmid, 'ip -o -4 addr show eth0')).toContain('192.0.2.20/24');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  const name = dialog().getByRole('textbox', { name: 'Name in the container' });
  expect(await name.inputValue()).toBe('eth1');
  await press('Add');
  await row('net1').getByText('eth1').waitFor();
  expect(await lab.inside(vmid, 'ip -o link')).toContain('eth1');
});

test('what the running container does not take stands there with the reason, and can be taken back', async () => {
  await edit('Network card (net1)');
  await dialog().getByRole('button', { name: 'More settings' }).click();
  await dialog().getByRole('spinbutton', { name: 'VLAN tag' }).fill('5');
  await dialog().getByRole('button', { name: 'Save', exact: true }).click();
  await dialog()
    .getByText(/hotplug problem - tag=5: .* The change is stored/)
    .waitFor();
  await dialog().getByText('Saved, but the running guest did not take it').waitFor();
  expect(await dialog().getByRole('button', { name: 'Save', exact: true }).isDisabled()).toBe(true);
  await dialog().getByRole('button', { name: 'Close' }).last().click();
  await row('net1')
    .getByText(/has no physical port to send VLAN 5 through/)
    .waitFor();
  expect(await page.locator('.ry-row-pending').count()).toBe(1);
  await screenshot(page, 'e2e/container-pending-reason');
  await page.getByRole('button', { name: 'Revert: Network card (net1)' }).click();
  await expect.poll(() => page.locator('.ry-row-pending').count()).toBe(0);
  // The refusals are answers of the API, which the browser counts as failed loads.
  expect(problems.splice(0).filter((text) => !/400 \(/.test(text))).toEqual([]);
});

test('names and options have forms; what can never change has none', async () => {
  await open('dns');
  await edit('Name servers');
  await dialog().getByRole('textbox').fill('192.0.2.53');
  await press('Save');
  expect((await lab.config(vmid)).nameserver).toBe('192.0.2.53');
  await page.getByRole('button', { name: 'Revert: Name servers' }).click();
  await row('Name servers').getByText('as on the node').waitFor();
  await open('options');
  await edit('Console opens');
  await dialog().getByRole('combobox').selectOption('console');
  await press('Save');
  expect((await lab.config(vmid)).cmode).toBe('console');
  await edit('Environment');
  await dialog().getByRole('textbox').fill('TZ=Asia/Tokyo\nno variable');
  await dialog().getByText('No variable such as NAME=value: no variable').waitFor();
  await dialog().getByRole('textbox').fill('TZ=Asia/Tokyo\nGREETING=good day\n');
  await press('Save');
  expect((await lab.config(vmid)).env).toBe('TZ=Asia/Tokyo\0GREETING=good day');
  await row('Environment').getByText('TZ=Asia/Tokyo, GREETING=good day').waitFor();
  await row('Unprivileged').getByText('Chosen at its creation').waitFor();
  expect(await row('Unprivileged').getByRole('button').count()).toBe(0);
});

test('where the storage takes no snapshots there is no offer, and why stands there', async () => {
  await open('snapshots');
  await page.getByText('Snapshots are not possible here').waitFor();
  await page.getByText(/rootfs.*'local'/).waitFor();
  expect(await page.getByRole('button', { name: 'Take a snapshot' }).count()).toBe(0);
});

test('a snapshot is taken and gone back to', async () => {
  await open('snapshots', copied);
  await page.getByRole('button', { name: 'Take a snapshot' }).click();
  await dialog().getByRole('textbox', { name: 'Name' }).fill('before');
  // The memory of a container cannot be saved.
  expect(await dialog().getByRole('checkbox').count()).toBe(0);
  await press('Take it');
  await page.getByRole('button', { name: 'Roll back to before' }).waitFor();
  await finished('vzsnapshot');
  await lab.inside(copied, 'rm /bin/busybox');
  await page.getByRole('button', { name: 'Roll back to before' }).click();
  await dialog().getByText(`pool:${copied}/`).waitFor();
  await press('Roll back');
  await finished('vzrollback');
  await becomes('running', copied);
  expect(await lab.inside(copied, 'echo back')).toBe('back');
});

test('it moves to another storage, is cloned and the clone becomes a template', async () => {
  await open('resources');
  await page.getByRole('button', { name: 'More: Root file system' }).click();
  await page.getByRole('menuitem', { name: /It is running/ }).waitFor();
  await page.keyboard.press('Escape');
  await lab.power(vmid, 'stop');
  await page.locator('.ry-page-facts').getByText('stopped').waitFor();
  await choose('More: Root file system', 'Move to another storage');
  await dialog().getByRole('combobox', { name: 'Target storage' }).selectOption('pool');
  await dialog().getByRole('checkbox', { name: 'Delete the old volume afterwards' }).check();
  await press('Move');
  await row('Root file system').getByText(/pool:/).waitFor();
  await finished('move_volume');
  await choose('More actions', 'Clone');
  await dialog().getByRole('spinbutton', { name: 'VMID' }).fill('300');
  await dialog().getByRole('textbox', { name: 'Host name' }).fill('copy');
  await press('Clone');
  await finished('vzclone');
  await open('summary', 300);
  await choose('More actions', 'Convert to template');
  await press('Convert');
  await page.locator('.ry-page-actions').getByRole('button', { name: 'Clone' }).waitFor();
  expect(await lab.config(300)).toMatchObject({ hostname: 'copy', template: 1 });
});

test('a document that somebody has edited into nonsense is repaired on its page', async () => {
  await editStored(lab.node, `nodes/webct1/lxc/${copied}.conf`, (text) => `what is this\n${text}`);
  await open('summary', copied);
  await page.getByRole('button', { name: 'Repair the configuration' }).click();
  await dialog().getByText("Line 1: 'what is this' is not 'key: value'").waitFor();
  const text = await dialog().getByRole('textbox').inputValue();
  await dialog().getByRole('textbox').fill(text.replace('what is this\n', ''));
  await press('Save');
  expect(await lab.config(copied)).toMatchObject({ hostname: `box${copied}` });
  expect(problems.splice(0).filter((text) => !/ is damaged: line 1/.test(text))).toEqual([]);
});

test('the definition of a storage is changed and removed; what is in it stays', async () => {
  const path = join(pool?.path ?? '', 'extra');
  await lab.admin.call('POST', '/storage', { storage: 'extra', type: 'dir', path, content: 'rootdir,iso' });
  await page.goto(`${lab.node.url}/datacenter/storage`);
  await choose('Actions of extra', 'Edit');
  await dialog().getByRole('checkbox', { name: 'ISO images' }).uncheck();
  await dialog().getByRole('checkbox', { name: 'Only when something is mounted there' }).check();
  await dialog().getByRole('checkbox', { name: 'Use this storage' }).uncheck();
  await press('Save');
  await row('extra').getByText('(not used)').waitFor();
  const defined = () => lab.admin.get<Record<string, unknown>>('/storage/extra');
  expect(await defined()).toMatchObject({ content: 'rootdir', is_mountpoint: 'yes', disable: 1 });
  await page.goto(`${lab.node.url}/storage/webct1/extra/summary`);
  await choose('Actions of extra', 'Edit');
  await dialog().getByRole('checkbox', { name: 'Only when something is mounted there' }).uncheck();
  await dialog().getByRole('checkbox', { name: 'Use this storage' }).check();
  await press('Save');
  expect(await defined()).not.toMatchObject({ disable: 1 });
  await choose('Actions of extra', 'Remove');
  await dialog()
    .getByText(/everything in it stays where it is/)
    .waitFor();
  await press('Remove');
  await page.waitForURL('**/datacenter/storage');
  await expect(defined()).rejects.toThrow("'extra' does not exist");
  expect(await readdir(path)).toContain('images');
});

test('it is removed with its volumes, named one by one', async () => {
  await open('summary');
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await dialog().getByText(/pool:/).first().waitFor();
  await dialog().getByRole('textbox').fill(String(vmid));
  await dialog().getByRole('button', { name: 'Remove' }).click();
  await page.waitForURL('**/node/webct1/**');
  await finished('vzdestroy');
  const left = await lab.admin.get<{ vmid: number }[]>(`${lab.node.path}/lxc`);
  expect(left.map((one) => one.vmid)).not.toContain(vmid);
  expect(problems).toEqual([]);
});
