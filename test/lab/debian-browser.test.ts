/**
 * The main job in the browser with a whole Debian: minutes. The installer's screen is in ../integration/e2e-browser.test.ts,
 * the same Debian by REST in ../integration/e2e-rest.test.ts.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testCacheDir } from '../lib/asset-cache.ts';
import { openBrowser, openPage, screenshot } from '../lib/browser.ts';
import { buildDebianImage } from '../lib/debian-image.ts';
import { expectReachable } from '../lib/guest-checks.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { waitFor } from '../lib/wait.ts';
import { logInByForm, terminalShows } from '../lib/web-ui.ts';

let node: TestNode;
let browser: Browser;

beforeAll(async () => {
  node = await startNode({ name: 'web1', natBridge: true });
  browser = await openBrowser();
}, 600_000);

afterAll(async () => {
  await browser?.close();
  await node?.stop();
});

test('a Debian disk started in the Web UI shows its login on the serial console and is in the network', async () => {
  const image = await buildDebianImage(testCacheDir());
  const admin = await node.admin();
  const answer = await admin.uploadFile(`${node.path}/storage/local/upload`, image.path, {
    content: 'import',
  });
  expect(answer.status).toBe(200);
  const upid = (JSON.parse(answer.body.toString()) as { data: string }).data;
  expect((await admin.taskEnd(upid)).exitstatus).toBe('OK');
  await admin.run('POST', `${node.path}/qemu`, {
    ...{ vmid: 310, name: 'debian', memory: 512, cores: 2, agent: '1', scsihw: 'virtio-scsi-pci' },
    ...{ scsi0: 'local:0,import-from=local:import/debian.qcow2', boot: 'order=scsi0' },
    ...{ net0: 'virtio,bridge=vmbr0', serial0: 'socket' },
  });

  const { page, problems } = await openPage(browser, { colorScheme: 'dark' });
  await logInByForm(page, node);
  await page.goto(`${node.url}/qemu/310/serial`);
  await page.getByRole('button', { name: 'Start', exact: true }).first().click();
  await terminalShows(page, /ryokan-debian login:/, 600);
  await page.locator('.xterm').click();
  await page.keyboard.type(`${image.login.user}\n`);
  await terminalShows(page, /Password:/, 30);
  await page.keyboard.type(`${image.login.password}\n`);
  await terminalShows(page, /root@ryokan-debian:~#/, 60);
  await page.keyboard.type('ip -4 -o address show scope global | cut -c 1-60\n');
  const text = await terminalShows(page, /inet [\d.]+\/24/, 60);
  await screenshot(page, 'e2e/6-debian-serial');
  await expectReachable(node, /inet ([\d.]+)\//.exec(text)?.[1] ?? '');
  await waitFor(async () => (await admin.answer('POST', `${node.path}/qemu/310/agent/ping`)).status === 200, {
    timeout: 60,
    every: 1000,
    what: 'an answer of the guest agent',
  });
  await page.goto(`${node.url}/qemu/310/summary`);
  await page
    .getByText(/inet|10\.\d+\.\d+\.\d+/)
    .first()
    .waitFor({ timeout: 30_000 });
  await screenshot(page, 'e2e/7-debian-summary');
  expect(problems).toEqual([]);
}, 1_200_000);
