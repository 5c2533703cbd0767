/**
 * Headless Chromium for tests of the Web UI, through playwright-core and Debian's own chromium. Every page watches the
 * browser's console and failed loads: a test asks `problems` at its end.
 */
import { readFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Locator, type Page } from 'playwright-core';
import { projectRoot } from './node.ts';
import { decodePng, type Likeness, likeness, type Picture } from './png.ts';
import { screendump } from './qmp.ts';

const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface PageOptions {
  /** Language of the browser; default `en-US`. */
  readonly locale?: 'en-US' | 'ja-JP';
  readonly colorScheme?: 'light' | 'dark';
  /** Cookies and storage to begin with, as `context.storageState()` of another page gave them; default none. */
  readonly session?: Awaited<ReturnType<BrowserContext['storageState']>>;
  /** Default 1280 × 800. */
  readonly viewport?: { readonly width: number; readonly height: number };
}

export interface TestPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors on the browser's console, exceptions of the page and failed loads, in order. */
  readonly problems: string[];
}

/** Starts a browser; close it at the end of the test file. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: chromiumFlags, headless: true });
}

/** A page in a context of its own (no cookies, no storage), not at any address yet. */
export async function openPage(browser: Browser, options: PageOptions = {}): Promise<TestPage> {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale: options.locale ?? 'en-US',
    colorScheme: options.colorScheme ?? 'light',
    viewport: options.viewport ?? { width: 1280, height: 800 },
    // Pictures of a page must not depend on the moment within an animation.
    reducedMotion: 'reduce',
    ...(options.session ? { storageState: options.session } : {}),
  });
  const page = await context.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error') problems.push(`console: ${message.text()}`);
  });
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? '';
    // The page itself ends its event stream when it goes to another address.
    if (reason !== 'net::ERR_ABORTED') problems.push(`load: ${request.url()} ${reason}`);
  });
  return { page, context, problems };
}

/** Folder for screenshots and other results that people look at after a run; not under version control. */
export const outputDir = join(projectRoot, 'test-output');

/** Takes a screenshot into test-output/NAME.png; gives the path. */
export async function screenshot(page: Page, name: string): Promise<string> {
  const path = join(outputDir, `${name}.png`);
  await mkdir(dirname(path), { recursive: true });
  await page.screenshot({ path });
  return path;
}

export interface AxeFinding {
  /** Rule, as `color-contrast`. */
  readonly id: string;
  readonly impact: string;
  readonly help: string;
  /** CSS selectors of the elements found. */
  readonly targets: readonly string[];
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface AxeResult {
  readonly violations: ReadonlyArray<{
    readonly id: string;
    readonly impact: string | null;
    readonly help: string;
    readonly nodes: ReadonlyArray<{ readonly target: ReadonlyArray<string | readonly string[]> }>;
  }>;
}

/** Rules whose answer depends on colours and widths; all others say the same of every theme and window. */
export const axeLooks: readonly string[] = ['color-contrast', 'target-size', 'scrollable-region-focusable'];

/**
 * What axe-core finds on the page with impact `serious` or `critical`, by all its rules or by those that are named. The
 * colours of a terminal's text are the guest's.
 */
export async function accessibilityFindings(page: Page, rules?: readonly string[]): Promise<AxeFinding[]> {
  await page.evaluate(axeSource);
  const options = { resultTypes: ['violations'], ...(rules ? { runOnly: rules } : {}) };
  const result = await page.evaluate<AxeResult>(
    `axe.run({ exclude: ['.xterm-rows'] }, ${JSON.stringify(options)})`,
  );
  return result.violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, impact, help, nodes }) => ({
      id,
      impact: impact ?? '',
      help,
      targets: nodes.map((node) => node.target.flat().join(' ')),
    }));
}

/** What a canvas holds now, in its own pixels: independent of how large the page shows it and of what lies above. */
export async function canvasPicture(canvas: Locator): Promise<Picture> {
  const url = await canvas.evaluate((element) =>
    (element as unknown as { toDataURL(type: string): string }).toDataURL('image/png'),
  );
  return decodePng(Buffer.from(url.slice(url.indexOf(',') + 1), 'base64'));
}

/** QEMU's own picture of a guest's screen; `keepAs` also leaves it in test-output/NAME.png. */
export async function guestPicture(qmpPath: string, keepAs?: string): Promise<Picture> {
  const directory = await mkdtemp('/tmp/rydump-');
  try {
    // QEMU writes the file, and it runs as a user without rights on the test's folders.
    await chmod(directory, 0o777);
    const file = join(directory, 'screen.png');
    await screendump(qmpPath, file);
    const content = await readFile(file);
    if (keepAs !== undefined) {
      await mkdir(outputDir, { recursive: true });
      await writeFile(join(outputDir, `${keepAs}.png`), content);
    }
    return decodePng(content);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** How much of the guest's screen, by QEMU's own screendump, stands in the console's canvas. */
export async function canvasLikeness(canvas: Locator, qmpPath: string): Promise<Likeness> {
  const expected = await guestPicture(qmpPath);
  return likeness(expected, await canvasPicture(canvas));
}
