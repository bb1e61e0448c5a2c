// Opens every page of a directory in a real browser, and writes what was seen there to a file as JSON.
// usage: node look.mjs BROWSER DIRECTORY
// In DIRECTORY are the pages (*.html) and beside them will be screenshots (*.png) and seen.json.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [browserPath, directory] = process.argv.slice(2);
const installed = createRequire(join(process.cwd(), "package.json"));
const { chromium } = installed("playwright-core");
const AXE = readFileSync(installed.resolve("axe-core/axe.min.js"), "utf-8");
const WIDTHS = [320, 800, 1280];
const SCHEMES = ["light", "dark"];
const OPTIONS = [
  "--no-sandbox", // we are root in a container, and the pages are our own
  "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

const browser = await chromium.launch({ executablePath: browserPath, args: OPTIONS });
// What was started ends whatever happens, or whoever waits for us would wait for it.
process.on("uncaughtException", async (error) => {
  console.error(error);
  await browser.close();
  process.exit(1);
});
const seen = { version: browser.version(), looks: [], uses: {} };
const addressOf = (name) => pathToFileURL(join(directory, name)).href;

async function opened(name, options, work) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const faults = [];
  page.on("console", (message) => { if (message.type() === "error") faults.push(message.text()); });
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith("file:")) faults.push(`asked for ${request.url()}`);
  });
  page.setDefaultTimeout(60_000);
  await page.goto(addressOf(name));
  const found = await work(page);
  await context.close();
  return { ...found, faults };
}

// What reaches beyond the page, but for what moves sideways in a part of its own.
const tooWide = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;

async function violations(page) {
  await page.evaluate(AXE);
  const { violations: found } = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
  return found.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`);
}

for (const name of readdirSync(directory).filter((each) => each.endsWith(".html") && each !== "injected.html")) {
  for (const width of WIDTHS) for (const colorScheme of SCHEMES) {
    const options = { viewport: { width, height: 900 }, colorScheme };
    const found = await opened(name, options, async (page) => {
      await page.screenshot({ path: join(directory, `${name}-${width}-${colorScheme}.png`) });
      // The narrow light and the wide dark page stand for all, as they are first seen; pod.html has the rest.
      const checked = (width === 320) === (colorScheme === "light") && width !== 800;
      const found = checked ? await violations(page) : null;
      await page.evaluate(() => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
      return { too_wide: await page.evaluate(tooWide), violations: found };
    });
    seen.looks.push({ page: name, width, scheme: colorScheme, ...found });
  }
}

const rows = (page) => page.$$eval(".pods tbody tr:not([hidden]) a code", (all) => all.map((e) => e.textContent));
const column = (page, at) => page.$$eval(
  ".pods tbody tr", (all, place) => all.map((e) => e.cells[place].textContent), at);
const press = (page, at) => page.locator(".pods th button").nth(at).click();

seen.uses.sorted = await opened("pods.html", {}, async (page) => {
  const orders = {};
  for (const [at, name] of (await page.$$eval(".pods thead th", (all) => all.map((e) => e.textContent))).entries()) {
    await press(page, at);
    const first = await column(page, at);
    await press(page, at);
    orders[name] = [first, await column(page, at)];
  }
  const sorted = await page.$$eval(".pods th[aria-sort]", (all) => all.map((e) => e.textContent));
  return { orders, sorted };
});

// Each table of one pod: its label, and of each heading how the column reads after one press.
seen.uses.details = await opened("details.html", {}, async (page) => ({
  tables: await page.$$eval("table.sortable", (all) => all.map((table) => {
    const orders = {};
    for (const button of table.tHead.querySelectorAll("button")) {
      button.click();
      const place = button.closest("th").cellIndex;
      orders[button.textContent] = [...table.tBodies[0].rows].map((row) => row.cells[place].textContent);
    }
    return [table.parentElement.getAttribute("aria-label"), orders];
  })),
}));

seen.uses.filtered = await opened("pods.html", {}, async (page) => {
  const field = page.locator(".filter input");
  await field.fill("Small  tmpfs");
  const shown = { rows: await rows(page), told: await page.textContent("output") };
  shown.sections = await page.$$eval("main > .pod", (all) => all.filter((e) => !e.hidden).length);
  await page.click(".looks a");
  await page.waitForFunction(() => !document.querySelector(".pods [hidden]"));
  return { ...shown, after_link: (await rows(page)).length, field: await field.inputValue() };
});

seen.uses.unscripted = await opened("pods.html", { javaScriptEnabled: false }, async (page) => ({
  rows: await rows(page), buttons: await page.locator("button, input").count(),
}));

seen.uses.injected = await opened("injected.html", {}, async (page) => ({
  foreign: await page.evaluate(() => globalThis.foreign ?? "did not run"),
  buttons: await page.locator(".pods button").count(),
}));

seen.uses.printed = await opened("pods.html", { viewport: { width: 800, height: 900 } }, async (page) => {
  await page.emulateMedia({ media: "print" });
  const details = await page.$$eval("details.pod > div", (all) => all.map((e) => e.getBoundingClientRect().height));
  const paper = await page.pdf({ path: join(directory, "pods.pdf"), format: "A4" });
  return { filter: await page.isVisible(".filter"), details, bytes: paper.length };
});

seen.uses.waterfall = await opened("pod.html", { viewport: { width: 400, height: 900 } }, async (page) => ({
  pictures: await page.$$eval(".ladder svg", (all) => all.map((e) => {
    const { width, height } = e.getBoundingClientRect();
    return [width, height];
  })),
}));

await browser.close();
writeFileSync(join(directory, "seen.json"), JSON.stringify(seen, null, 1));
