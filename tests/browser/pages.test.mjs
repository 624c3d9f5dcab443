// The pages as a person uses them, in a real Chromium: sign in by the one-time link, look around, import a list.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const folder = mkdtempSync(join(tmpdir(), 'mittler-browser-'));
let demo, browser, page, link, origin;
const foreign = [];

before(async () => {
  demo = spawn(join(process.env.MITTLER_TEST_BIN_DIR, 'mittler'), ['demo', '--serve', '--folder', join(folder, 'demo')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((_, reject) => demo.once('exit', (code) => reject(new Error(`the demo ended with ${code}`))));
  const opened = new Promise((resolve) => {
    createInterface({ input: demo.stdout }).on('line', (line) => {
      const found = line.match(/open the pages: (\S+)/);
      if (found) resolve(found[1]);
    });
  });
  link = await Promise.race([opened, ended]);
  origin = new URL(link).origin;
  browser = await chromium.launch({
    executablePath: process.env.MITTLER_TEST_CHROMIUM,
    args: process.env.MITTLER_TEST_CHROMIUM_ARGS.split(' '),
  });
  const context = await browser.newContext({ locale: 'de-DE', viewport: { width: 1280, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) foreign.push(request.url());
  });
});

after(async () => {
  await browser?.close();
  demo?.removeAllListeners('exit');
  demo?.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});

test('without a session the pages say how to get in, and show nothing', async () => {
  const answer = await page.goto(`${origin}/`);
  assert.equal(answer.status(), 401);
  assert.match(await page.textContent('body'), /mittler keys link/);
});

test('the one-time link opens the pages once', async () => {
  // A program that only looks at the address does not use it up.
  assert.equal((await page.request.get(link)).status(), 200);
  await page.goto(link);
  await page.click('form button');
  await page.waitForSelector('nav');
  assert.match(await page.textContent('h1'), /Heute/);
  const stranger = await browser.newContext();
  const other = await stranger.newPage();
  await other.goto(link);
  const answered = other.waitForResponse((response) => response.request().method() === 'POST');
  await other.click('form button');
  assert.equal((await answered).status(), 401);
  assert.equal(await other.locator('nav').count(), 0, 'a used link opens nothing');
  await stranger.close();
});

test('Today shows what came in, what was written and what is open', async () => {
  await page.goto(`${origin}/`);
  const text = await page.textContent('main');
  for (const word of ['messe-leads.csv', 'Salesforce', 'HubSpot']) assert.ok(text.toLowerCase().includes(word.toLowerCase()), `${word} is shown`);
  assert.ok(/offene Fragen/.test(text));
});

test('a question is compared side by side, with the way into the CRMs and what each answer changes', async () => {
  await page.goto(`${origin}/questions`);
  const links = await page.locator('main td a[href^="/questions/"]').evaluateAll((all) => all.map((link) => link.getAttribute('href')));
  // What only has to be noted has one answer: one with several is looked for.
  let buttons = 0;
  for (const link of new Set(links)) {
    await page.goto(`${origin}${link}`);
    buttons = await page.locator('.card button').count();
    if (buttons > 1) break;
  }
  assert.ok(buttons > 1, 'each answer has a button');
  assert.ok((await page.locator('table.sides tbody tr').count()) > 2, 'what each side says is a table');
});

// A button that lies beside the screen of a phone is one that nobody presses.
test('on a phone every answer to a question lies on the screen', async () => {
  const wide = page.viewportSize();
  await page.setViewportSize({ width: 360, height: 740 });
  await page.goto(`${origin}/questions`);
  const one = await page.locator('main td a[href^="/questions/"]').first().getAttribute('href');
  for (const path of ['/', '/questions', one]) {
    await page.goto(`${origin}${path}`);
    const answers = await page.locator('form[action^="/questions/"] button').all();
    assert.ok(answers.length > 0, `${path} asks something`);
    for (const answer of answers) {
      const { x, width } = await answer.boundingBox();
      assert.ok(x >= 0 && x + width <= 360, `${path}: ${await answer.textContent()} lies from ${x} to ${x + width}`);
    }
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} is wider than the screen`);
  }
  await page.setViewportSize(wide);
});

test('a record shows its values with their sources and its counterparts', async () => {
  await page.goto(`${origin}/records`);
  await page.click('main table a');
  await page.waitForURL(/\/records\/rec_/);
  const text = await page.textContent('main');
  assert.match(text, /bewega-scan|vertrieb/, 'the source is named');
  assert.ok((await page.locator('main table').count()) >= 2, 'values and links are tables');
});

test('the other language stays chosen', async () => {
  await page.goto(`${origin}/?lang=en`);
  assert.match(await page.textContent('h1'), /Today/);
  await page.goto(`${origin}/records`);
  assert.equal(await page.getAttribute('html', 'lang'), 'en');
  await page.goto(`${origin}/?lang=de`);
  assert.match(await page.textContent('h1'), /Heute/);
});

test('a list is dropped, checked, corrected and imported with progress', async () => {
  await page.goto(`${origin}/import`);
  const list = 'Vorname;Nachname;Firma;E-Mail;Hobby\r\nJana;<b>Kräft</b>;Kräft Werkzeuge GmbH;jana@kraeft-werkzeuge.example;Rudern\r\n;;;;Schach\r\n';
  await page.setInputFiles('#file', { name: 'gäste.csv', mimeType: 'text/csv', buffer: Buffer.from(list, 'utf8') });
  await page.fill('input[name=fair]', 'Testmesse 2026');
  await page.click('form[data-import] button');
  await page.waitForSelector('[data-run]');
  const preview = page.locator('#preview');
  assert.match(await preview.textContent(), /Hobby/);
  assert.equal(await page.inputValue('select[data-column="Nachname"]'), 'last_name');
  assert.equal(await preview.locator('b:has-text("Kräft")').count(), 0, 'what a list says stays text');
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('[data-problems]')]);
  assert.equal(file.suggestedFilename(), 'problems.csv');
  await page.click('[data-run]');
  await page.waitForURL(/\/import\/run_/);
  await page.waitForFunction(() => !document.querySelector('progress') || document.querySelector('main').textContent.match(/fertig|gelesen/i));
  await page.waitForFunction(() => /nicht übernommen|weder/i.test(document.querySelector('main').textContent));
  assert.match(await page.textContent('main'), /gäste\.csv|Testmesse/);
});

test('a file that is no list is refused in the language of the page', async () => {
  const picture = { name: 'foto.csv', mimeType: 'text/csv', buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 0, 0, 1, 2, 3]) };
  for (const [lang, words] of [['en', /no text file/], ['de', /keine Textdatei/]]) {
    await page.goto(`${origin}/import?lang=${lang}`);
    await page.setInputFiles('#file', picture);
    await page.click('form[data-import] button');
    await page.waitForSelector('#preview .bad');
    assert.match(await page.textContent('#preview'), words);
  }
});

test('the API is described without any other host', async () => {
  await page.goto(`${origin}/docs`);
  assert.match(await page.textContent('body'), /\/api\/v1\/leads/);
  assert.deepEqual(foreign, [], 'nothing was asked of another host');
});

test('a narrow screen needs no sideways scrolling', async () => {
  await page.setViewportSize({ width: 390, height: 800 });
  for (const path of ['/', '/records', '/import']) {
    await page.goto(`${origin}${path}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 1, `${path} is ${over} pixels too wide`);
  }
});
