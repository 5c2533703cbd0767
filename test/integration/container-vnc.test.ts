/** The console of a container for clients that speak nothing but VNC: a real noVNC in a real browser. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { build } from 'esbuild';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canvasPicture, openBrowser, openPage } from '../lib/browser.ts';
import { type ContainerLab, openContainerLab } from '../lib/containers.ts';
import { screenText } from '../lib/screen-text.ts';
import { waitFor } from '../lib/wait.ts';

interface Opened {
  readonly ticket: string;
  readonly port: number;
  readonly upid: string;
  readonly cert: string;
}

let lab: ContainerLab;
let browser: Browser;
let page: Page;
let canvas: Locator;
const vmid = 100;

beforeAll(async () => {
  lab = await openContainerLab('ctvnc1');
  browser = await openBrowser();
  await lab.create(vmid, { cmode: 'shell', start: 1 });
  page = await viewerPage();
}, 300_000);

afterAll(async () => {
  await browser?.close();
  await lab?.close();
});

/** A page at the node's address, with the cookie of a login and noVNC in it: the class `RFB`, an element `screen`. */
async function viewerPage(): Promise<Page> {
  const { url } = lab.node;
  const { page, context } = await openPage(browser, { viewport: { width: 1000, height: 700 } });
  const [name = '', value = ''] = String(lab.admin.headers.Cookie).split(/=(.*)/s);
  await context.addCookies([{ name, value, url }]);
  // Any document of the node will do: one that is made up here may not connect to local addresses.
  await page.goto(`${url}/api2/json/version`);
  await page.evaluate(
    `document.body.innerHTML = '<div id="screen" style="position: fixed; inset: 0"></div>'`,
  );
  const { outputFiles } = await build({
    stdin: { contents: "import RFB from '@novnc/novnc'; globalThis.RFB = RFB;", resolveDir: process.cwd() },
    ...{ bundle: true, format: 'esm', write: false, target: 'chrome110', logLevel: 'silent' },
  });
  // It waits for something at its top, which only modules and async functions may.
  await page.evaluate(`(async () => { ${outputFiles[0]?.text} })()`);
  return page;
}

const ask = (params: Record<string, number> = {}) =>
  lab.admin.call<Opened>('POST', lab.path(vmid, '/vncproxy'), { websocket: 1, ...params });

/** Shows a console in the page; resolves when noVNC says so, rejects with what it says of the password. */
async function view({ port, ticket }: Opened, password = ticket): Promise<void> {
  const query = new URLSearchParams({ port: String(port), vncticket: ticket });
  const path = `/api2/json${lab.path(vmid, '/vncwebsocket')}?${query}`;
  await page.evaluate(`new Promise((done, refused) => {
    globalThis.vnc?.disconnect();
    globalThis.copied = '';
    const url = location.origin.replace('http', 'ws') + ${JSON.stringify(path)};
    const credentials = { password: ${JSON.stringify(password)} };
    globalThis.vnc = new RFB(document.getElementById('screen'), url, { credentials, wsProtocols: ['binary'] });
    vnc.addEventListener('connect', done);
    vnc.addEventListener('clipboard', ({ detail }) => { copied = detail.text; });
    vnc.addEventListener('securityfailure', ({ detail }) => refused(new Error(detail.reason)));
    vnc.addEventListener('disconnect', () => refused(new Error('disconnected')));
  })`);
  canvas = page.locator('#screen canvas');
}

async function shows(pattern: RegExp): Promise<string> {
  let last = '';
  return waitFor(
    async () => {
      last = screenText(await canvasPicture(canvas));
      return pattern.test(last) ? last : undefined;
    },
    { timeout: 30, every: 200, what: () => `${pattern} on the screen; last:\n${last}` },
  );
}

const type = (text: string) => page.keyboard.type(text);

test('noVNC logs in with the ticket, types, and the answer can be read on the screen', async () => {
  const opened = await ask({ width: 640, height: 400 });
  expect(opened.cert).toContain('BEGIN CERTIFICATE');
  await view(opened);
  await shows(/#/);
  const { width, height } = await canvasPicture(canvas);
  expect([width, height]).toEqual([640, 400]);
  await canvas.click();
  await type('echo $((6*7)) $(hostname); stty size\n');
  await shows(/^42 box100\n25 80$/m);
  expect(await lab.admin.get(`${lab.node.path}/tasks/${opened.upid}/status`)).toMatchObject({
    ...{ status: 'running', type: 'vncproxy', id: '100' },
  });
});

test('keys that write Japanese, and keys that write nothing', async () => {
  // What is typed before cat has begun would go another way.
  await type('clear; echo ready; cat\n');
  await shows(/^ready\n/);
  // As the keyboards of telephones send them, and as keysyms of their own.
  for (const char of '日本語') await page.evaluate(`vnc.sendKey(0x01000000 + ${char.charCodeAt(0)})`);
  await page.evaluate('vnc.sendKey(0x04b1)');
  await page.keyboard.press('F5');
  await page.keyboard.press('Shift+ArrowUp');
  await type('\n');
  // The last of the keys has moved the cursor: it stands on a character.
  await shows(/^日本語ア\^\[\[15~\^\[\[1;2A\n.*本語ア/m);
  await page.keyboard.press('Control+c');
  await type('\n');
  await shows(/\n~ # █$/);
});

test('the window of the viewer gives the terminal its size', async () => {
  await page.evaluate('vnc.resizeSession = true');
  await waitFor(async () => (await canvasPicture(canvas)).width === 1000, {
    timeout: 10,
    what: 'the new size',
  });
  await type('clear; stty size\n');
  await shows(/^43 125$/m);
});

test('marked text is copied, and pasted only when somebody asks for it', async () => {
  await type('clear; echo some words\n');
  const lines = (await shows(/^some words\n~ # █$/m)).split('\n');
  const y = lines.indexOf('some words') * 16 + 8;
  await page.mouse.move(4, y);
  await page.mouse.down();
  await page.mouse.move(30, y, { steps: 3 });
  await page.mouse.up();
  await waitFor(async () => (await page.evaluate('copied')) === 'some', {
    timeout: 10,
    what: 'the copied word',
  });
  await type('echo ');
  await page.evaluate("vnc.clipboardPasteFrom('from elsewhere')");
  await page.keyboard.press('Shift+Insert');
  await type('\n');
  await shows(/^from elsewhere$/m);
});

/** Processes that draw consoles, of any node of this machine. */
const drawing = () =>
  readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return /^\/program\/node\0.*\/program\/console\.mjs/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    } catch {
      return false;
    }
  });

test('what reads the bytes of the client has no rights and no files', () => {
  const [pid] = drawing();
  expect(pid).toBeDefined();
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  expect(status).toMatch(/^CapEff:\s+0+$/m);
  expect(status).toMatch(/^CapBnd:\s+0+$/m);
  expect(readdirSync(`/proc/${pid}/root`).sort()).toEqual(['dev', 'lib', 'lib64', 'proc', 'program', 'usr']);
  expect(readlinkSync(`/proc/${pid}/ns/net`)).not.toBe(readlinkSync('/proc/self/ns/net'));
});

test('who asks for SPICE is told what to use instead', async () => {
  const { status, reason } = await lab.admin.answer('POST', lab.path(vmid, '/spiceproxy'));
  expect([status, reason]).toEqual([501, expect.stringMatching(/spiceproxy' not implemented: .*vncproxy/)]);
});

test('a wrong password is refused, and a console ends with its viewer or its container', async () => {
  const refused = await ask();
  await expect(view(refused, 'wrong')).rejects.toThrow('wrong password');
  expect((await lab.admin.taskEnd(refused.upid, 20)).exitstatus).toBe('OK');
  const left = await ask();
  await view(left);
  await page.evaluate('vnc.disconnect()');
  expect((await lab.admin.taskEnd(left.upid, 20)).exitstatus).toBe('OK');
  const stopped = await ask();
  await view(stopped);
  await lab.power(vmid, 'stop');
  expect((await lab.admin.taskEnd(stopped.upid, 20)).exitstatus).toBe('OK');
  expect((await lab.admin.answer('POST', lab.path(vmid, '/vncproxy'))).reason).toBe('CT 100 not running');
});
