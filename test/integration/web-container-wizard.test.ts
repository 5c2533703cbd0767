/** A container from nothing in the browser: a template out of the catalogue, the wizard's steps, what they refuse, a phone. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessibilityFindings, openBrowser, openPage, screenshot } from '../lib/browser.ts';
import { writeBusyboxTemplate } from '../lib/busybox-template.ts';
import { type CatalogueServer, startCatalogue } from '../lib/catalogue-server.ts';
import { ContainerLab } from '../lib/containers.ts';
import { startNode } from '../lib/node.ts';
import { logInByForm } from '../lib/web-ui.ts';

let lab: ContainerLab;
let catalogue: CatalogueServer;
let browser: Browser;
let page: Page;
let problems: string[];
let session: Awaited<ReturnType<ReturnType<Page['context']>['storageState']>>;

beforeAll(async () => {
  const node = await startNode({ name: 'newct1', natBridge: true });
  lab = new ContainerLab(node, await node.admin(), true);
  const folder = await mkdtemp(join(tmpdir(), 'ryokan-busybox-'));
  await writeBusyboxTemplate(join(folder, 'busybox_1.36.tar.gz'));
  catalogue = await startCatalogue(node.namespace, join(folder, 'busybox_1.36.tar.gz'));
  await rm(folder, { recursive: true });
  await lab.admin.run('POST', `${node.path}/qemu`, { vmid: 101, name: 'taken' });
  browser = await openBrowser();
  const opened = await openPage(browser);
  ({ page, problems } = opened);
  page.setDefaultTimeout(30_000);
  await logInByForm(page, node);
  session = await opened.context.storageState();
}, 600_000);

afterAll(async () => {
  await browser?.close();
  await lab?.close();
  await catalogue?.stop();
});

const heading = (step: string, on = page) => on.getByRole('heading', { name: step, level: 2 }).waitFor();
const field = (name: string, on = page) => on.getByRole('textbox', { name, exact: true });
const number = (name: string, on = page) => on.getByRole('spinbutton', { name, exact: true });
const next = (on = page) => on.getByRole('button', { name: 'Next', exact: true }).click();
const told = (text: string | RegExp) => page.getByText(text).first().waitFor();
/** What is going to be made can be read without scrolling sideways. */
async function seen(on: Page): Promise<void> {
  const box = await on.getByText('unprivileged, with nesting').boundingBox();
  const width = on.viewportSize()?.width ?? 0;
  expect((box?.x ?? width) + (box?.width ?? 0)).toBeLessThan(width);
}

test('what is wrong is said at its field, and the step is not left', async () => {
  await page.getByRole('button', { name: 'Create a guest' }).click();
  await page.getByRole('menuitem', { name: /^Create container/ }).click();
  await heading('General');
  await number('VMID').fill('101');
  await told('Guest 101 exists already. Choose another number.');
  await field('Host name').fill('not a name');
  await page.getByLabel('Password', { exact: true }).fill('first-secret');
  await page.getByLabel('Repeat the password').fill('other-secret');
  await page.getByTestId('ssh-keys-file').setInputFiles({
    name: 'id_ed25519',
    mimeType: 'text/plain',
    buffer: Buffer.from('-----BEGIN OPENSSH PRIVATE KEY-----\n'),
  });
  await next();
  await told('Letters, digits, dots and hyphens only, such as web-1.');
  await told('The two passwords differ.');
  await told(/One of the lines is no public key/);
  await screenshot(page, 'e2e/container-1-wrong');
  expect(await accessibilityFindings(page)).toEqual([]);
  await heading('General');

  await number('VMID').fill('200');
  await field('Host name').fill('web-1');
  await page.getByLabel('Repeat the password').fill('first-secret');
  await page.getByLabel('Public SSH keys').fill(`ssh-ed25519 AAAA${'C3Nz'.repeat(16)} me@laptop`);
  await next();
  await heading('Template');
  await next();
  await told('There is no template yet: get one below.');
  expect(await page.locator('#ostemplate').getAttribute('aria-invalid')).toBe('true');
});

test('without a template and a catalogue, both are got right there', async () => {
  await page.getByRole('button', { name: 'From the catalogue' }).click();
  const dialog = page.getByRole('dialog', { name: 'Container templates' });
  await dialog.getByRole('heading', { name: 'No catalogue yet' }).waitFor();
  // An address where nobody answers: it says so, and can be put right.
  await dialog.getByLabel('Address of the catalogue').fill('https://127.0.0.1:9/aplinfo.dat');
  await dialog.getByRole('button', { name: 'Use this catalogue' }).click();
  await dialog.getByText('The catalogue cannot be read').waitFor();
  await dialog.getByText(/Check whether the node reaches this address/).waitFor();
  await screenshot(page, 'e2e/container-2-unreachable');
  await dialog.getByLabel('Address of the catalogue').fill(catalogue.url);
  await dialog.getByLabel('Keyring on the node').fill(catalogue.keyring);
  await dialog.getByRole('button', { name: 'Use this catalogue' }).click();
  const row = dialog.getByRole('row').filter({ hasText: 'busybox' });
  await row.waitFor();
  await dialog.getByLabel('Section').selectOption('mail');
  await row.waitFor({ state: 'detached' });
  await dialog.getByLabel('Section').selectOption('system');
  await row.getByRole('button', { name: 'busybox', exact: true }).click();
  await dialog.getByText('For tests.').waitFor();
  await screenshot(page, 'e2e/container-3-catalogue');
  expect(await accessibilityFindings(page)).toEqual([]);
  await row.getByRole('button', { name: /^Download/ }).click();
  await dialog.waitFor({ state: 'detached' });
  await expect.poll(() => page.locator('#ostemplate').inputValue()).toBe('local:vztmpl/busybox_1.36.tar.gz');
});

test('the keyboard is enough from there to a running container', async () => {
  const press = async (step: string) => {
    await page.getByRole('button', { name: 'Next', exact: true }).focus();
    await page.keyboard.press('Enter');
    await heading(step);
  };
  await press('Disks');
  await number('Size').fill('0.1');
  await page.getByRole('button', { name: 'Add a mount point' }).focus();
  await page.keyboard.press('Enter');
  await page.locator('#mp0-path').fill('srv');
  await page.locator('#mp0-size').fill('0.05');
  await next();
  await told('The path has to begin with a slash.');
  await page.locator('#mp0-path').fill('/srv');
  // Directories of the node are root@pam's alone.
  expect(await page.locator('#mp0-source').count()).toBe(0);
  await press('CPU');
  await press('Memory');
  await number('Memory').fill('64');
  await press('Network');
  await expect.poll(() => page.locator('#net0-bridge').inputValue()).toBe('vmbr0');
  await page.locator('#net0-ip-mode').selectOption('static');
  await field('IPv4 address/prefix').fill('10.10.10.20');
  await next();
  await told('An IPv4 address with its prefix, such as 192.168.1.10/24.');
  await field('IPv4 address/prefix').fill('10.10.10.20/24');
  await press('DNS');
  await press('Confirm');
  await told('The server would accept this.');
  await page.getByRole('button', { name: 'The same as a command or API call' }).click();
  await told(/pct create 200 local:vztmpl\/busybox_1\.36\.tar\.gz --hostname web-1/);
  await seen(page);
  await screenshot(page, 'e2e/container-4-confirm');
  expect(await accessibilityFindings(page)).toEqual([]);
  expect(await page.content()).not.toContain('first-secret');
  expect(await page.evaluate('JSON.stringify(sessionStorage)')).not.toContain('first-secret');

  const request = page.waitForRequest((one) => one.method() === 'POST' && /\/lxc$/.test(one.url()));
  await page.getByRole('button', { name: 'Create', exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/lxc/200/console', { timeout: 60_000 });
  expect((await lab.status(200)).status).toBe('running');
  expect(await lab.config(200)).toMatchObject({
    ...{ hostname: 'web-1', unprivileged: 1, features: 'nesting=1', memory: 64 },
    ...{ net0: expect.stringContaining('ip=10.10.10.20/24'), mp0: expect.stringContaining('mp=/srv') },
  });
  expect(await lab.inside(200, 'df /srv | tail -1')).toMatch(/ \/srv$/);
  // Busybox alone is no distribution that would be set up inside, so the login is seen as it was asked for.
  const asked = new URLSearchParams((await request).postData() ?? '');
  expect(asked.get('password')).toBe('first-secret');
  expect(asked.get('ssh-public-keys')).toMatch(/^ssh-ed25519 AAAA\S+ me@laptop$/);
  // The browser tells of the address where nobody answered, which is so by right.
  expect(problems.filter((text) => !/ECONNREFUSED 127\.0\.0\.1:9/.test(text))).toEqual([]);
});

test('on a phone: from the template in its storage', async () => {
  const phone = await openPage(browser, { session, viewport: { width: 390, height: 844 } });
  await phone.page.goto(`${lab.node.url}/storage/${lab.node.name}/local/vztmpl`);
  await phone.page.getByRole('link', { name: 'Create container' }).click();
  for (const step of ['General', 'Template', 'Disks', 'CPU', 'Memory', 'Network', 'DNS']) {
    await heading(step, phone.page);
    if (step === 'Disks') await number('Size', phone.page).fill('0.1');
    expect(await phone.page.evaluate('document.documentElement.scrollWidth'), step).toBe(390);
    await next(phone.page);
  }
  await heading('Confirm', phone.page);
  await phone.page.getByLabel('Start after creation').uncheck();
  await phone.page.getByText('The server would accept this.').waitFor();
  await seen(phone.page);
  await screenshot(phone.page, 'e2e/container-5-phone');
  await phone.page.getByRole('button', { name: 'Create', exact: true }).click();
  await phone.page.waitForURL('**/lxc/*/summary', { timeout: 60_000 });
  expect(phone.problems).toEqual([]);
});
