/** Every page and dialog that is looked at, with how to get there: on the mock server and on a real node. */
import type { Page } from 'playwright-core';

export interface PageToSee {
  readonly name: string;
  /** On a node `pve1` with the guests 100 (running), 101 and 105. */
  readonly path: string;
  readonly loggedOut?: true;
  /** True: a real node would need a guest with a whole operating system for it. */
  readonly mockOnly?: true;
  /** What `act` opens belongs to the frame and stays when another page is opened. */
  readonly ofFrame?: true;
  readonly act?: (page: Page, narrow: boolean) => Promise<void>;
}

const settle = (page: Page) => page.waitForTimeout(500);

/** What can be added to a guest, in the order of the menu. */
const addable = [
  'disk',
  'cdrom',
  'network',
  'efidisk',
  'tpm',
  'cloudinit',
  'usb',
  'pci',
  'directory',
  'serial',
  'parallel',
  'audio',
  'rng',
  'watchdog',
  'sharedmemory',
  'numanode',
];

/** Opens the form of a row of the cloud-init table, counted from 0; -1 is the last. */
const onRow = (row: number) => async (page: Page) => {
  const buttons = page.locator('.ry-hardware-table tbody tr').nth(row).locator('.ry-actions-cell button');
  await buttons.last().click();
  await settle(page);
};

/** Opens the dialog of a device: its form, its menu, or what stands at a place of the menu. */
const onDevice = (key: string, what: 'edit' | 'menu' | number) => async (page: Page) => {
  const buttons = page
    .getByRole('row')
    .filter({ hasText: `(${key})` })
    .locator('.ry-actions-cell button');
  if (what === 'edit') await buttons.nth(-2).click();
  else await buttons.last().click();
  if (typeof what === 'number') await page.getByRole('menuitem').nth(what).click();
  await settle(page);
};

export const pages: readonly PageToSee[] = [
  { name: 'login', path: '/login', loggedOut: true },
  { name: 'datacenter-summary', path: '/datacenter/summary' },
  { name: 'datacenter-search', path: '/datacenter/search' },
  { name: 'datacenter-storage', path: '/datacenter/storage' },
  {
    name: 'datacenter-storage-add',
    path: '/datacenter/storage',
    act: async (page) => {
      await page.locator('.ry-toolbar-actions button').first().click();
      await page.locator('#storage-type').selectOption('btrfs');
      await settle(page);
    },
  },
  {
    name: 'datacenter-storage-edit',
    path: '/datacenter/storage',
    act: async (page) => {
      await page.locator('.ry-row-menu').first().click();
      await page.getByRole('menuitem').first().click();
      await page.locator('#storage-enabled').waitFor();
      await settle(page);
    },
  },
  { name: 'datacenter-users', path: '/datacenter/users' },
  {
    name: 'datacenter-users-add',
    path: '/datacenter/users',
    act: async (page) => {
      await page.locator('.ry-toolbar-actions button').first().click();
      await settle(page);
    },
  },
  ...['edit', 'password', 'factors'].map((what, place) => ({
    name: `datacenter-users-${what}`,
    path: '/datacenter/users',
    act: async (page: Page) => {
      await page.locator('.ry-row-menu').first().click();
      await page.getByRole('menuitem').nth(place).click();
      await settle(page);
    },
  })),
  { name: 'datacenter-tokens', path: '/datacenter/users?part=tokens' },
  { name: 'datacenter-realms', path: '/datacenter/realms' },
  ...['ldap', 'ad', 'openid'].map((type) => ({
    name: `datacenter-realms-add-${type}`,
    path: '/datacenter/realms',
    act: async (page: Page) => {
      await page.locator('.ry-toolbar-actions button').first().click();
      await page.locator('#realm-type').selectOption(type);
      await settle(page);
    },
  })),
  { name: 'datacenter-permissions', path: '/datacenter/permissions' },
  {
    name: 'datacenter-permissions-add',
    path: '/datacenter/permissions',
    act: async (page) => {
      await page.locator('.ry-toolbar-actions button').first().click();
      await settle(page);
    },
  },
  { name: 'datacenter-roles', path: '/datacenter/permissions?part=roles' },
  {
    name: 'datacenter-roles-add',
    path: '/datacenter/permissions?part=roles',
    act: async (page) => {
      await page.locator('.ry-toolbar-actions button').first().click();
      await settle(page);
    },
  },
  {
    name: 'datacenter-role',
    path: '/datacenter/permissions?part=roles',
    act: async (page) => {
      await page.locator('.ry-table tbody button.ry-id').last().click();
      await settle(page);
    },
  },
  {
    name: 'datacenter-token-add',
    path: '/datacenter/users?part=tokens',
    act: async (page) => {
      await page.locator('.ry-toolbar-actions button').first().click();
      await settle(page);
    },
  },
  { name: 'datacenter-mappings', path: '/datacenter/mappings' },
  ...['pci', 'usb', 'dir'].map((kind) => ({
    name: `datacenter-mappings-add-${kind}`,
    path: '/datacenter/mappings',
    act: async (page: Page) => {
      await page.locator('.ry-toolbar-actions button').first().click();
      await page.locator('#mapping-kind').selectOption(kind);
      await settle(page);
    },
  })),
  { name: 'datacenter-tasks', path: '/datacenter/tasks' },
  { name: 'datacenter-audit', path: '/datacenter/audit' },
  { name: 'account', path: '/account' },
  { name: 'account-sessions', path: '/account/sessions' },
  {
    name: 'account-totp-add',
    path: '/account',
    act: async (page) => {
      await page.locator('.ry-toolbar-actions button').first().click();
      await settle(page);
    },
  },
  { name: 'node-summary', path: '/node/pve1/summary' },
  { name: 'node-guests', path: '/node/pve1/guests' },
  { name: 'node-network', path: '/node/pve1/network' },
  { name: 'node-shell', path: '/node/pve1/shell' },
  { name: 'storage-summary', path: '/storage/pve1/local/summary' },
  { name: 'storage-iso', path: '/storage/pve1/local/iso' },
  {
    name: 'storage-upload',
    path: '/storage/pve1/local/iso',
    act: async (page) => {
      await page.locator('.ry-toolbar-actions button').first().click();
      await settle(page);
    },
  },
  {
    name: 'storage-download',
    path: '/storage/pve1/local/iso',
    act: async (page) => {
      await page.locator('.ry-toolbar-actions button').nth(1).click();
      await settle(page);
    },
  },
  { name: 'guest-summary', path: '/qemu/100/summary' },
  {
    name: 'guest-console',
    path: '/qemu/100/console',
    // Connected, its buttons can be pressed; the mock server has nobody to connect to.
    act: (page) =>
      page
        .locator('.ry-console-bar button:enabled')
        .first()
        .waitFor({ timeout: 10_000 })
        .catch(() => {}),
  },
  { name: 'guest-serial', path: '/qemu/100/serial' },
  { name: 'guest-hardware', path: '/qemu/100/hardware' },
  ...addable.map((device, index) => ({
    name: `guest-hardware-add-${device}`,
    path: '/qemu/101/hardware',
    act: async (page: Page) => {
      await page.locator('.ry-toolbar button').first().click();
      await page.getByRole('menuitem').nth(index).click();
      await settle(page);
    },
  })),
  ...['memory', 'processor', 'display'].map((device, index) => ({
    name: `guest-hardware-edit-${device}`,
    path: '/qemu/100/hardware',
    act: async (page: Page) => {
      const row = page.locator('.ry-hardware-table tbody tr').nth([0, 1, 3][index] ?? 0);
      await row.locator('.ry-actions-cell button').last().click();
      await settle(page);
    },
  })),
  { name: 'guest-hardware-edit-disk', path: '/qemu/100/hardware', act: onDevice('scsi0', 'edit') },
  { name: 'guest-hardware-edit-cdrom', path: '/qemu/100/hardware', act: onDevice('ide2', 'edit') },
  { name: 'guest-hardware-menu', path: '/qemu/100/hardware', act: onDevice('scsi0', 'menu') },
  ...['grow', 'move', 'reassign', 'remove'].map((name, index) => ({
    name: `guest-hardware-${name}`,
    path: '/qemu/100/hardware',
    act: onDevice('scsi0', index),
  })),
  { name: 'guest-options', path: '/qemu/100/options' },
  {
    name: 'guest-options-boot',
    path: '/qemu/100/options',
    act: async (page) => {
      await page.getByRole('row').filter({ hasText: 'scsi0, ide2' }).getByRole('button').first().click();
      await settle(page);
    },
  },
  {
    name: 'guest-remove',
    path: '/qemu/105/summary',
    act: async (page) => {
      await page.locator('.ry-page-actions button').last().click();
      await page.getByRole('menuitem').last().click();
      await settle(page);
    },
  },
  {
    name: 'guest-power-menu',
    path: '/qemu/100/summary',
    act: async (page) => {
      await page.locator('.ry-page-actions button[aria-expanded]').first().click();
      await settle(page);
    },
  },
  { name: 'guest-snapshots', path: '/qemu/100/snapshots' },
  {
    name: 'guest-snapshot-take',
    path: '/qemu/100/snapshots',
    act: async (page) => {
      await page.locator('.ry-toolbar button').first().click();
      await settle(page);
    },
  },
  {
    name: 'guest-snapshot-rollback',
    path: '/qemu/100/snapshots',
    act: async (page) => {
      await page.locator('.ry-snapshots .ry-actions-cell button').first().click();
      await settle(page);
    },
  },
  { name: 'guest-cloudinit', path: '/qemu/100/cloudinit' },
  ...[
    ['password', 1],
    ['keys', 2],
    ['addresses', 3],
    ['files', -1],
  ].map(([name, row]) => ({
    name: `guest-cloudinit-${name}`,
    path: '/qemu/100/cloudinit',
    act: onRow(Number(row)),
  })),
  {
    name: 'guest-cloudinit-snippet',
    path: '/qemu/100/cloudinit',
    act: async (page) => {
      await onRow(-1)(page);
      await page.locator('.ry-select-field button').first().click();
      await settle(page);
    },
  },
  { name: 'guest-agent', path: '/qemu/100/agent' },
  {
    name: 'guest-agent-password',
    mockOnly: true,
    path: '/qemu/100/agent',
    act: async (page) => {
      await page.locator('.ry-panel-actions button').last().click();
      await settle(page);
    },
  },
  { name: 'guest-agent-absent', path: '/qemu/101/agent' },
  {
    name: 'guest-hibernate',
    path: '/qemu/100/summary',
    act: async (page) => {
      await page.locator('.ry-page-actions button[aria-expanded]').first().click();
      await page.getByRole('menuitem').nth(3).click();
      await settle(page);
    },
  },
  {
    name: 'guest-template',
    path: '/qemu/105/summary',
    act: async (page) => {
      await page.locator('.ry-page-actions button').last().click();
      await page.getByRole('menuitem').nth(2).click();
      await settle(page);
    },
  },
  {
    name: 'guest-clone',
    path: '/qemu/100/summary',
    act: async (page) => {
      await page.locator('.ry-page-actions button').last().click();
      await page.getByRole('menuitem').nth(1).click();
      await settle(page);
    },
  },
  { name: 'guest-tasks', path: '/qemu/100/tasks' },
  { name: 'guest-gone', path: '/qemu/99999/summary' },
  ...['general', 'os', 'system', 'disks', 'cpu', 'memory', 'network', 'confirm'].map((step, index) => ({
    name: `wizard-${index}-${step}`,
    path: '/create/qemu?node=pve1',
    act: async (page: Page) => {
      for (let i = 0; i < index; i++) {
        if (i === 1) await page.selectOption('#iso', { index: 1 });
        await page.locator('.ry-wizard-buttons button').nth(1).click();
        await page.waitForTimeout(200);
      }
      await settle(page);
    },
  })),
  ...(['template', 'network', 'dns', 'confirm'] as const).map((step) => ({
    name: `container-wizard-${step}`,
    path: '/create/lxc?node=pve1',
    act: async (page: Page) => {
      const index = { template: 1, network: 5, dns: 6, confirm: 7 }[step];
      for (let i = 0; i < index; i++) {
        if (i === 1) await page.selectOption('#ostemplate', { index: 1 });
        await page.locator('.ry-wizard-buttons button').nth(1).click();
        await page.waitForTimeout(200);
      }
      await settle(page);
    },
  })),
  {
    name: 'container-wizard-privileged',
    path: '/create/lxc?node=pve1',
    act: async (page) => {
      await page.locator('#unprivileged').uncheck();
      await page.locator('#nesting').scrollIntoViewIfNeeded();
      await settle(page);
    },
  },
  {
    name: 'container-wizard-everything',
    path: '/create/lxc?node=pve1',
    act: async (page) => {
      const next = () => page.locator('.ry-wizard-buttons button').nth(1).click();
      await next();
      await page.selectOption('#ostemplate', { index: 1 });
      await next();
      await page.locator('.ry-wizard-form > div > button').last().click();
      await page.locator('.pf-v6-c-expandable-section__toggle button').last().click();
      await page.locator('#mp0-path').scrollIntoViewIfNeeded();
      await settle(page);
    },
  },
  { name: 'storage-templates', path: '/storage/pve1/local/vztmpl' },
  ...['catalogue', 'oci'].map((dialog, index) => ({
    name: `storage-templates-${dialog}`,
    path: '/storage/pve1/local/vztmpl',
    act: async (page: Page) => {
      await page
        .locator('.ry-toolbar-actions button')
        .nth(index + 2)
        .click();
      await page.locator('[role=dialog]').waitFor();
      await settle(page);
    },
  })),
  {
    name: 'create-menu',
    ofFrame: true,
    path: '/node/pve1/summary',
    act: async (page) => {
      await page.locator('.ry-masthead button[aria-expanded]').nth(1).click();
      await settle(page);
    },
  },
  {
    name: 'palette',
    ofFrame: true,
    path: '/datacenter/summary',
    act: async (page) => {
      await page.keyboard.press('Control+k');
      await page.locator('#palette-input').fill('web');
      await settle(page);
    },
  },
  {
    name: 'task-viewer',
    ofFrame: true,
    path: '/datacenter/tasks',
    act: async (page) => {
      await page.locator('.ry-table .ry-link').nth(3).click();
      await settle(page);
    },
  },
  {
    name: 'task-drawer',
    ofFrame: true,
    path: '/node/pve1/summary',
    act: async (page) => {
      await page.locator('.ry-drawer-bar').click();
      await settle(page);
      await page.waitForTimeout(300);
    },
  },
  {
    name: 'tree-narrow',
    ofFrame: true,
    path: '/datacenter/summary',
    act: async (page, narrow) => {
      if (narrow) await page.locator('.ry-masthead button').first().click();
      await settle(page);
    },
  },
];
