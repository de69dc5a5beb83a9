// Somebody who connects clouds: real browsers at the playground's chat and at Aurora's pages. Run by browserconnect_test.go,
// with ADDRESS, CLOUDS (the simulated clouds' control), ROLE, CHROMIUM and, where people sign in with Slack first, SLACK=yes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const { ADDRESS, CLOUDS, ROLE, CHROMIUM, SLACK } = process.env;
const patience = 60_000;
const given = new Set(); // links that were asked for
const complaints = []; // what browsers had to say of the pages
let browser, chat;

// person is a browser of its own, without scripts where they are not needed, that asks no other host than this machine.
async function person(javaScriptEnabled = false) {
  const context = await browser.newContext({ javaScriptEnabled });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.on('request', (request) => { if (new URL(request.url()).hostname !== '127.0.0.1') complaints.push(request.url()); });
  page.on('console', (said) => { if (!/Failed to load resource: the server responded with a status of 4/.test(said.text())) complaints.push(said.text()); });
  return page;
}

const text = (page) => page.locator('main').innerText();

// link asks for a link in the chat and gives its address. The chat's own browser does not get there: whoever calls decides
// where it is opened.
async function link(cloud) {
  const links = chat.locator('#messages .btn', { hasText: `Connect ${cloud}` });
  const had = await links.count();
  const area = chat.locator('#composer textarea');
  await area.fill(`/aurora connect ${cloud}`);
  await area.press('Escape');
  await area.press('Enter');
  await links.nth(had).waitFor();
  // A tab that did not get there tries again by itself, seconds later: what was asked for before is not the answer.
  const asked = chat.context().waitForEvent('request', (request) => request.url().includes('/connect/') && !given.has(request.url()));
  await links.nth(had).click();
  const address = (await asked).url();
  given.add(address);
  return address;
}

// slackAs signs in with Slack as somebody.
async function slackAs(page, name) {
  await page.getByRole('button', { name: 'Sign in with Slack' }).click();
  await page.getByLabel(name, { exact: true }).check();
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.locator('main').waitFor();
}

before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-quic'] });
  chat = await (await browser.newContext()).newPage();
  chat.setDefaultTimeout(patience);
  await chat.goto(ADDRESS);
  await chat.locator('#link.up').waitFor({ state: 'attached' });
  await chat.locator('#switch').click();
  await chat.locator('#people').getByRole('menuitem', { name: 'Chloe Lind' }).click();
  await chat.locator('#switch', { hasText: 'Chloe Lind' }).waitFor();
  await chat.context().route('**/connect/**', (route) => route.abort());
});
after(() => browser && browser.close());

test('Google Cloud is connected by consent, without any script', { skip: Boolean(SLACK) }, async () => {
  const page = await person();
  const address = await link('gcp');
  await page.goto(address);
  assert.match(await text(page), /connecting gcp for slack user U0CHLOE001/);
  await page.getByRole('button', { name: 'Sign in with Google' }).click();
  await page.getByText('simulated sign-in').waitFor();
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('ada@example.com is connected').waitFor();
  assert.ok(!page.url().includes('code=') && !page.url().includes('state='), page.url());
  await page.locator('select').selectOption('acme-staging');
  await page.getByRole('button', { name: 'Choose' }).click();
  await page.getByText('work in acme-staging').waitFor();
  await page.getByRole('button', { name: /Allow changes in Agent mode/ }).click();
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('is connected').waitFor();
  assert.equal(await page.getByRole('button', { name: /Allow changes/ }).count(), 0);
  await chat.locator('#messages').getByText('gcp account ada@example.com is connected for you').first().waitFor();
  assert.equal((await page.goto(address)).status(), 404);
  assert.match(await text(page), /does not work any more/);
});

test('no at Google connects nothing and says so', { skip: Boolean(SLACK) }, async () => {
  const page = await person();
  await page.goto(await link('gcp'));
  await page.getByRole('button', { name: 'Sign in with Google' }).click();
  await page.getByRole('button', { name: 'Deny' }).click();
  await page.getByText('You said no at Google').waitFor();
});

test('AWS is connected by a role; the link works once, and in one browser', { skip: Boolean(SLACK) }, async () => {
  const page = await person();
  const address = await link('aws');
  await page.goto(address);
  const mark = await page.locator('#external_id').innerText();
  const trusted = await fetch(CLOUDS + 'trust', { method: 'POST', body: JSON.stringify({ role: ROLE, external_id: mark }) });
  assert.equal(trusted.status, 200, await trusted.text());
  const thief = await person();
  assert.equal((await thief.goto(address)).status(), 403);
  assert.match(await text(thief), /opened in another browser/);
  await page.locator('#role_arn').fill(ROLE);
  await page.getByRole('button', { name: 'Connect' }).click();
  await page.getByText('aws account 111122223333 is connected').waitFor();
  for (const who of [page, thief]) {
    assert.equal((await who.goto(address)).status(), 404);
    assert.match(await text(who), /does not work any more/);
  }
});

test('the page can be used on a phone', { skip: Boolean(SLACK) }, async () => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const page = await context.newPage();
  for (const cloud of ['aws', 'gcp', 'azure']) {
    await page.goto(await link(cloud));
    const wide = await page.evaluate(() => [...document.querySelectorAll('html, main, main *')].filter((n) => n.getBoundingClientRect().right > 391).map((n) => n.outerHTML.slice(0, 80)));
    assert.deepEqual(wide, [], cloud);
  }
});

test('another person is refused, and the link stays for its own', { skip: !SLACK }, async () => {
  const page = await person();
  const address = await link('gcp');
  await page.goto(address);
  assert.equal(await page.getByRole('button', { name: 'Sign in with Google' }).count(), 0);
  await slackAs(page, 'ben');
  assert.match(await text(page), /signed in to the chat as somebody else/);
  await page.goto(address);
  await slackAs(page, 'chloe');
  await page.getByRole('button', { name: 'Sign in with Google' }).click();
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('ada@example.com is connected').waitFor();
});

test('no page asked another host for anything, or broke its own policy', () => assert.deepEqual(complaints, []));
