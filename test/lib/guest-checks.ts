/** What the end-to-end tests check alike by browser, CLI and REST: screens and networks of real guests. */
import { expect } from 'vitest';
import type { ApiSession } from './api-session.ts';
import { guestPicture } from './browser.ts';
import { openTerminal } from './console-client.ts';
import { debianLoginPrompt } from './debian-image.ts';
import type { TestNode } from './node.ts';
import { colourCount, type Picture } from './png.ts';
import { waitFor } from './wait.ts';

/** Waits until QEMU itself shows the picture behind the installer's menu: a photograph, far from any text screen. */
export async function installerMenu(node: TestNode, vmid: number, keepAs?: string): Promise<Picture> {
  return waitFor(
    async () => {
      const picture = await guestPicture(node.guestSocket(vmid, 'qmp'), keepAs);
      return colourCount(picture) > 1000 ? picture : undefined;
    },
    { timeout: 60, every: 500, what: `the installer's menu on the screen of VM ${vmid}` },
  );
}

/** Logs in on the serial console through the API; gives the address that the guest has taken. */
export async function serialLogin(
  session: ApiSession,
  node: TestNode,
  vmid: number,
  login: { readonly user: string; readonly password: string },
): Promise<string> {
  const terminal = await openTerminal(session, `${node.path}/qemu/${vmid}`);
  try {
    await terminal.shows(debianLoginPrompt, 240);
    await terminal.answers(login.user, /Password:/);
    await terminal.answers(login.password, /# $/, 60);
    // The marker is put together by the shell, so that the echo of the command does not match.
    const shown = await terminal.answers(
      'until ip -4 -o address show scope global | grep inet; do sleep 1; done; echo en""d',
      /inet [\d.]+\/\d+[\s\S]*\bend\b/,
      60,
    );
    return /inet ([\d.]+)\//.exec(shown)?.[1] ?? '';
  } finally {
    terminal.close();
  }
}

/** The guest's address as the host sees it: it answers a ping from the node's network and the agent names it too. */
export async function expectReachable(node: TestNode, address: string): Promise<void> {
  expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
  expect(await node.namespace.pings(address), `ping of ${address} from the node`).toBe(true);
}
