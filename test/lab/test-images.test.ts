/**
 * The images that other suites boot, started by plain QEMU without the product. When one of these fails, the image or
 * the machine is at fault, not Ryokan.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testCacheDir } from '../lib/asset-cache.ts';
import { guestPicture } from '../lib/browser.ts';
import { buildDebianImage, debianLoginPrompt } from '../lib/debian-image.ts';
import { guestAgent } from '../lib/guest-agent.ts';
import { buildInstallerIso } from '../lib/installer-iso.ts';
import { colourCount, colourShare, likeness } from '../lib/png.ts';
import { createPrivateNetwork, type PrivateNetwork } from '../lib/private-network.ts';
import { type RawQemu, startRawQemu } from '../lib/raw-qemu.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';
import { waitFor } from '../lib/wait.ts';

let directory: string;
let qemu: RawQemu | undefined;
let network: PrivateNetwork | undefined;

beforeEach(async () => {
  directory = await mkdtemp('/tmp/ryimg-');
});

afterEach(async () => {
  await qemu?.kill();
  await network?.remove();
  qemu = undefined;
  network = undefined;
  await rm(directory, { recursive: true });
});

const virtioDisk = (file: string, format: string): string[] => [
  '-drive',
  `if=virtio,snapshot=on,format=${format},file=${file}`,
];

describe('installer ISO', () => {
  test.each([
    ['SeaBIOS', []],
    ['OVMF', ['-bios', '/usr/share/ovmf/OVMF.fd']],
  ])('shows the installer menu under %s', async (firmware, args) => {
    const { path } = await buildInstallerIso(testCacheDir());
    qemu = await startRawQemu({ directory, args: ['-cdrom', path, ...args] });
    const { qmpPath } = qemu;
    // The isolinux menu is a photograph, GRUB's a blue box on black: both far from a text screen of the firmware.
    const drawn = await waitFor(
      async () => {
        const picture = await guestPicture(qmpPath, `installer-menu-${firmware}`);
        return firmware === 'SeaBIOS' ? colourCount(picture) > 1000 : colourShare(picture, 0x0000a8) > 0.5;
      },
      { timeout: 60, every: 500, what: 'the menu on the screen' },
    );
    expect(drawn).toBe(true);
    // Return takes the first entry, and the menu gives way to the kernel of the installer.
    const menu = await guestPicture(qmpPath);
    await qemu.command('send-key', { keys: [{ type: 'qcode', data: 'ret' }] });
    await waitFor(async () => likeness(menu, await guestPicture(qmpPath)).equal < 0.5, {
      timeout: 60,
      every: 500,
      what: 'another screen after the menu',
    });
  });
});

describe('tiny guest', () => {
  test.each(['iso', 'disk'] as const)(
    'boots from its %s, takes an address, obeys the power button',
    async (from) => {
      const guest = await buildTinyGuest(testCacheDir());
      const media = from === 'iso' ? ['-cdrom', guest.iso] : virtioDisk(guest.disk, 'raw');
      qemu = await startRawQemu({
        directory,
        memory: 256,
        args: [...media, '-nic', 'user,model=virtio-net-pci'],
      });
      await qemu.serialShows(/ryokan-guest: ready boot=[0-9a-f-]{36}/, 60);
      await qemu.serialShows(/ryokan-guest: eth0 10\.0\.2\.15/, 20);
      await qemu.command('system_powerdown');
      await qemu.ended(15);
      expect(await qemu.serialLog()).toContain('power button, powering off');
    },
  );
});

describe('Debian disk image', () => {
  test('boots to login, takes its address by DHCP on a bridge, answers ping and the guest agent', async () => {
    const image = await buildDebianImage(testCacheDir());
    network = await createPrivateNetwork();
    await network.addTap('tap0');
    qemu = await startRawQemu({
      directory,
      prefix: network.namespace.prefix,
      args: [
        ...virtioDisk(image.path, 'qcow2'),
        ...['-netdev', 'tap,id=n0,ifname=tap0,script=no,downscript=no'],
        ...['-device', 'virtio-net-pci,netdev=n0,mac=02:00:00:00:00:07'],
      ],
    });
    const seconds = await qemu.serialShows(debianLoginPrompt, 240);
    console.log(`Debian image: login prompt after ${seconds.toFixed(1)} s`);
    const lease = await waitFor(async () => (await network?.leases())?.[0], {
      timeout: 30,
      what: 'a DHCP lease',
    });
    expect(lease).toMatchObject({ mac: '02:00:00:00:00:07', hostName: 'ryokan-debian' });
    expect(await network.namespace.pings(lease.address)).toBe(true);
    const agent = qemu.agentPath;
    await waitFor(() => guestAgent(agent, 'guest-ping').catch(() => undefined), {
      timeout: 30,
      what: 'the agent',
    });
    const cards = await guestAgent(agent, 'guest-network-get-interfaces');
    expect(JSON.stringify(cards)).toContain(lease.address);
    await guestAgent(agent, 'guest-shutdown', 1).catch(() => undefined);
    await qemu.ended(60);
  });
});
