// Opens a page in headless Chromium, waits for texts, follows links, keeps a picture.
//   node shot.js URL FILE.png STEP...      STEP: text=WAITED-FOR or follow=CSS|WAITED-FOR
const puppeteer = require('puppeteer-core');
const fs = require('fs');
const os = require('os');
const path = require('path');
const SECONDS = 90;

/** The text of a page, shadow roots included. */
const text = page => page.evaluate(() => {
  const children = n => [...(n.shadowRoot ? n.shadowRoot.childNodes : []), ...n.childNodes];
  const walk = n => (n.nodeType === 3 ? n.textContent : '') +
    children(n).filter(c => !['STYLE', 'SCRIPT'].includes(c.nodeName)).map(walk).join(' ');
  return walk(document.body);
});

/** Waits for a text; clicks an element now and then, if one is given: pages redraw under a click. */
async function take(page, step) {
  const [kind, value] = step.split(/=(.*)/s);
  const [link, wanted] = kind === 'follow' ? value.split('|') : [null, value];
  const end = Date.now() + SECONDS * 1000;
  let shown = '';
  let refused = '';
  for (let turn = 0; !shown.includes(wanted); turn++, shown = await text(page)) {
    if (Date.now() > end)
      throw new Error(`no "${wanted}" on the page ${refused}: ${shown.replace(/\s+/g, ' ')}`);
    if (link && turn % 25 === 0)
      await page.locator(`>>> ${link}`).setTimeout(5000).click().catch(e => (refused = e.message));
    await new Promise(r => setTimeout(r, 200));
  }
}

(async () => {
  const [url, file, ...steps] = process.argv.slice(2);
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'shot-'));
  const browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM, userDataDir: profile, headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
      '--disable-background-networking', '--disable-component-update'],
    defaultViewport: { width: 1400, height: 900 },
  });
  let code = 0;
  const page = await browser.newPage();
  page.setDefaultTimeout(SECONDS * 1000);
  try {
    await page.goto(url, { waitUntil: 'domcontentloaded', timeout: SECONDS * 1000 });
    for (const step of steps) await take(page, step);
    console.log('kept', file);
  } catch (e) {
    console.error(e.message);
    code = 1;
  } finally {
    await page.screenshot({ path: file }).catch(() => {});
    await browser.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
  process.exit(code);
})();
