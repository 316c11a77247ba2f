// The browser of the journeys. It is kept from one to the next, as starting it costs several times as much processor time as a visit; each visit
// has a context of its own, so that none finds what another left. It is started anew when it broke, and now and then so that it cannot grow.
import type { Browser, Page } from "playwright-core";
import { within } from "./visit.ts";

/** So many visits, then another browser: once an hour at the usual pace. */
const visitsPerBrowser = 60;
const launchWithinMs = 30_000;
/** Opening and closing, which a browser that hangs would never come to the end of. */
const openWithinMs = 20_000;
const closeWithinMs = 10_000;
/** Longer than anything on a page that works, also at the lowest priority of a busy machine. */
const waitWithinMs = 12_000;

/** No address but this machine's is ever looked up or connected to; what a page does not need to be seen is left out. */
const browserArgs = [
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  "--no-proxy-server",
  "--disable-gpu",
];

export class KeptBrowser {
  readonly #executablePath: string;
  #browser: Browser | undefined;
  #visits = 0;

  constructor(executablePath: string) {
    this.#executablePath = executablePath;
  }

  get isConnected(): boolean {
    return this.#browser?.isConnected() === true;
  }

  /** Makes sure that there is one. Rejects when it cannot be started. */
  async ready(): Promise<void> {
    if (this.isConnected && this.#visits < visitsPerBrowser) return;
    await this.close();
    // Loaded here, where a failure can be told: an installation may be without it.
    const { chromium } = await import("playwright-core");
    this.#browser = await chromium.launch({
      executablePath: this.#executablePath,
      args: browserArgs,
      timeout: launchWithinMs,
      // Who ends this process ends the browser, too, in an order of its own.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
    this.#visits = 0;
  }

  /** Hands a new page to `work`, and takes it away whatever comes of that. Rejects when the browser gives none. */
  async withPage<T>(work: (page: Page) => Promise<T>): Promise<T> {
    const browser = this.#browser;
    if (browser === undefined) throw new TypeError("ready() comes first");
    this.#visits += 1;
    const context = await within(openWithinMs, () =>
      browser.newContext({ viewport: { width: 1_280, height: 800 }, serviceWorkers: "block" }),
    );
    context.setDefaultTimeout(waitWithinMs);
    try {
      return await work(await within(openWithinMs, () => context.newPage()));
    } finally {
      // A context that does not close belongs to a browser that is broken: the next visit gets another.
      await within(closeWithinMs, () => context.close()).catch(() => this.close());
    }
  }

  /** Never rejects, and does not wait for a browser that hangs. */
  async close(): Promise<void> {
    const browser = this.#browser;
    this.#browser = undefined;
    if (browser === undefined) return;
    await within(closeWithinMs, () => browser.close()).catch(() => undefined); // it ends with this process
  }
}
