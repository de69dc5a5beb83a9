// The page: what one person sees of the simulated Slack, and what that person does there.
import { el, mrkdwn, block } from './blocks.js';
import { Modals, drawHome } from './views.js';

const $ = (id) => document.getElementById(id);
const keep = (name, value) => { try { sessionStorage.setItem(name, value); } catch { /* private windows may refuse */ } };
const kept = (name) => { try { return sessionStorage.getItem(name); } catch { return null; } };

let state = { people: [], channels: [], commands: [], hints: [] };
let me = kept('me') || '', here = kept('here') || '', thread = '', tab = 'messages';
const seen = new Map(); // newest ts looked at, by channel
const drawn = { messages: '', replies: '', side: '' };

async function get(path, query) {
  const response = await fetch('/sim/' + path + '?' + new URLSearchParams(query));
  if (!response.ok) throw new Error((await response.json().catch(() => ({}))).error || response.statusText);
  return response.json();
}

async function act(deed, body) {
  const response = await fetch('/sim/' + deed, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => ({ error: response.statusText }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

let toastTimer;
function toast(text) {
  $('toast').textContent = text;
  $('toast').hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $('toast').hidden = true; }, 6000);
}

const personBy = (id) => state.people.find((p) => p.key === id) || state.people.find((p) => p.id === id);
const viewer = () => personBy(me) || {};
const channelBy = (id) => state.channels.find((c) => c.id === id);
const current = () => channelBy(here) || {};

function avatar(person, small) {
  const name = person.real_name || '?';
  const initials = name.split(/\s+/).map((w) => w[0]).slice(0, 2).join('').toUpperCase();
  let hue = 0;
  for (const c of name) hue = (Math.imul(hue, 33) ^ c.charCodeAt(0)) >>> 0;
  const kind = person.key === state.bot ? 'app' : person.id === 'USLACKBOT' ? 'slackbot' : 'c' + hue % 7;
  return el('span', { class: 'avatar ' + kind + (small ? ' small' : ''), 'aria-hidden': 'true' }, initials);
}

function role(p) {
  if (p.foreign) return 'from ' + p.team_name;
  if (p.deactivated) return 'deactivated';
  if (p.guest) return 'guest';
  return p.admin ? 'workspace admin' : 'member';
}

function openChannel(id) {
  here = id;
  keep('here', id);
  thread = '';
  tab = 'messages';
  document.body.classList.remove('menu');
  drawn.messages = '';
  refresh();
  composers();
}

function drawSide() {
  const key = JSON.stringify([me, here, state.channels.map((c) => [c.id, c.name, c.last]), [...seen], state.sockets > 0, state.people.length]);
  if (key === drawn.side) return;
  drawn.side = key;
  $('workspace').textContent = state.workspace;
  document.title = (current().dm ? state.app : '#' + (current().name || '')) + ' · ' + state.workspace;
  $('link').textContent = state.sockets > 0 ? state.app + ' is connected' : state.app + ' is not connected';
  $('link').className = state.sockets > 0 ? 'up' : '';
  $('notice').textContent = state.notice;
  $('notice').hidden = !state.notice;
  const row = (c) => el('button', { type: 'button', class: 'channel' + (c.id === here ? ' on' : '') + (c.id !== here && c.last > (seen.get(c.id) || '') ? ' unread' : ''),
    'data-channel': c.id, onclick: () => openChannel(c.id) },
  c.dm ? avatar(personBy(state.bot), true) : el('span', { class: 'sign' }, c.private ? el('span', { class: 'lock' }) : '#'), el('span', { class: 'name' }, c.dm ? state.app : c.name));
  const dm = state.channels.find((c) => c.dm);
  const start = el('button', { type: 'button', class: 'channel', onclick: openDM }, avatar(personBy(state.bot) || {}, true), el('span', { class: 'name' }, state.app));
  $('channels').replaceChildren(el('h2', {}, 'Channels'), ...state.channels.filter((c) => !c.dm).map(row), el('h2', {}, 'Direct messages'), dm ? row(dm) : start);
  const p = viewer();
  $('switch').replaceChildren(avatar(p), el('span', {}, el('small', {}, 'You are'), p.real_name || ''));
}

async function openDM() {
  try {
    const { channel } = await act('dm', { user: me });
    await act('home', { user: me, tab: 'messages' });
    state = await get('state', { as: me });
    openChannel(channel);
  } catch (error) { toast(error.message); }
}

function drawPeople() {
  const rows = state.people.filter((p) => !p.bot && !p.deactivated).map((p) => el('button', { type: 'button', role: 'menuitem', 'data-person': p.key, onclick: () => become(p.key) },
    avatar(p), el('span', {}, p.real_name, el('small', {}, role(p)))));
  $('people').replaceChildren(el('p', {}, 'Act as somebody else'), ...rows);
}

function become(key) {
  me = key;
  keep('me', key);
  seen.clear();
  thread = '';
  $('people').hidden = true;
  $('switch').setAttribute('aria-expanded', 'false');
  drawn.messages = drawn.side = '';
  refresh(true);
}

const time = (ts) => new Date(parseFloat(ts) * 1000);

function context(message) {
  return {
    me: viewer().id,
    name: (id) => (personBy(id) || { name: id }).name,
    channel: (id) => (channelBy(id) || {}).name,
    press: (e, node, value) => press(message, e, node, value),
  };
}

async function press(message, e, node, value) {
  if (e.confirm && !(await confirmed(e.confirm))) return;
  if (e.url && /^https?:/i.test(e.url)) window.open(e.url, '_blank', 'noopener,noreferrer');
  node.disabled = true;
  try {
    await act('click', { user: me, channel: message.channel, ts: message.ts, action_id: e.action_id, value: value || '' });
  } catch (error) { toast(error.message); }
  node.disabled = false;
}

const modals = new Modals($('dialog'), act, toast, () => context({}));
let asking = false;

// ask shows a dialog of the client's own, over whatever modal is open, and returns how it was answered.
function ask(parts) {
  const dialog = $('dialog');
  asking = true;
  return new Promise((resolve) => {
    const done = (answer) => { asking = false; modals.forget(); dialog.close(); resolve(answer); refresh(); };
    dialog.replaceChildren(...parts(done));
    dialog.oncancel = () => done(false);
    if (!dialog.open) dialog.showModal();
  });
}

const words = (o) => (o.type === 'mrkdwn' ? mrkdwn(o.text, context({})) : o.text);

function confirmed(c) {
  return ask((done) => [el('header', {}, c.title.text), el('div', { class: 'in' }, words(c.text)), el('footer', {},
    el('button', { type: 'button', class: 'btn', 'data-answer': 'deny', onclick: () => done(false) }, c.deny.text),
    el('button', { type: 'button', class: 'btn ' + (c.style || 'primary'), 'data-answer': 'confirm', onclick: () => done(true) }, c.confirm.text))]);
}

function drawMessage(m, inThread) {
  const author = personBy(m.team + ':' + m.user) || personBy(m.user) || { real_name: m.user };
  const ctx = context(m);
  const body = m.blocks && m.blocks.length ? m.blocks.map((b) => block(b, ctx)) : m.text ? mrkdwn(m.text, ctx) : [];
  const bot = author.bot && el('span', { class: 'tag' }, 'APP');
  const guest = author.guest && el('span', { class: 'tag' }, 'GUEST'), foreign = author.foreign && el('span', { class: 'tag' }, author.team_name);
  return el('article', { class: 'message' + (m.ephemeral ? ' eph' : '') + (/_join$/.test(m.subtype) ? ' joined' : ''), 'data-ts': m.ts },
    m.ephemeral ? el('div', { class: 'only' }, 'Only visible to you') : null,
    avatar(author),
    el('div', {},
      el('span', { class: 'who' }, author.real_name), bot || '', guest || '', foreign || '',
      el('time', { class: 'when', datetime: time(m.ts).toISOString(), title: time(m.ts).toLocaleString() }, time(m.ts).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })),
      el('div', { class: 'body' }, body, m.edited ? el('span', { class: 'edited' }, '(edited)') : null),
      m.streaming ? el('div', { class: 'dots', 'aria-label': 'More is coming' }) : null,
      (m.files || []).map(drawFile),
      m.failed ? el('div', { class: 'failed' }, state.app + ' did not answer in time (' + m.failed + '). Try again.') : null,
      !inThread && m.reply_count ? el('button', { type: 'button', class: 'replies', 'data-thread': m.ts, onclick: () => openThread(m.ts) },
        m.reply_count + (m.reply_count > 1 ? ' replies' : ' reply'), el('small', {}, 'View thread')) : null),
    m.ephemeral ? null : el('div', { class: 'tools' }, inThread ? null : el('button', { type: 'button', onclick: () => openThread(m.ts) }, 'Reply in thread'),
      author.key === state.bot ? null : (state.shortcuts || []).filter((s) => s.message).map((s) => el('button', { type: 'button', 'data-shortcut': s.callback_id, onclick: () => useShortcut(m, s) }, s.name))));
}

const drawFile = (f) => el('div', { class: 'file' }, el('span', { class: 'page' }),
  el('a', { href: '/files/' + f.id, target: '_blank', rel: 'noopener noreferrer' }, f.title || f.name, el('small', {}, f.name + ' · ' + f.size + ' bytes')),
  el('a', { class: 'btn', href: '/files/' + f.id + '?download=1', download: f.name }, 'Download'));

async function useShortcut(m, s) {
  try {
    const { outcome } = await act('shortcut', { user: me, channel: m.channel, ts: m.ts, name: s.callback_id });
    if (!outcome.acked) toast(s.name + ' failed with the error "' + outcome.error + '"');
  } catch (error) { toast(error.message); }
}

// fill draws a list of messages, and stays at its end when the reader was there.
function fill(box, key, messages, inThread, empty) {
  const mark = JSON.stringify([me, here, thread, messages]);
  if (mark === drawn[key]) return;
  const first = !drawn[key];
  drawn[key] = mark;
  const atEnd = first || box.scrollHeight - box.scrollTop - box.clientHeight < 120;
  const nodes = [];
  let day = '';
  for (const m of messages) {
    const d = time(m.ts).toLocaleDateString([], { weekday: 'long', month: 'long', day: 'numeric' });
    if (!inThread && d !== day) nodes.push(el('div', { class: 'day' }, d));
    day = d;
    nodes.push(drawMessage(m, inThread));
  }
  box.replaceChildren(...(nodes.length ? nodes : empty ? [empty()] : []));
  if (atEnd) box.scrollTop = box.scrollHeight;
}

function emptyChannel() {
  const c = current();
  const hints = (c.prompts || []).map((p) => p.message).concat(c.prompts ? [] : state.hints);
  return el('div', { class: 'empty' }, el('h2', {}, c.dm ? state.app : '# ' + c.name),
    el('p', {}, c.dm ? 'This is where you and ' + state.app + ' talk, seen by nobody else.' : c.has_bot ? 'Nothing has been said here yet. Try one of these:' : state.app + ' has not been invited to this channel.'),
    c.has_bot ? hints.map((h) => el('button', { type: 'button', class: 'hint', onclick: () => write(h) }, h)) : el('button', { type: 'button', class: 'hint', onclick: inviteBot }, 'Invite @' + (personBy(state.bot) || {}).name));
}

async function inviteBot() {
  try { await act('invite', { by: me, channel: here, user: state.bot_user }); } catch (error) { toast(error.message); }
}

function write(text) {
  const area = $('composer').querySelector('textarea');
  area.value = text;
  area.focus();
  area.dispatchEvent(new Event('input'));
}

function drawBar() {
  const c = current();
  $('title').replaceChildren(...(c.dm ? [state.app] : [c.private ? el('span', { class: 'lock' }) : '#', ' ' + (c.name || '')]));
  $('topic').textContent = c.dm ? 'Direct message' : [c.members + (c.members === 1 ? ' member' : ' members'), c.topic].filter(Boolean).join(' · ');
  const badges = (c.shared || []).map((name) => el('span', { class: 'badge warn' }, 'Shared with ' + name));
  if (c.guests) badges.push(el('span', { class: 'badge warn' }, 'Guests here'));
  if (c.archived) badges.push(el('span', { class: 'badge' }, 'Archived'));
  $('badges').replaceChildren(...badges);
  $('threadIn').textContent = [(c.titles || {})[thread], c.dm ? state.app : '#' + c.name].filter(Boolean).join(' · ');
  $('members').hidden = Boolean(c.dm);
  drawTabs(c);
}

// drawTabs shows the app's Home tab beside the messages with it.
function drawTabs(c) {
  const home = Boolean(c.dm) && tab === 'home';
  $('tabs').hidden = !c.dm;
  $('tabHome').hidden = (state.missing || []).includes('home');
  $('tabHome').setAttribute('aria-selected', String(home));
  $('tabMessages').setAttribute('aria-selected', String(!home));
  $('home').hidden = !home;
  for (const id of ['messages', 'status', 'composer', 'prompts']) $(id).hidden = home;
  if (home) thread = '';
  const prompts = (!home && c.prompts) || [];
  $('prompts').hidden = !prompts.length;
  $('prompts').replaceChildren(...prompts.map((p) => el('button', { type: 'button', class: 'hint', title: p.message, onclick: () => deliver(p.message, thread).catch((e) => toast(e.message)) }, p.title)));
}

async function openTab(name) {
  tab = name;
  try { await act('home', { user: me, tab: name }); } catch (error) { toast(error.message); }
  refresh();
}

// showPlan lets whoever plays choose what the workspace has, as plans and admins do.
function showPlan() {
  const row = (f) => {
    const box = el('input', { type: 'checkbox', checked: !(state.missing || []).includes(f), 'data-feature': f });
    box.addEventListener('change', () => act('feature', { name: f, on: box.checked }).catch((e) => toast(e.message)));
    return el('label', { class: 'row' }, box, f);
  };
  return ask((done) => [el('header', {}, 'What ' + state.workspace + ' has'), el('div', { class: 'in' }, (state.features || []).map(row)),
    el('footer', {}, el('button', { type: 'button', class: 'btn primary', 'data-answer': 'done', onclick: () => done(true) }, 'Done'))]);
}

// showMembers lists who is in the channel, and lets whoever plays bring people in and take them out.
function showMembers() {
  const c = current(), inside = new Set(c.people || []);
  const change = (p) => (inside.has(p.key) ? act('kick', { channel: c.id, user: p.key }) : act('invite', { by: me, channel: c.id, user: p.key })).then(() => done(true), (e) => toast(e.message));
  let done = () => {};
  const row = (p) => el('div', { class: 'row', 'data-member': p.key }, avatar(p, true), el('span', {}, p.real_name, el('small', {}, ' ' + role(p))),
    el('button', { type: 'button', class: 'btn', onclick: () => change(p) }, inside.has(p.key) ? 'Remove' : 'Invite'));
  const people = state.people.filter((p) => p.id !== 'USLACKBOT' && (inside.has(p.key) || !p.deactivated));
  return ask((answer) => {
    done = answer;
    return [el('header', {}, 'People in #' + c.name), el('div', { class: 'in' }, people.sort((a, b) => inside.has(b.key) - inside.has(a.key)).map(row)),
      el('footer', {}, el('button', { type: 'button', class: 'btn primary', 'data-answer': 'done', onclick: () => answer(true) }, 'Done'))];
  });
}

function drawStatus(node, ts, inThread) {
  const statuses = current().statuses || {};
  const key = inThread ? ts : Object.keys(statuses).sort().pop();
  const text = key && statuses[key];
  if (!text) { node.replaceChildren(); return; }
  const stop = el('button', { type: 'button', class: 'btn', onclick: () => act('stop', { user: me, channel: here, thread: key }).catch((e) => toast(e.message)) }, 'Stop');
  node.replaceChildren(el('span', { class: 'dots', 'aria-hidden': 'true' }), el('span', {}, el('b', {}, state.app), ' ' + (text === 'processing' ? 'is working…' : text)), stop);
}

function openThread(ts) {
  thread = ts;
  drawn.replies = '';
  refresh();
  composers();
}

function suggestions(area) {
  const before = area.value.slice(0, area.selectionStart);
  const slash = /^\/\w*$/.exec(before), at = /(?:^|\s)@([\w.-]*)$/.exec(before);
  if (slash) return state.commands.filter((c) => c.startsWith(before)).map((c) => ({ label: c, note: state.app, text: c + ' ', from: 0 }));
  if (!at) return [];
  return state.people.filter((p) => !p.deactivated && p.id !== 'USLACKBOT' && p.name.startsWith(at[1].toLowerCase())).sort((a, b) => (b.key === state.bot) - (a.key === state.bot))
    .map((p) => ({ label: p.real_name, note: '@' + p.name, text: '@' + p.name + ' ', from: before.length - at[1].length - 1, person: p }));
}

function composer(holder, placeholder, send) {
  const area = el('textarea', { rows: 1, placeholder, 'aria-label': placeholder });
  const go = el('button', { type: 'button', class: 'send', 'aria-label': 'Send', disabled: true }, '➤');
  const list = el('div', { class: 'pick', hidden: true });
  let options = [], chosen = 0;
  const take = (o) => {
    const end = area.selectionStart;
    area.value = area.value.slice(0, o.from) + o.text + area.value.slice(end);
    area.selectionStart = area.selectionEnd = o.from + o.text.length;
    changed();
    area.focus();
  };
  const show = () => {
    list.hidden = !options.length;
    list.replaceChildren(...options.map((o, i) => el('button', { type: 'button', class: i === chosen ? 'on' : '', onmousedown: (e) => { e.preventDefault(); take(o); } },
      o.person ? avatar(o.person, true) : '', el('b', {}, o.label), el('small', {}, o.note))));
  };
  const changed = () => {
    go.disabled = !area.value.trim();
    area.style.height = 'auto';
    area.style.height = area.scrollHeight + 'px';
    options = suggestions(area);
    chosen = 0;
    show();
  };
  const submit = async () => {
    const text = area.value.trim();
    if (!text) return;
    area.value = '';
    changed();
    try { await send(text); } catch (error) { if (!error.message.startsWith('slack refuses')) toast(error.message); if (!area.value) { area.value = text; changed(); } }
  };
  area.addEventListener('input', changed);
  area.addEventListener('blur', () => { list.hidden = true; });
  area.addEventListener('keydown', (e) => {
    if (e.isComposing) return;
    if (options.length && !list.hidden) {
      if (e.key === 'ArrowDown' || e.key === 'ArrowUp') { chosen = (chosen + (e.key === 'ArrowDown' ? 1 : options.length - 1)) % options.length; show(); e.preventDefault(); return; }
      if (e.key === 'Tab' || e.key === 'Enter') { take(options[chosen]); e.preventDefault(); return; }
      if (e.key === 'Escape') { options = []; show(); return; }
    }
    if (e.key === 'Enter' && !e.shiftKey) { e.preventDefault(); submit(); }
  });
  go.addEventListener('click', submit);
  holder.replaceChildren(list, el('div', { class: 'box' }, area, go));
}

// deliver sends what was typed: a line that begins with a slash is a command, as in Slack.
async function deliver(text, inThread) {
  if (text.startsWith('/')) {
    const { outcome } = await act('slash', { user: me, channel: here, line: text, thread: inThread });
    if (outcome.error) toast(text.split(' ')[0] + ' failed with the error "' + outcome.error + '"');
    return;
  }
  await act('say', { user: me, channel: here, text, thread: inThread });
}

function composers() {
  const c = current();
  composer($('composer'), 'Message ' + (c.dm ? state.app : '#' + (c.name || '')), (text) => deliver(text, ''));
  composer($('replyComposer'), 'Reply…', (text) => deliver(text, thread));
}

let busy = false, again = false;
async function refresh(rebuild) {
  if (busy) { again = true; return; }
  busy = true;
  try { await load(rebuild); } catch (error) { toast(error.message); }
  busy = false;
  if (again) { again = false; refresh(); }
}

async function load(rebuild) {
  state = await get('state', { as: me });
  if (!personBy(me)) { me = (state.people.find((p) => !p.bot && !p.deactivated) || {}).key || ''; state = await get('state', { as: me }); rebuild = true; }
  if (!channelBy(here)) { here = (state.channels.find((c) => c.has_bot) || state.channels[0] || {}).id || ''; rebuild = true; }
  if (rebuild) { drawPeople(); composers(); }
  drawBar();
  if (here) {
    const { messages } = await get('messages', { as: me, channel: here });
    const top = messages.filter((m) => !m.thread_ts || m.thread_ts === m.ts || (m.subtype === 'thread_broadcast'));
    fill($('messages'), 'messages', top, false, emptyChannel);
    if (messages.length) seen.set(here, messages[messages.length - 1].ts);
    const inThread = messages.filter((m) => thread && (m.ts === thread || m.thread_ts === thread));
    $('thread').hidden = !inThread.length || tab === 'home';
    if (inThread.length) fill($('replies'), 'replies', inThread, true);
  }
  drawStatus($('status'), '', false);
  drawStatus($('threadStatus'), thread, true);
  drawSide();
  const open = (await get('modals', { as: me })).modals;
  drawHome($('home'), open.find((v) => v.type === 'home'), context({}), (e, node, value) => pressHome(open.find((v) => v.type === 'home'), e, value));
  if (!asking) modals.draw(me, open);
}

async function pressHome(home, e, value) {
  if (e.confirm && !(await confirmed(e.confirm))) return;
  if (e.url && /^https?:/i.test(e.url)) window.open(e.url, '_blank', 'noopener,noreferrer');
  await act('viewclick', { user: me, view_id: home.id, action_id: e.action_id, value: value || '' }).catch((error) => toast(error.message));
}

$('tabHome').addEventListener('click', () => openTab('home'));
$('tabMessages').addEventListener('click', () => openTab('messages'));
$('plan').addEventListener('click', showPlan);
$('members').addEventListener('click', showMembers);
$('menu').addEventListener('click', () => document.body.classList.toggle('menu'));
$('closeThread').addEventListener('click', () => { thread = ''; refresh(); });
$('switch').addEventListener('click', () => { drawPeople(); $('people').hidden = !$('people').hidden; $('switch').setAttribute('aria-expanded', String(!$('people').hidden)); });
document.addEventListener('click', (e) => { if (!$('me').contains(e.target)) { $('people').hidden = true; $('switch').setAttribute('aria-expanded', 'false'); } });

const permalink = /^\/archives\/([^/]+)\/p(\d{10})(\d{6})/.exec(location.pathname);
if (permalink) { here = permalink[1]; thread = new URLSearchParams(location.search).get('thread_ts') || permalink[2] + '.' + permalink[3]; }
refresh(true);
new EventSource('/sim/stream').addEventListener('message', () => refresh());
