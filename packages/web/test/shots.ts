/**
 * Screenshots of every page on the mock server, in both languages and themes, wide and narrow; axe on each page.
 * Usage: node shots.js [out dir] [pages, as a regular expression] [--quick]
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { startMockServer } from '../dev/mock-server.ts';
import { launchBrowser } from './browser.ts';
import { pages } from './pages.ts';

const out = process.argv[2] ?? '/tmp/ryokan-shots';
const filter = new RegExp(process.argv[3] === '--quick' ? '' : (process.argv[3] ?? ''));
const quick = process.argv.includes('--quick');
mkdirSync(out, { recursive: true });
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const server = await startMockServer({ guests: 1000, dist: process.env.DIST ?? 'packages/web/dist' });
const browser = await launchBrowser();
const findings: string[] = [];

async function check(page: Page, name: string): Promise<void> {
  await page.evaluate(axeSource);
  const result = await page.evaluate(async () => {
    const axe = (
      window as unknown as {
        axe: {
          run: (o: object) => Promise<{
            violations: {
              id: string;
              impact: string;
              nodes: { target: string[]; failureSummary: string }[];
            }[];
          }>;
        };
      }
    ).axe;
    return (await axe.run({ resultTypes: ['violations'] })).violations;
  });
  for (const one of result) {
    if (one.impact !== 'serious' && one.impact !== 'critical') continue;
    findings.push(
      `${name}: ${one.impact} ${one.id}: ${one.nodes
        .slice(0, 3)
        .map((node) => `${node.target.join(' ')} | ${node.failureSummary.split('\n').slice(1, 2).join('')}`)
        .join(' || ')}`,
    );
  }
}

const variants = (
  quick
    ? [['en', 'light', 'wide']]
    : [
        ['en', 'light', 'wide'],
        ['ja', 'dark', 'wide'],
        ['ja', 'light', 'narrow'],
        ['en', 'dark', 'narrow'],
      ]
) as [string, string, string][];
async function shoot([language, theme, width]: [string, string, string]): Promise<void> {
  const context = await browser.newContext({
    viewport: width === 'wide' ? { width: 1440, height: 900 } : { width: 390, height: 844 },
    locale: language === 'ja' ? 'ja-JP' : 'en-US',
  });
  await context.addInitScript(
    ({ language, theme }) => {
      if (!localStorage.getItem('ryokan.preferences'))
        localStorage.setItem('ryokan.preferences', JSON.stringify({ language, theme }));
    },
    { language, theme },
  );
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' && !/401|net::ERR/.test(message.text()))
      findings.push(`${language}: console: ${message.text().slice(0, 300)}`);
  });
  page.on('pageerror', (error) => findings.push(`${language}: page error: ${error.message}`));
  for (const one of pages) {
    if (!filter.test(one.name)) continue;
    if (
      !one.loggedOut &&
      !(await page.evaluate(() => localStorage.getItem('ryokan.session') !== null).catch(() => false))
    ) {
      await page.goto(`${server.url}/login`);
      await page.fill('#user', 'root');
      await page.fill('#password', 'x');
      await page.click('button[type=submit]');
      await page.waitForURL('**/datacenter/**');
    }
    const name = `${one.name}.${language}.${theme}.${width}`;
    try {
      await page.goto(`${server.url}${one.path}`);
      await page.waitForSelector('h1', { timeout: 10_000 });
      await page.waitForFunction(() => !document.querySelector('.ry-loading, .ry-plots-space'), undefined, {
        timeout: 5_000,
      });
      await page.waitForTimeout(200);
      await one.act?.(page, width === 'narrow');
      await page.screenshot({ path: join(out, `${name}.png`) });
      await check(page, name);
    } catch (error) {
      findings.push(`${name}: ${String(error).slice(0, 400)}`);
      await page.screenshot({ path: join(out, `${name}.failed.png`) });
    }
  }
  await context.close();
}
await Promise.all(variants.map(shoot));
writeFileSync(join(out, 'findings.txt'), findings.join('\n'));
console.log(findings.join('\n') || 'no findings');
await browser.close();
await server.close();
