/**
 * Every page and dialog of the Web UI on a real node: wide and narrow, light and dark, in both languages. Each is kept as a
 * picture in test-output/pages for people to look at, and checked for what a program can see: accessibility, errors on
 * the browser's console, a page wider than its window, a text without translation. test/lab/web-pages.test.ts looks at
 * every page in all of these ways (RYOKAN_VARIANTS=all), this one in one of them.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { containerPages } from '../../packages/web/test/container-pages.ts';
import { type PageToSee, pages } from '../../packages/web/test/pages.ts';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import {
  accessibilityFindings,
  axeLooks,
  openBrowser,
  openPage,
  type PageOptions,
  screenshot,
} from '../lib/browser.ts';
import { writeBusyboxTemplate } from '../lib/busybox-template.ts';
import { jsonOf } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';
import { logInByForm } from '../lib/web-ui.ts';

let node: TestNode;
let browser: Browser;
/** One login for all windows, as a person has with several tabs. */
let session: Awaited<ReturnType<BrowserContext['storageState']>>;

beforeAll(async () => {
  node = await startNode({ name: 'pve1', natBridge: true });
  browser = await openBrowser();
  await fill();
  const { page, context } = await openPage(browser);
  await logInByForm(page, node);
  session = await context.storageState();
  await context.close();
}, 600_000);

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

/** Something to see on every page: a running guest with snapshots, stopped ones, a failed task, an ISO image, a template. */
async function fill(): Promise<void> {
  const admin = await node.admin();
  const tiny = await buildTinyGuest(testCacheDir());
  const answer = await admin.uploadFile(`${node.path}/storage/local/upload`, tiny.iso, { content: 'iso' });
  await admin.taskEnd(jsonOf<string>(answer).data);
  const templates = join(node.dataDir, 'storage/template/cache');
  await mkdir(templates, { recursive: true });
  await writeBusyboxTemplate(join(templates, 'busybox.tar.gz'));
  await admin.call('POST', '/cluster/mapping/dir', {
    ...{ id: 'docs', description: 'Documents', map: ['node=pve1,path=/srv'] },
  });
  await admin.call('PUT', `${node.path}/storage/local/snippets/web.yaml`, { content: '#cloud-config\n' });
  const qemu = `${node.path}/qemu`;
  await admin.run('POST', qemu, {
    ...{ vmid: 100, name: 'web-server', memory: 256, cores: 2, tags: 'prod;web', agent: '1', bios: 'ovmf' },
    ...{ ide2: 'local:iso/tiny-guest.iso,media=cdrom', scsi0: 'local:8', net0: 'virtio,bridge=vmbr0' },
    ...{ serial0: 'socket', ide0: 'local:cloudinit', ciuser: 'hanako', ipconfig0: 'ip=dhcp' },
    ...{ description: 'Shop front.\n\n社内向けの説明: 夜間に再起動します。', boot: 'order=scsi0;ide2;net0' },
  });
  await admin.run('POST', `${qemu}/100/snapshot`, {
    snapname: 'fresh',
    description: 'nothing installed yet',
  });
  await admin.run('POST', `${qemu}/100/status/start`);
  await admin.call('PUT', `${qemu}/100/config`, {
    cores: 4,
    memory: 512,
    cicustom: 'user=local:snippets/web.yaml',
  });
  for (const [vmid, name] of [
    [101, 'database'],
    [105, 'windows'],
  ] as const) {
    await admin.run('POST', qemu, { vmid, name, scsi0: 'local:4', onboot: true });
  }
  await addContainers(admin);
  await admin.call('POST', '/access/groups', { groupid: 'operators' });
  await admin.call('POST', '/access/users', { userid: 'hanako@pve', groups: 'operators' });
  await admin.call('POST', '/access/users/hanako@pve/token/deploy', { comment: 'CI' });
  await admin.call('POST', '/pools', { poolid: 'web', comment: 'Shop and its database' });
  await admin.call('PUT', '/pools', { poolid: 'web', vms: '100,101' });
  for (const [path, roles] of [
    ['/vms', 'PVEAuditor'],
    ['/pool/web', 'PVEVMUser'],
  ]) {
    await admin.call('PUT', '/access/acl', { path, roles, groups: 'operators' });
  }
  await admin.call('POST', '/access/domains', {
    ...{ realm: 'corp', type: 'ldap', server1: 'ldap.example', base_dn: 'dc=corp', user_attr: 'uid' },
  });
  await admin.call('POST', '/cluster/jobs/realm-sync/sync-corp', {
    ...{ realm: 'corp', schedule: 'mon..fri 22:00', comment: 'Staff', scope: 'both' },
  });
  await admin.call('POST', '/access/users', { userid: 'ann@pve', password: secondStepPassword });
  const ann = await logIn(node.url, 'ann@pve', secondStepPassword);
  await ann.call('POST', '/access/tfa/ann@pve', { type: 'recovery', password: secondStepPassword });
  ann.close();
  const failing = await admin.call<string>('POST', `${node.path}/storage/local/download-url`, {
    ...{ content: 'iso', filename: 'gone.iso', url: 'http://127.0.0.1:9/gone.iso' },
  });
  await admin.taskEnd(failing);
}

/** A running container with most of what one can have, and a change that waits; and one that stands still. */
async function addContainers(admin: ApiSession): Promise<void> {
  const lxc = `${node.path}/lxc`;
  const busybox = { ostemplate: 'local:vztmpl/busybox.tar.gz', rootfs: 'local:0.1' };
  await admin.run('POST', lxc, {
    ...{ ...busybox, vmid: 200, hostname: 'proxy', cmode: 'shell', memory: 64, swap: 32, cores: 1 },
    ...{ net0: 'name=eth0,bridge=vmbr0,ip=192.0.2.10/24,gw=192.0.2.1,firewall=1,host-managed=1' },
    ...{ net1: 'name=lan,bridge=vmbr0,ip6=auto,rate=5,link_down=1', features: 'nesting=1' },
    ...{ mp0: 'local:0.05,mp=/srv/data,backup=1', tags: 'prod', start: 1 },
    env: 'TZ=Asia/Tokyo\0GREETING=good day',
  });
  await admin.call('PUT', `${lxc}/200/config`, { hostname: 'proxy-2', nameserver: '192.0.2.53' });
  // Waits with the reason why the running container does not have it.
  await admin.answer('PUT', `${lxc}/200/config`, { net1: 'name=lan,bridge=vmbr0,ip6=auto,tag=5' });
  await admin.run('POST', lxc, { ...busybox, vmid: 201, hostname: 'mail', unprivileged: 1 });
}

/** Of ann@pve, who has recovery keys. */
const secondStepPassword = 'second-step-1234';

/** Besides those that the mock server has too. */
const more: readonly PageToSee[] = [
  { name: 'storage-images', path: '/storage/pve1/local/images' },
  { name: 'node-tasks', path: '/node/pve1/tasks' },
  { name: 'guest-stopped-console', path: '/qemu/101/console' },
  { name: 'guest-firewall', path: '/qemu/100/firewall' },
  {
    name: 'guest-firewall-rule',
    path: '/qemu/100/firewall',
    act: async (page) => {
      await page.locator('.ry-firewall .pf-v6-c-button.pf-m-primary').first().click();
      await page.locator('[role=dialog]').waitFor();
    },
  },
  ...containerPages,
  { name: 'datacenter-pools', path: '/datacenter/pools' },
  {
    name: 'datacenter-pool-add',
    path: '/datacenter/pools',
    act: async (page) => {
      await page.locator('.ry-toolbar-actions button').first().click();
      await page.locator('[role=dialog]').waitFor();
    },
  },
  {
    name: 'datacenter-pool-members',
    path: '/datacenter/pools',
    act: async (page) => {
      await page.locator('.ry-table tbody button').first().click();
      await page.locator('[role=dialog]').waitFor();
    },
  },
  { name: 'datacenter-sync-jobs', path: '/datacenter/realms?part=jobs' },
  {
    name: 'datacenter-sync-job-add',
    path: '/datacenter/realms?part=jobs',
    act: async (page) => {
      await page.locator('.ry-toolbar-actions button').first().click();
      await page.locator('#job-own').click();
      await page.locator('#sync-entry').click();
    },
  },
  { name: 'storage-permissions', path: '/storage/pve1/local/permissions' },
  { name: 'guest-permissions', path: '/qemu/100/permissions' },
  {
    name: 'guest-permissions-why',
    path: '/qemu/100/permissions',
    act: async (page) => {
      await page.locator('.ry-table tbody button').nth(1).click();
      await page.locator('[role=dialog]').waitFor();
    },
  },
  { name: 'create-import', path: '/create/import' },
  { name: 'api-docs', path: '/api-docs' },
  { name: 'no-such-page', path: '/no/such/page' },
];

/** For a look at some of them only: a regular expression for their names. */
const wanted = new RegExp(process.env.RYOKAN_PAGES ?? '');

const toSee = [...pages, ...more].filter((one) => !one.loggedOut && !one.mockOnly && wanted.test(one.name));

/** What the browser reports by itself for answers that are an error by right: the guest has no agent. */
const byRight = /status of 500 \(QEMU guest agent is not running\)/;
const expectedProblems: Readonly<Record<string, RegExp>> = { 'guest-gone': /status of 500/ };

interface Variant extends PageOptions {
  readonly name: string;
  /** What axe looks for: each theme and each width once; the language changes nothing that it sees. */
  readonly axe: 'everything' | 'looks' | 'nothing';
}

const wide = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const allVariants: readonly Variant[] = [
  { name: 'en-light', locale: 'en-US', colorScheme: 'light', viewport: wide, axe: 'everything' },
  { name: 'ja-dark-phone', locale: 'ja-JP', colorScheme: 'dark', viewport: phone, axe: 'looks' },
  { name: 'ja-light', locale: 'ja-JP', colorScheme: 'light', viewport: wide, axe: 'nothing' },
  { name: 'en-dark-phone', locale: 'en-US', colorScheme: 'dark', viewport: phone, axe: 'nothing' },
];
const everything = process.env.RYOKAN_VARIANTS === 'all';
/** Milliseconds; on a machine that is busy with other things too. */
const timeLimit = everything ? 3_600_000 : 1_200_000;
/** Each language, theme and width once, every page in one of the two in turn: both cost five minutes more. */
const variants = everything ? allVariants : allVariants.slice(0, 2);

async function visibleText(page: Page): Promise<string> {
  return String(await page.evaluate('document.body.innerText'));
}

/** Resolves when the page has a heading, nothing loads, and nothing has changed for a moment; after 6 s as it is. */
async function settled(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor({ timeout: 60_000 });
  await page.evaluate(`new Promise((resolve) => {
    const quiet = 200;
    let timer = setTimeout(done, quiet);
    const end = setTimeout(stop, 6000);
    const watch = new MutationObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(done, quiet);
    });
    function done() {
      if (document.querySelector('.ry-loading, .ry-plots-space')) timer = setTimeout(done, quiet);
      else stop();
    }
    function stop() {
      watch.disconnect();
      clearTimeout(end);
      resolve();
    }
    watch.observe(document.body, { childList: true, subtree: true, characterData: true });
  })`);
}

/**
 * Goes to a page as a link does, without loading the whole application again. By way of a page that is not there, so that
 * dialogs and input of a page are gone when it comes again.
 */
async function follow(page: Page, path: string): Promise<void> {
  await push(page, '/no/such/page');
  await page.locator('.pf-v6-c-empty-state h1').waitFor({ timeout: 60_000 });
  await push(page, path);
}

const push = (page: Page, path: string) =>
  page.evaluate(
    `history.pushState({}, '', ${JSON.stringify(path)}); dispatchEvent(new PopStateEvent('popstate'))`,
  );

/** What a program can see of a page that is wrong, as texts. */
async function faultsOf(page: Page, variant: Variant): Promise<string[]> {
  const rules = variant.axe === 'looks' ? axeLooks : undefined;
  const findings = variant.axe === 'nothing' ? [] : await accessibilityFindings(page, rules);
  const faults = findings.map(
    (finding) => `axe ${finding.impact} ${finding.id}: ${finding.targets.slice(0, 3).join(' | ')}`,
  );
  const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
  if (width > (variant.viewport?.width ?? 0)) faults.push(`the page is ${width} pixels wide`);
  const text = await visibleText(page);
  // A key that has no text shows itself: `wizard.next`. Names of files and hosts have other endings.
  for (const [key] of text.matchAll(
    /^(?:action|agent|cloudinit|column|container|content|disk|error|guest|hardware|newct|oci|snapshot|state|summary|tab|templates|wizard)\.[a-zA-Z]+$/gm,
  )) {
    faults.push(`no text for ${key}`);
  }
  const language = String(await page.evaluate('document.documentElement.lang'));
  if (!variant.locale?.startsWith(language)) faults.push(`the page says its language is '${language}'`);
  if (variant.locale === 'ja-JP' && !/[\u3040-\u30ff\u4e00-\u9fff]/.test(text))
    faults.push('no Japanese text');
  return faults;
}

/** Opens a page, does what belongs to it, takes its picture and says what is wrong with it. */
async function look(page: Page, variant: Variant, one: PageToSee): Promise<string[]> {
  const faults: string[] = [];
  try {
    await settled(page);
    await one.act?.(page, variant.viewport === phone);
    if (one.act) await settled(page);
  } catch (error) {
    faults.push(String(error).split('\n').slice(0, 4).join(' '));
  }
  await screenshot(page, `pages/${variant.name}/${one.name}`);
  return [...faults, ...(await faultsOf(page, variant))];
}

// All at once: while one page waits for its server, another is drawn or looked at.
describe.concurrent.each(variants)('$name', (variant) => {
  test(
    'no page has a fault that a program can see',
    async () => {
      const { page, context, problems } = await openPage(browser, { ...variant, session });
      const faults: Record<string, readonly string[]> = {};
      let fresh = true;
      for (const [i, one] of toSee.entries()) {
        if (!everything && i % variants.length !== variants.indexOf(variant)) continue;
        if (fresh) await page.goto(`${node.url}${one.path}`);
        else await follow(page, one.path);
        const ignored = expectedProblems[one.name] ?? /^$/;
        const seen = await look(page, variant, one);
        const told = problems.splice(0).filter((text) => !ignored.test(text) && !byRight.test(text));
        if (seen.length + told.length > 0) faults[one.name] = [...seen, ...told];
        fresh = one.ofFrame ?? false;
      }
      await context.close();
      expect(faults).toEqual({});
    },
    timeLimit,
  );
  test('nor has the login', async () => {
    const { page, context, problems } = await openPage(browser, variant);
    await page.goto(`${node.url}/login`);
    const seen = await look(page, variant, { name: 'login', path: '/login' });
    await page.locator('#user').fill('ann');
    await page.locator('#password').fill(secondStepPassword);
    await page.locator('#realm').selectOption('pve');
    await page.locator('#user').press('Enter');
    await page.locator('#user').waitFor({ state: 'detached' });
    const second = await look(page, variant, { name: 'login-second-step', path: '/login' });
    await context.close();
    expect([...seen, ...second, ...problems]).toEqual([]);
  });
});
