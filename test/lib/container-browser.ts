/** A container handled by a person in the Web UI, as one of the hands of container-hands.ts. */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { accessibilityFindings, screenshot } from './browser.ts';
import type { ContainerHand, Wish } from './container-hands.ts';
import type { ContainerLab } from './containers.ts';
import { waitFor } from './wait.ts';
import { chooseInMenu, pressInDialog, terminalShows } from './web-ui.ts';

const textbox = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true });
const number = (page: Page, name: string) => page.getByRole('spinbutton', { name, exact: true });
const dialog = (page: Page) => page.getByRole('dialog');

/** Walks through the wizard; does not start what is made. `template` as its list calls it. */
async function createInWizard(page: Page, vmid: number, wish: Wish, template: string): Promise<void> {
  const steps: Readonly<Record<string, () => Promise<unknown>>> = {
    General: async () => {
      await number(page, 'VMID').fill(String(vmid));
      await textbox(page, 'Host name').fill(wish.hostname);
      await page.getByLabel('Password', { exact: true }).fill(wish.password);
      await page.getByLabel('Repeat the password').fill(wish.password);
    },
    Template: () => page.locator('#ostemplate').selectOption(template),
    Disks: async () => {
      await page.locator('#rootfs-storage').selectOption(wish.storage);
      await number(page, 'Size').fill(String(wish.size));
    },
    CPU: async () => undefined,
    Memory: async () => undefined,
    Network: async () => expect(await page.locator('#net0-bridge').inputValue()).toBe('vmbr0'),
    DNS: async () => undefined,
  };
  await page.getByRole('button', { name: 'Create a guest' }).click();
  await page.getByRole('menuitem', { name: /^Create container/ }).click();
  for (const [step, fill] of Object.entries(steps)) {
    await page.getByRole('heading', { name: step, level: 2 }).waitFor();
    await fill();
    await page.getByRole('button', { name: 'Next', exact: true }).click();
  }
  await page.getByLabel('Start after creation').uncheck();
  await page.getByText('The server would accept this.').waitFor();
  await screenshot(page, 'e2e/flow-1-confirm');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.waitForURL(`**/lxc/${vmid}/summary`, { timeout: 240_000 });
}

async function typeInConsole(page: Page, wish: Wish, command: string, answer: RegExp): Promise<void> {
  await page.getByRole('status').filter({ hasText: 'Connected' }).waitFor();
  await page.locator('.xterm').click();
  await page.keyboard.press('Enter');
  await terminalShows(page, /login:\s*$/m, 60);
  await page.keyboard.type('root\n');
  await terminalShows(page, /Password:/, 60);
  await page.keyboard.type(`${wish.password}\n`);
  await terminalShows(page, /:~#/, 60);
  await page.keyboard.type(`${command}\n`);
  await terminalShows(page, answer, 180);
  await screenshot(page, 'e2e/flow-2-console');
  expect(await accessibilityFindings(page)).toEqual([]);
  await page.keyboard.type('exit\n');
}

/** `page` is logged in; `template` is a volume id. */
export function browserHand(lab: ContainerLab, page: Page, template: string): ContainerHand {
  const open = (vmid: number, tab: string) => page.goto(`${lab.node.url}/lxc/${vmid}/${tab}`);
  /** Does something and waits for the task of this type that it starts. */
  const task = async (type: string, act: () => Promise<unknown>) => {
    const tasks = () =>
      lab.admin.get<{ upid: string }[]>(`${lab.node.path}/tasks`, { source: 'all', typefilter: type });
    const before = new Set((await tasks()).map(({ upid }) => upid));
    await act();
    const upid = await waitFor(async () => (await tasks()).find((one) => !before.has(one.upid))?.upid, {
      timeout: 30,
      what: `a task ${type}`,
    });
    const { exitstatus, log } = await lab.admin.taskEnd(upid, 240);
    expect(exitstatus, log.join('\n')).toBe('OK');
  };
  return {
    create: (vmid, wish) => task('vzcreate', () => createInWizard(page, vmid, wish, template)),
    start: (vmid) =>
      task('vzstart', async () => {
        await open(vmid, 'console');
        await page.getByText('The guest is not running').waitFor();
        await page.getByRole('button', { name: 'Start', exact: true }).last().click();
      }),
    stop: (vmid) =>
      task('vzstop', async () => {
        await open(vmid, 'summary');
        await chooseInMenu(page, 'Power actions', 'Stop');
        await pressInDialog(page, 'Stop');
      }),
    command: async (vmid, wish, command, answer) => {
      await open(vmid, 'console');
      await typeInConsole(page, wish, command, answer);
    },
    whyNoSnapshot: async (vmid) => {
      await open(vmid, 'snapshots');
      await page.getByRole('heading', { name: 'Snapshots are not possible here' }).waitFor();
      return (await page.locator('.ry-page-body').textContent()) ?? '';
    },
    move: (vmid, storage) =>
      task('move_volume', async () => {
        await open(vmid, 'resources');
        await chooseInMenu(page, 'More: Root file system', 'Move to another storage');
        await dialog(page).getByRole('combobox', { name: 'Target storage' }).selectOption(storage);
        await dialog(page).getByRole('checkbox', { name: 'Delete the old volume afterwards' }).check();
        await pressInDialog(page, 'Move');
      }),
    snapshot: (vmid, name) =>
      task('vzsnapshot', async () => {
        await open(vmid, 'snapshots');
        await page.getByRole('button', { name: 'Take a snapshot' }).click();
        await textbox(page, 'Name').fill(name);
        await pressInDialog(page, 'Take it');
      }),
    rollback: (vmid, name) =>
      task('vzrollback', async () => {
        await open(vmid, 'snapshots');
        await page.getByRole('button', { name: `Roll back to ${name}` }).click();
        // It runs, so that it shall run again is what the dialog proposes.
        expect(await dialog(page).getByRole('checkbox').isChecked()).toBe(true);
        await pressInDialog(page, 'Roll back');
      }),
    clone: (vmid, newid, hostname, storage) =>
      task('vzclone', async () => {
        await open(vmid, 'summary');
        await chooseInMenu(page, 'More actions', 'Clone');
        await number(page, 'VMID').fill(String(newid));
        await textbox(page, 'Host name').fill(hostname);
        await dialog(page).getByRole('combobox', { name: 'Target storage' }).selectOption(storage);
        await pressInDialog(page, 'Clone');
      }),
    grow: (vmid) =>
      task('resize', async () => {
        await open(vmid, 'resources');
        await chooseInMenu(page, 'More: Root file system', 'Grow');
        await number(page, 'Grow by').fill('1');
        await pressInDialog(page, 'Grow');
      }),
    remove: (vmid) =>
      task('vzdestroy', async () => {
        await open(vmid, 'summary');
        await chooseInMenu(page, 'More actions', 'Remove');
        await dialog(page).getByRole('textbox').fill(String(vmid));
        await pressInDialog(page, 'Remove');
      }),
  };
}
