/**
 * The Web UI in headless Chromium with nothing in its cache: until something is painted, until the tree shows guests, and
 * how much has to be loaded for it. Beside it a page of one line from the same server, which is what the browser takes.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, BrowserContextOptions, chromium as Chromium } from 'playwright-core';
import { HttpClient } from '../test/lib/http-client.ts';
import type { TestNode } from '../test/lib/node.ts';
import {
  asDifference,
  type BenchContext,
  CannotMeasure,
  type Measured,
  single,
  spread,
} from './lib/figure.ts';
import { nodeWithGuests } from './lib/guests.ts';

const rounds = 5;
const guests = 1000;
/** Bytes of the files of the Web UI that an initial load takes, compressed with gzip. */
const sizeLimit = 400_000;
const browserPath = '/usr/bin/chromium';
const browserFlags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** Of one load of a page. */
interface Load {
  /** Milliseconds from the navigation to the first contentful paint. */
  readonly painted: number;
  /** Milliseconds until `shows` was there. */
  readonly shown: number;
  /** Bytes received until then, headers included: of the Web UI's own files, and of answers of the API. */
  readonly files: number;
  readonly data: number;
  /** The files by their URLs. */
  readonly urls: readonly string[];
}

interface View {
  readonly path: string;
  /** Text that is there when the page is of use; without it the first paint counts. */
  readonly shows?: string;
  readonly session?: BrowserContextOptions['storageState'];
}

export async function firstPaint({ note }: BenchContext): Promise<Measured[]> {
  if (!existsSync(browserPath)) throw new CannotMeasure(`there is no ${browserPath}`);
  // Loaded at run time: bundled it would not find its own files.
  const { chromium } = createRequire(import.meta.url)('playwright-core') as { chromium: typeof Chromium };
  const node = await nodeWithGuests(guests);
  const browser = await chromium.launch({ executablePath: browserPath, args: browserFlags });
  try {
    const session = await logIn(browser, node);
    const views = {
      plain: { path: '/theme.js' },
      login: { path: '/login' },
      frame: { path: '/', shows: `web-`, session },
    } satisfies Record<string, View>;
    const loads: Record<keyof typeof views, Load[]> = { plain: [], login: [], frame: [] };
    for (let round = 1; round <= rounds; round++) {
      note(`round ${round} of ${rounds}`);
      for (const name of ['plain', 'login', 'frame'] as const) {
        loads[name].push(await load(browser, node, views[name]));
      }
    }
    const gzip = { login: await gzipSize(node, loads.login), frame: await gzipSize(node, loads.frame) };
    return figures(loads, gzip);
  } finally {
    await browser.close();
    await node.stop();
  }
}

/** Bytes of everything that one of the loads took, as a client gets it that knows gzip only. */
async function gzipSize(node: TestNode, loads: readonly Load[]): Promise<number> {
  const client = new HttpClient(node.url);
  try {
    const urls = new Set(loads.flatMap((one) => one.urls));
    let bytes = 0;
    for (const url of urls) {
      const { pathname } = new URL(url);
      bytes += (await client.send(pathname, { headers: { 'Accept-Encoding': 'gzip' } })).body.length;
    }
    return bytes;
  } finally {
    client.close();
  }
}

function figures(
  { plain, login, frame }: Readonly<Record<'plain' | 'login' | 'frame', readonly Load[]>>,
  gzip: Readonly<Record<'login' | 'frame', number>>,
): Measured[] {
  const raw = spread(plain.map((one) => one.painted));
  const paint = (name: string, loads: readonly Load[], time: (one: Load) => number): Measured => {
    const ours = spread(loads.map(time));
    return { name, unit: 'ms', ours, raw, comparison: asDifference(ours.median - raw.median, 'ms') };
  };
  const size = (bytes: number): Measured => ({
    name: '  its files, with gzip',
    unit: 'kB',
    ours: single(bytes / 1000),
    target: { text: `at most ${sizeLimit / 1000} kB`, met: bytes <= sizeLimit },
  });
  const received = (loads: readonly Load[]): Measured => {
    const bytes = Math.max(...loads.map((one) => one.files));
    return { name: '  as Chromium received them', unit: 'kB', ours: single(bytes / 1000) };
  };
  const answers = Math.max(...frame.map((one) => one.data));
  return [
    paint('first paint of the login / of a plain text file', login, (one) => one.painted),
    size(gzip.login),
    received(login),
    paint(`first paint logged in, ${guests.toLocaleString('en')} guests`, frame, (one) => one.painted),
    paint('  until the tree shows guests', frame, (one) => one.shown),
    size(gzip.frame),
    received(frame),
    { name: '  answers of the API for it', unit: 'kB', ours: single(answers / 1000) },
  ];
}

/** Logs in as a person does; gives what the browser then keeps. */
async function logIn(browser: Browser, node: TestNode): Promise<NonNullable<View['session']>> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-US' });
  try {
    const page = await context.newPage();
    await page.goto(`${node.url}/login`);
    await page.fill('input[name=username]', 'admin@pve');
    await page.fill('input[name=password]', await node.adminPassword());
    await page.press('input[name=password]', 'Enter');
    await page.waitForURL('**/datacenter**');
    return await context.storageState();
  } finally {
    await context.close();
  }
}

/** In a context of its own, which has an empty cache. */
async function load(browser: Browser, node: TestNode, view: View): Promise<Load> {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale: 'en-US',
    viewport: { width: 1280, height: 800 },
    ...(view.session ? { storageState: view.session } : {}),
  });
  try {
    return await loadIn(context, `${node.url}${view.path}`, view.shows);
  } finally {
    await context.close();
  }
}

async function loadIn(context: BrowserContext, url: string, shows: string | undefined): Promise<Load> {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Network.enable');
  const urls = new Map<string, string>();
  const bytes = { files: 0, data: 0 };
  const isFile = (requested: string) => !new URL(requested).pathname.startsWith('/api2/');
  devtools.on('Network.requestWillBeSent', ({ requestId, request }) => urls.set(requestId, request.url));
  devtools.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    bytes[isFile(urls.get(requestId) ?? url) ? 'files' : 'data'] += encodedDataLength;
  });
  if (shows !== undefined) await page.addInitScript(watchForText(shows));
  await page.goto(url, { waitUntil: 'load' });
  const shown = shows === undefined ? 0 : await page.evaluate<number>('window.benchShown');
  const painted = await page.evaluate<number>(
    `new Promise((resolve) => new PerformanceObserver((list) => resolve(list.getEntries()[0].startTime))
       .observe({ type: 'paint', buffered: true }))`,
  );
  return { painted, shown, ...bytes, urls: [...urls.values()].filter(isFile) };
}

/** A script for the page: looks once a frame, without anything that the page's security policy would have to allow. */
const watchForText = (text: string): string => `
  window.benchShown = new Promise((resolve) => {
    const look = () =>
      document.querySelector('[role=tree]')?.textContent.includes(${JSON.stringify(text)})
        ? resolve(performance.now())
        : requestAnimationFrame(look);
    look();
  });`;
