/**
 * Every page of the Web UI on a real node: wide and narrow, light and dark, in both languages. Each is kept as a
 * picture in test-output/pages for people to look at, and checked for what a program can see: accessibility, errors on
 * the browser's console, a page wider than its window, a text without translation.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testCacheDir } from '../lib/asset-cache.ts';
import {
  accessibilityFindings,
  openBrowser,
  openPage,
  type PageOptions,
  screenshot,
} from '../lib/browser.ts';
import { jsonOf } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';
import { logInByForm } from '../lib/web-ui.ts';

let node: TestNode;
let browser: Browser;

beforeAll(async () => {
  node = await startNode({ name: 'pages1', natBridge: true });
  browser = await openBrowser();
  await fill();
}, 600_000);

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

/** Something to see on every page: a running guest, stopped ones, a failed task, an ISO image. */
async function fill(): Promise<void> {
  const admin = await node.admin();
  const tiny = await buildTinyGuest(testCacheDir());
  const answer = await admin.uploadFile(`${node.path}/storage/local/upload`, tiny.iso, { content: 'iso' });
  await admin.taskEnd(jsonOf<string>(answer).data);
  const qemu = `${node.path}/qemu`;
  await admin.run('POST', qemu, {
    ...{
      vmid: 100,
      name: 'web-server',
      memory: 256,
      cores: 2,
      tags: 'prod;web',
      agent: '1',
      serial0: 'socket',
    },
    ...{ ide2: 'local:iso/tiny-guest.iso,media=cdrom', scsi0: 'local:8', net0: 'virtio,bridge=vmbr0' },
    ...{ description: 'Shop front.\n\n社内向けの説明: 夜間に再起動します。', boot: 'order=ide2' },
  });
  await admin.run('POST', `${qemu}/100/status/start`);
  await admin.call('PUT', `${qemu}/100/config`, { cores: 4, memory: 512 });
  for (const [vmid, name] of [
    [101, 'database'],
    [102, 'windows'],
  ] as const) {
    await admin.run('POST', qemu, { vmid, name, scsi0: 'local:4', onboot: true });
  }
  await admin.call('PUT', `${qemu}/102/config`, { protection: true });
  const failing = await admin.call<string>('POST', `${node.path}/storage/local/download-url`, {
    ...{ content: 'iso', filename: 'gone.iso', url: 'http://127.0.0.1:9/gone.iso' },
  });
  await admin.taskEnd(failing);
}

const paths = (): Record<string, string> => ({
  'datacenter-summary': '/datacenter/summary',
  'datacenter-search': '/datacenter/search',
  'datacenter-storage': '/datacenter/storage',
  'datacenter-users': '/datacenter/users',
  'datacenter-permissions': '/datacenter/permissions',
  'datacenter-tasks': '/datacenter/tasks',
  'node-summary': `/node/${node.name}/summary`,
  'node-guests': `/node/${node.name}/guests`,
  'node-network': `/node/${node.name}/network`,
  'node-shell': `/node/${node.name}/shell`,
  'node-tasks': `/node/${node.name}/tasks`,
  'storage-summary': `/storage/${node.name}/local/summary`,
  'storage-iso': `/storage/${node.name}/local/iso`,
  'storage-images': `/storage/${node.name}/local/images`,
  'guest-summary': '/qemu/100/summary',
  'guest-console': '/qemu/100/console',
  'guest-serial': '/qemu/100/serial',
  'guest-hardware': '/qemu/100/hardware',
  'guest-options': '/qemu/100/options',
  'guest-tasks': '/qemu/100/tasks',
  'guest-stopped-console': '/qemu/101/console',
  'guest-missing': '/qemu/999/summary',
  'create-vm': '/create/qemu',
  'api-docs': '/api-docs',
  'no-such-page': '/no/such/page',
});

/** What the browser reports by itself for answers that are an error by right. */
const expectedProblems: Readonly<Record<string, RegExp>> = {
  'guest-missing': /status of 500/,
  'guest-summary': /status of 500 \(QEMU guest agent is not running\)/,
};

interface Variant extends PageOptions {
  readonly name: string;
}

const wide = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const variants: readonly Variant[] = [
  { name: 'en-light', locale: 'en-US', colorScheme: 'light', viewport: wide },
  { name: 'ja-dark', locale: 'ja-JP', colorScheme: 'dark', viewport: wide },
  { name: 'ja-light-phone', locale: 'ja-JP', colorScheme: 'light', viewport: phone },
  { name: 'en-dark-phone', locale: 'en-US', colorScheme: 'dark', viewport: phone },
];

async function visibleText(page: Page): Promise<string> {
  return String(await page.evaluate('document.body.innerText'));
}

/** Waits until the page has stopped to load: no spinner, no change of its text for half a second. */
async function settled(page: Page): Promise<void> {
  await page.locator('h1').first().waitFor({ timeout: 15_000 });
  let before = '';
  for (let look = 0; look < 12; look++) {
    const text = await visibleText(page);
    if (look > 0 && text.length === before.length) return;
    before = text;
    await page.waitForTimeout(500);
  }
}

/** What a program can see of a page that is wrong, as texts. */
async function faultsOf(page: Page, variant: Variant): Promise<string[]> {
  const faults = (await accessibilityFindings(page)).map(
    (finding) => `axe ${finding.impact} ${finding.id}: ${finding.targets.slice(0, 3).join(' | ')}`,
  );
  const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
  if (width > (variant.viewport?.width ?? 0)) faults.push(`the page is ${width} pixels wide`);
  const text = await visibleText(page);
  // A key that has no text shows itself: `wizard.next`. Names of files and hosts have other endings.
  for (const [key] of text.matchAll(
    /^(?:action|column|content|error|guest|hardware|state|summary|tab|wizard)\.[a-zA-Z]+$/gm,
  )) {
    faults.push(`no text for ${key}`);
  }
  const language = String(await page.evaluate('document.documentElement.lang'));
  if (!variant.locale?.startsWith(language)) faults.push(`the page says its language is '${language}'`);
  if (variant.locale === 'ja-JP' && !/[\u3040-\u30ff\u4e00-\u9fff]/.test(text))
    faults.push('no Japanese text');
  return faults;
}

describe.each(variants)('$name', (variant) => {
  test('no page has a fault that a program can see', async () => {
    const { page, context, problems } = await openPage(browser, variant);
    const faults: Record<string, readonly string[]> = {};
    const look = async (name: string, ignored: RegExp = /^$/): Promise<void> => {
      const late = await settled(page).then(
        () => [],
        (error: unknown) => [`has no heading: ${String(error).split('\n')[0]}`],
      );
      await screenshot(page, `pages/${variant.name}/${name}`);
      const seen = [
        ...late,
        ...(await faultsOf(page, variant)),
        ...problems.splice(0).filter((text) => !ignored.test(text)),
      ];
      if (seen.length > 0) faults[name] = seen;
    };
    await page.goto(`${node.url}/login`);
    await look('login');
    await logInByForm(page, node);
    for (const [name, path] of Object.entries(paths())) {
      await page.goto(`${node.url}${path}`);
      await look(name, expectedProblems[name]);
    }
    await context.close();
    expect(faults).toEqual({});
  });
});
