/**
 * A Debian container's whole life, the same four times: in the browser, by `pct`, by REST and by proxmoxer. Minutes, since
 * a Debian boots seven times or so; each step alone has its test with busybox in test/integration.
 */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, openPage } from '../lib/browser.ts';
import { browserHand } from '../lib/container-browser.ts';
import { type ContainerHand, pctHand, proxmoxerHand, restHand, type Wish } from '../lib/container-hands.ts';
import { type ContainerLab, mountBtrfs, openContainerLab } from '../lib/containers.ts';
import { debianTemplate } from '../lib/debian-template.ts';
import { waitFor } from '../lib/wait.ts';
import { openWebProxy, type WebProxy } from '../lib/web-proxy.ts';
import { logInByForm } from '../lib/web-ui.ts';

let pool: Awaited<ReturnType<typeof mountBtrfs>> | undefined;
let lab: ContainerLab;
let proxy: WebProxy;
let browser: Browser;
const template = 'local:vztmpl/debian.tar.zst';
const proxyPort = 3142;

beforeAll(async () => {
  pool = await mountBtrfs('12G');
  lab = await openContainerLab('flow1', {
    ...{ natBridge: true, controlGroups: true },
    env: { http_proxy: `http://127.0.0.1:${proxyPort}` },
  });
  proxy = await openWebProxy(lab.node.namespace, proxyPort);
  const { path } = pool;
  await lab.admin.call('POST', '/storage', { storage: 'pool', type: 'btrfs', path, content: 'rootdir' });
  const cache = join(lab.node.dataDir, 'storage/template/cache');
  await copyFile(await debianTemplate(lab.node), join(cache, 'debian.tar.zst'));
  browser = await openBrowser();
}, 1_500_000);

afterAll(async () => {
  await browser?.close();
  await lab?.close();
  await proxy?.close();
  await pool?.remove();
});

const wish = (storage: string, name: string): Wish => ({
  ...{ storage, size: 1, hostname: `from-${name}` },
  password: `for ${name}: p'w $(x) "z"`,
});

/** Waits until systemd says that all is up, and the card has an address. */
async function booted(vmid: number): Promise<void> {
  const state = () => lab.inside(vmid, 'systemctl is-system-running || true').catch(() => '');
  await waitFor(async () => /running|degraded/.test(await state()), {
    timeout: 300,
    every: 500,
    what: `a booted CT ${vmid}`,
  });
  await waitFor(() => lab.inside(vmid, 'ip -4 -o addr show eth0').then((text) => text !== ''), {
    timeout: 120,
    what: `an address of CT ${vmid}`,
  });
}

/** apt as a person would type it behind a proxy on the router. */
const apt = [
  "export http_proxy=http://$(ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p')",
  `:${proxyPort} && apt-get -qq update && apt-get -qq -y install --no-install-recommends hello && hello`,
].join('');

const identity = 'hostname && cat /sys/class/net/eth0/address /etc/machine-id';
const keyOf = async (vmid: number, key: string) => String((await lab.config(vmid))[key]);

/** As raw image the file system shows its size; a subvolume's end is a quota, which shows when it is reached. */
async function expectRoom(vmid: number, storage: string, gigabytes: number): Promise<void> {
  expect(await keyOf(vmid, 'rootfs')).toContain(`size=${gigabytes}G`);
  if (storage === 'pool') {
    const fill = (size: string) =>
      lab.inside(vmid, `fallocate -l ${size} /root/large 2>&1; rm -f /root/large`);
    expect(await fill(`${gigabytes}G`)).toMatch(/quota exceeded/i);
    if (gigabytes > 1) expect(await fill(`${gigabytes - 1}G`)).toBe('');
    return;
  }
  const kilobytes = Number(await lab.inside(vmid, 'df -P / | tail -1 | tr -s " " | cut -d " " -f 2'));
  expect(kilobytes / 1024 ** 2).toBeGreaterThan(gigabytes * 0.9);
  expect(kilobytes / 1024 ** 2).toBeLessThanOrEqual(gigabytes);
}

/** From the template to a working snapshot of a container with its own file. */
async function makeWithSnapshot(hand: ContainerHand, vmid: number, made: Wish): Promise<void> {
  await hand.create(vmid, made);
  expect(await lab.config(vmid)).toMatchObject({
    ...{ ostype: 'debian', hostname: made.hostname, unprivileged: 1 },
    rootfs: expect.stringMatching(new RegExp(`^${made.storage}:${vmid}/`)),
  });
  await hand.start(vmid);
  await booted(vmid);
  await expectRoom(vmid, made.storage, 1);
  await hand.command(vmid, made, apt, /Hello, world!/);
  expect(await lab.inside(vmid, 'echo mine > /root/mine; hello')).toBe('Hello, world!');
  if (made.storage !== 'pool') {
    expect(await hand.whyNoSnapshot(vmid)).toMatch(/'rootfs' on storage 'local'.*type btrfs/s);
    await hand.stop(vmid);
    await hand.move(vmid, 'pool');
    expect(await keyOf(vmid, 'rootfs')).toMatch(/^pool:/);
    await hand.start(vmid);
    await booted(vmid);
  }
  await hand.snapshot(vmid, 'works');
}

async function live(hand: ContainerHand, vmid: number, made: Wish): Promise<void> {
  const [copy, name] = [vmid + 1, `${made.hostname}-2`];
  await makeWithSnapshot(hand, vmid, made);

  await lab.inside(
    vmid,
    'rm -rf /root/mine /etc/systemd /lib/systemd /sbin/init /usr/bin/apt* /usr/bin/hello',
  );
  await expect(lab.inside(vmid, 'hello')).rejects.toThrow();
  await hand.rollback(vmid, 'works');
  await booted(vmid);
  expect(await lab.inside(vmid, 'cat /root/mine; hello; apt-get --version | head -1')).toMatch(
    /^mine\nHello, world!\napt /,
  );

  await hand.clone(vmid, copy, name, made.storage);
  expect(await keyOf(copy, 'rootfs')).toMatch(new RegExp(`^${made.storage}:${copy}/`));
  await hand.start(copy);
  await booted(copy);
  const [one, other] = [await lab.inside(vmid, identity), await lab.inside(copy, identity)].map((text) =>
    text.split('\n'),
  );
  expect([one?.[0], other?.[0]]).toEqual([made.hostname, name]);
  expect(other?.filter((text) => one?.includes(text))).toEqual([]);
  expect(await lab.inside(copy, 'cat /root/mine')).toBe('mine');

  // A file system on an image grows while it is used only where the kernel lets root of the node do so.
  if (made.storage !== 'pool') await hand.stop(copy);
  await hand.grow(copy);
  if (made.storage !== 'pool') await hand.start(copy);
  await booted(copy);
  await expectRoom(copy, made.storage, 2);

  for (const id of [vmid, copy]) {
    await hand.stop(id);
    await hand.remove(id);
    await expect(lab.config(id)).rejects.toThrow('does not exist');
    expect(await lab.leftovers(id)).toEqual([]);
    for (const storage of ['local', 'pool'])
      expect(await lab.admin.get(`${lab.node.path}/storage/${storage}/content?vmid=${id}`)).toEqual([]);
  }
}

test('in the browser, on images', async () => {
  const { page, problems } = await openPage(browser);
  page.setDefaultTimeout(60_000);
  await logInByForm(page, lab.node);
  await live(browserHand(lab, page, template), 100, wish('local', 'browser'));
  expect(problems).toEqual([]);
}, 600_000);

test('by pct, on btrfs', async () => {
  await live(pctHand(lab, template), 110, wish('pool', 'pct'));
}, 600_000);

test('by REST, on images', async () => {
  await live(restHand(lab, template), 120, wish('local', 'rest'));
}, 600_000);

test('by proxmoxer, on btrfs', async () => {
  await live(proxmoxerHand(lab, template), 130, wish('pool', 'python'));
}, 600_000);
