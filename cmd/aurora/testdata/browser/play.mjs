// A person in the playground: a real browser at the address the playground printed. Run by browser_test.go, with
// ADDRESS, CHROMIUM and, where pictures are wanted, PICTURES (a directory) in the environment.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const { ADDRESS, CHROMIUM, PICTURES } = process.env;
const KEPT = '../screenshots';
const patience = 120_000;
let browser, page;

// open shows the playground in a window of its own.
async function open(viewport) {
  const context = await browser.newContext({ viewport, colorScheme: 'light', deviceScaleFactor: 1 });
  const shown = await context.newPage();
  shown.setDefaultTimeout(patience);
  shown.on('pageerror', (error) => { throw error; });
  await shown.goto(ADDRESS);
  await shown.locator('#link.up').waitFor({ state: 'attached' });
  return shown;
}

// send types into the channel's or the thread's box and presses Enter, as one does after picking @aurora from the list.
async function send(shown, box, words) {
  const area = shown.locator(box + ' textarea');
  await area.fill(words);
  await area.press('Escape');
  await area.press('Enter');
}

const reply = (words) => send(page, '#replyComposer', words);
const replies = (shown = page) => shown.locator('#replies .message');

// saying waits for the newest reply with those words.
async function saying(words, shown = page) {
  const found = replies(shown).filter({ hasText: words }).last();
  await found.waitFor();
  return found;
}

// card waits for a card that still can be answered.
async function card(shown = page) {
  const found = replies(shown).filter({ has: shown.locator('[data-action="confirm"]') }).last();
  await found.waitFor();
  return found;
}

async function become(name) {
  await page.locator('#switch').click();
  await page.locator('#people').getByRole('menuitem', { name }).click();
  await page.locator('#switch', { hasText: name }).waitFor();
  await page.locator('#messages [data-thread]').first().click();
  await replies().first().waitFor();
}

// keep writes a picture, or holds it against the one that is kept: as wide, as high, and with about as much on it. What
// it says is asserted where it is taken; points are not compared, since fonts differ from one machine to the next.
async function keep(name) {
  const file = `${PICTURES || KEPT}/${name}.png`;
  const shot = await page.screenshot(PICTURES ? { path: file } : {});
  const size = (png) => [png.readUInt32BE(16), png.readUInt32BE(20)];
  assert.ok(shot.length > 15_000, `the picture of ${name} has ${shot.length} bytes`);
  const kept = await readFile(file);
  assert.deepEqual(size(shot), size(kept), `${name} has another size`);
  assert.ok(shot.length < 2 * kept.length && kept.length < 2 * shot.length, `${name} has ${shot.length} bytes, the one that is kept ${kept.length}: look at both`);
}

// picture keeps a thread, in a window no taller than it needs.
async function picture(name, height, width = 1180) {
  const before = page.viewportSize();
  await page.setViewportSize({ width, height });
  await page.mouse.move(width / 2, 16);
  await page.locator('#replies').evaluate((box) => { box.scrollTop = box.scrollHeight; });
  await keep(name);
  await page.setViewportSize(before);
}

before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-quic'] });
  page = await open({ width: 1280, height: 860 });
});
after(() => browser && browser.close());

test('the page is refused without its token, and with another', async () => {
  const { origin } = new URL(ADDRESS);
  for (const path of ['/', '/?token=wrong', '/sim/state', '/page/app.js']) {
    const answer = await fetch(origin + path);
    assert.equal(answer.status, 401, path);
    assert.match(await answer.text(), /token/);
  }
});

test('it says what is simulated and offers first things to try', async () => {
  assert.match(await page.locator('#notice').innerText(), /simulated.*no.* real account/);
  const hint = page.locator('.hint', { hasText: 'list my EC2 instances' }).first();
  await hint.click();
  assert.equal(await page.locator('#composer textarea').inputValue(), '@aurora list my EC2 instances');
});

test('a mention is answered in its thread, with what ran below', async () => {
  await page.locator('#composer textarea').press('Enter');
  await page.locator('#messages [data-thread]').first().click();
  const answer = await saying('checkout-web-1');
  const text = await answer.innerText();
  assert.match(text, /checkout-db-1/);
  assert.match(text, /✓ aws ec2 describe-instances · account 111122223333 · us-east-1/);
  assert.equal(await page.locator('#messages .message').count(), 1, 'the answer belongs into the thread, not into the channel');
  await picture('answer', 560);
});

// ask says something in a channel of its own and opens its thread.
async function ask(channel, words) {
  await page.locator('.channel', { hasText: channel }).click();
  await send(page, '#composer', words);
  await page.locator('#messages .message', { hasText: words }).locator('[data-thread]').first().click();
}

test('two clouds are one question: each command is shown as it runs, and the answer is one table', async () => {
  await ask('on-call', '@aurora list my EC2 instances and my gcp vms');
  const running = page.locator('#threadStatus, #replies').filter({ hasText: /gcloud compute instances list/ }).first();
  await running.waitFor();
  await picture('progress', 440);
  const answer = await saying('I found 6 on aws and gcp');
  const rows = await answer.locator('tr').evaluateAll((all) => all.map((row) => [...row.cells].map((c) => c.innerText.trim())));
  assert.deepEqual(rows[0], ['cloud', 'name', 'state', 'type', 'place']);
  assert.deepEqual(rows.slice(1).map((row) => row[0]).sort(), ['aws', 'aws', 'aws', 'gcp', 'gcp', 'gcp']);
  assert.deepEqual(rows.find((row) => row[1] === 'checkout-db-1'), ['aws', 'checkout-db-1', 'running', 'm5.large', 'us-east-1a']);
  const broken = await answer.locator('tr:has-text("checkout-db-1") td').evaluateAll((all) => all.filter((c) => c.getClientRects()[0].height > 40).map((c) => c.innerText));
  assert.deepEqual(broken, [], 'these words are broken into pieces');
  assert.match(await answer.innerText(), /✓ aws ec2 describe-instances.*\n✓ gcloud compute instances list/);
  await picture('table', 660, 1540);
});

test('a long output is its head, its tail and a file', async () => {
  await ask('on-call', '@aurora run gcloud compute instances get-serial-port-output checkout-web-1 --zone us-central1-a');
  const shown = await saying('kernel 6.1 starts');
  const text = await shown.innerText();
  assert.match(text, /… \d+ characters on \d+ lines are left out here/);
  assert.match(text, /100 of 100 in use/);
  assert.doesNotMatch(text, /starting network/, 'the middle is left out');
  const file = await saying('Download');
  assert.match(await file.innerText(), /output\.txt/);
  await picture('long', 700);
  await page.locator('[data-channel="C0OPS00001"]').click();
  await page.locator('#messages [data-thread]').first().click();
  await replies().first().waitFor();
});

test('in Ask mode a delete is refused, and what one can say is drawn as code', async () => {
  await reply('@aurora terminate the instance checkout-web-1');
  const refusal = await saying('refused: aws ec2 terminate-instances');
  assert.match(await refusal.innerText(), /Switch to Agent mode/);
  await reply('@aurora mode');
  const told = await saying('You are in Ask mode here');
  assert.deepEqual(await told.locator('code').allInnerTexts(), ['mode ask', 'mode agent']);
});

test('a delete shows a card with the name of what it touches; cancelled, nothing runs', async () => {
  await reply('@aurora mode agent');
  await saying('You are in Agent mode in this thread');
  await reply('@aurora terminate the instance checkout-web-1');
  const asked = await card();
  const text = await asked.innerText();
  for (const want of [/Confirm: delete in aws/, /--instance-ids i-0a1b2c3d4e5f60001/, /111122223333/, /"checkout-web-1"/, /cannot be undone/, /Asked by: ada/]) {
    assert.match(text, want);
  }
  await asked.scrollIntoViewIfNeeded();
  await picture('card', 840);
  await asked.locator('[data-action="cancel"]').click();
  const cancelled = await saying('Cancelled by ada');
  assert.equal(await cancelled.locator('.btn').count(), 0, 'a cancelled card has no buttons');
  await reply('@aurora which of my EC2 instances are running?');
  await page.waitForFunction(() => [...document.querySelectorAll('#replies .message')].at(-1).innerText.includes('checkout-web-1'));
});

test('the card can be read on a phone', async () => {
  await reply('@aurora terminate the instance checkout-web-1');
  await card();
  const phone = await open({ width: 390, height: 844 });
  await phone.locator('#messages [data-thread]').first().click();
  const asked = await card(phone);
  const wide = await phone.evaluate(() => [...document.querySelectorAll('html, #thread, #replies, #replies pre, #replies .btn')]
    .filter((n) => n.scrollWidth > n.clientWidth + 1 && n.clientWidth > 0 || n.getBoundingClientRect().right > 390).map((n) => n.outerHTML.slice(0, 80)));
  assert.deepEqual(wide, [], 'wider than a phone of 390');
  for (const action of ['confirm', 'cancel']) {
    const box = await asked.locator(`[data-action="${action}"]`).boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 390 && box.height >= 28, `${action} cannot be pressed: ${JSON.stringify(box)}`);
  }
  await phone.context().close();
});

test('the click of somebody else is refused and changes nothing', async () => {
  await become('Ben Okafor');
  const asked = await card();
  await asked.locator('[data-action="confirm"]').click();
  await page.locator('[data-answer="confirm"]').click();
  const told = await saying('Only the person who asked');
  assert.match(await told.innerText(), /Only visible to you/);
  await card();
  await become('Ada Moreau');
  assert.equal(await replies().filter({ hasText: 'Only the person who asked' }).count(), 0, 'what Ben was told is not for Ada');
});

test('a delete is asked twice, runs after the second yes, and the answer goes on', async () => {
  let asked = await card();
  await asked.locator('[data-action="confirm"]').click();
  assert.match(await page.locator('#dialog').innerText(), /cannot be undone/);
  await page.locator('[data-answer="deny"]').click();
  asked = await card();
  await asked.locator('[data-action="confirm"]').click();
  await page.locator('[data-answer="confirm"]').click();
  const done = await saying('Confirmed by ada');
  assert.match(await done.innerText(), /✓ aws ec2 terminate-instances --instance-ids i-0a1b2c3d4e5f60001/);
  assert.equal(await done.locator('.btn').count(), 0, 'a confirmed card has no buttons');
  await saying('shutting-down');
  assert.equal(await replies().filter({ hasText: 'Confirmed by ada' }).count(), 1);
});

// fits tells what of a page is wider than its window.
const tooWide = (shown) => shown.evaluate(() => [...document.querySelectorAll('html, #home, #home *, dialog[open], dialog[open] *')]
  .filter((n) => n.getBoundingClientRect().right > window.innerWidth + 1).map((n) => n.outerHTML.slice(0, 80)));

// view takes a picture of a part of the page, and wants one that shows something.
async function view(name, part) {
  const box = await part.boundingBox();
  assert.ok(box.width > 300 && box.height > 120, `${name} is ${JSON.stringify(box)}`);
  await keep(name);
}

test('Home shows what is connected and what was asked, and confirms nothing', async () => {
  await page.locator('.channel', { hasText: 'Aurora' }).click();
  await page.locator('#tabHome').click();
  const home = page.locator('#home');
  await home.getByText('Role: operator').waitFor();
  assert.deepEqual(await home.locator('.b-header').allInnerTexts(), ['You and Aurora', 'Connections', 'What you asked lately']);
  const buttons = await home.locator('.btn').allInnerTexts();
  const [first, ...further] = buttons.filter((b) => !b.startsWith('Connect '));
  assert.equal(first, 'Switch to Agent mode');
  assert.ok(further.length >= 4 && further.every((b) => b === 'Disconnect'), further.join()); // one for each connection
  for (const cloud of ['aws', 'gcp', 'azure', 'scaleway', 'tailscale']) assert.ok(buttons.includes(`Connect ${cloud}`), cloud);
  const text = await home.innerText();
  for (const want of [/aws · 111122223333\nactive · last used \d{4}-/, /gcp · /, /tailscale · /, /terminate the instance checkout-web-1 · answered/]) assert.match(text, want);
  for (const never of [/i-0a1b2c3d4e5f60001/, /checkout-db-1/]) assert.doesNotMatch(text, never);
  assert.deepEqual(await tooWide(page), []);
  await view('home', home);
});

test('a link is made in a dialog when its button is pressed', async () => {
  await page.locator('#home').getByRole('button', { name: 'Connect tailscale' }).click();
  const dialog = page.locator('dialog[open]');
  await dialog.getByText('Open this link to connect tailscale').waitFor();
  assert.equal(await dialog.locator('.btn', { hasText: 'Connect tailscale' }).count(), 1);
  assert.equal(await dialog.locator('input, textarea').count(), 0, 'a dialog asks for no secret');
  await dialog.getByRole('button', { name: 'Close' }).click();
});

test('a question about a message is asked in a dialog and answered in its thread', async () => {
  await page.locator('[data-channel="C0OPS00001"]').click();
  await page.locator('#messages .message').first().hover();
  await page.locator('#messages [data-shortcut]').first().click();
  const dialog = page.locator('dialog[open]');
  await dialog.locator('[data-block=question]').waitFor();
  assert.match(await dialog.innerText(), /Your question[\s\S]*thread/);
  assert.equal(await dialog.locator('blockquote').innerText(), 'list my EC2 instances');
  await view('dialog', dialog);
  assert.deepEqual(await tooWide(page), []);
  await dialog.locator('textarea').fill('mode');
  await dialog.getByRole('button', { name: 'Ask' }).click();
  await page.locator('dialog[open]').waitFor({ state: 'detached' });
  await page.locator('#messages [data-thread]').first().click();
  await saying('You are in Agent mode here');
});
