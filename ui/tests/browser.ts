import { createReadStream } from 'node:fs';
import { access } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { csp } from '../vite.config';

const DIST = new URL('../../artefacts/page-fake/', import.meta.url).pathname;
const TYPES: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.woff2': 'font/woff2',
};

/** Serves the page under the same content security policy as the shell does. */
async function serve(): Promise<{ server: Server; address: string }> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    const file = join(DIST, path === '/' ? 'index.html' : path);
    access(file).then(
      () => {
        response.writeHead(200, {
          'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
          'content-security-policy': csp,
        });
        createReadStream(file).pipe(response);
      },
      () => response.writeHead(path === '/favicon.ico' ? 204 : 404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  return { server, address: `http://127.0.0.1:${typeof bound === 'object' && bound ? bound.port : 0}/` };
}

export interface Look {
  scene?: string;
  theme?: 'light' | 'dark';
  width?: number;
  height?: number;
  /** Nothing moves by itself. */
  still?: boolean;
  /** Size of text that the person asked the system for, 1 as it is. */
  text?: number;
}

/** A browser with the page in it, and what went wrong there. */
export class PageBrowser {
  readonly errors: string[] = [];

  private constructor(
    private readonly browser: Browser,
    private readonly server: Server,
    private readonly address: string,
  ) {}

  static async start(): Promise<PageBrowser> {
    const { server, address } = await serve();
    const browser = await chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    return new PageBrowser(browser, server, address);
  }

  async open({ scene = 'usual', theme = 'light', width = 1280, height = 800, still = true, text = 1 }: Look = {}): Promise<Page> {
    const context = await this.browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      reducedMotion: still ? 'reduce' : 'no-preference',
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
    });
    context.setDefaultTimeout(8000);
    const page = await context.newPage();
    page.on('pageerror', (error) => this.errors.push(`${scene}: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.errors.push(`${scene}: ${message.text()}`);
    });
    // The shell freezes the prototypes; the page must live with it.
    await page.addInitScript(() => Object.freeze(Object.prototype));
    await page.goto(`${this.address}?scene=${scene}${still ? '&still' : ''}`);
    // The slow scene is the picture of a page that is still opening.
    const opened = scene === 'slow' ? '#app > *' : '#app > *:not(:has(main[aria-busy=true]))';
    await page.waitForSelector(opened, { state: 'attached' });
    if (text !== 1) {
      await page.evaluate((factor) => {
        document.documentElement.style.fontSize = `${81.25 * factor}%`;
        window.dispatchEvent(new Event('resize'));
      }, text);
    }
    await page.evaluate(() => document.fonts.ready);
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.close();
  }
}
