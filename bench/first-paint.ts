/**
 * The Web UI in headless Chromium with nothing in its cache: until something is painted, until the tree shows guests, and
 * how much has to be loaded for it. Beside it a page of one line from the same server, which is what the browser takes.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, BrowserContextOptions, chromium as Chromium } from 'playwright-core';
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
/** Bytes over the wire of the initial load. */
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
  /** Bytes received until then, headers included. */
  readonly bytes: number;
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
    return figures(loads);
  } finally {
    await browser.close();
    await node.stop();
  }
}

function figures({
  plain,
  login,
  frame,
}: Readonly<Record<'plain' | 'login' | 'frame', readonly Load[]>>): Measured[] {
  const raw = spread(plain.map((one) => one.painted));
  const paint = (name: string, loads: readonly Load[], time: (one: Load) => number): Measured => {
    const ours = spread(loads.map(time));
    return { name, unit: 'ms', ours, raw, comparison: asDifference(ours.median - raw.median, 'ms') };
  };
  const size = (name: string, loads: readonly Load[]): Measured => {
    const bytes = Math.max(...loads.map((one) => one.bytes));
    return {
      name,
      unit: 'kB',
      ours: single(bytes / 1000),
      target: { text: `at most ${sizeLimit / 1000} kB`, met: bytes <= sizeLimit },
    };
  };
  return [
    paint('first paint of the login / of a plain text file', login, (one) => one.painted),
    size('  received for it', login),
    paint(`first paint logged in, ${guests.toLocaleString('en')} guests`, frame, (one) => one.painted),
    paint('  until the tree shows guests', frame, (one) => one.shown),
    size('  received for it', frame),
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
  let bytes = 0;
  devtools.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await page.goto(url, { waitUntil: 'load' });
  const shown =
    shows === undefined
      ? 0
      : await page
          .waitForFunction(
            `document.querySelector('[role=tree]')?.textContent.includes(${JSON.stringify(shows)}) && performance.now()`,
            undefined,
            { polling: 'raf' },
          )
          .then(async (handle) => (await handle.jsonValue()) as number);
  const painted = await page.evaluate<number>(
    `new Promise((resolve) => new PerformanceObserver((list) => resolve(list.getEntries()[0].startTime))
       .observe({ type: 'paint', buffered: true }))`,
  );
  await page.waitForLoadState('load');
  return { painted, shown, bytes };
}
