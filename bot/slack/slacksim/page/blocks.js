// Draws Slack's message formats as DOM. Text only ever becomes text nodes: nothing a message says is parsed as HTML.

export function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === 'class') node.className = value;
    else if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined && value !== null) node.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat(9)) if (child !== null && child !== undefined && child !== '') node.append(child);
  return node;
}

function unescape(text) {
  return text.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&');
}

// link makes an address safe to press: only web and mail addresses, in a tab of their own.
function link(url, label) {
  if (!/^(https?:|mailto:)/i.test(url)) return el('span', {}, label || url);
  return el('a', { href: url, target: '_blank', rel: 'noopener noreferrer', title: url }, label || url);
}

const SEQUENCE = /<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>/;

function live(match, ctx) {
  const [, sign, value, label] = match;
  if (sign === '@') return el('span', { class: 'mention' }, '@' + ctx.name(value));
  if (sign === '#') return el('span', { class: 'mention plainlink' }, '#' + (ctx.channel(value) || unescape(label || value)));
  if (sign === '!') return el('span', { class: 'mention' }, label ? unescape(label) : '@' + value.split('^')[0]);
  return link(unescape(value), label && unescape(label));
}

// inline draws one run of mrkdwn without code fences.
function inline(text, ctx) {
  const out = [];
  const token = /`[^`\n]+`|<[^<>\n]+>|(?<![\w*])\*[^*\n]+\*(?!\w)|(?<!\w)_[^_\n]+_(?!\w)|(?<!\w)~[^~\n]+~(?!\w)/;
  while (text) {
    const found = token.exec(text);
    if (!found) { out.push(unescape(text)); break; }
    if (found.index) out.push(unescape(text.slice(0, found.index)));
    const word = found[0], inner = word.slice(1, -1);
    if (word[0] === '`') out.push(el('code', {}, unescape(inner)));
    else if (word[0] === '<') out.push(live(SEQUENCE.exec(word) || ['', '', inner], ctx));
    else out.push(el({ '*': 'b', _: 'i', '~': 's' }[word[0]], {}, inline(inner, ctx)));
    text = text.slice(found.index + word.length);
  }
  return out;
}

// mrkdwn draws a text with fences and quotes.
export function mrkdwn(text, ctx) {
  const out = [];
  (text || '').split(/```\n?([\s\S]*?)```\n?/).forEach((part, i) => {
    if (!part) return;
    if (i % 2) { out.push(el('pre', {}, unescape(part.replace(/\n$/, '')))); return; }
    const lines = [];
    const flush = () => { if (lines.length) out.push(el('div', { class: 'text' }, inline(lines.join('\n'), ctx))); lines.length = 0; };
    for (const line of part.replace(/\n$/, '').split('\n')) {
      if (line.startsWith('&gt;')) { flush(); out.push(el('blockquote', {}, inline(line.replace(/^&gt; ?/, ''), ctx))); } else lines.push(line);
    }
    flush();
  });
  return out;
}

function textObject(o, ctx) {
  if (!o) return null;
  return o.type === 'mrkdwn' ? mrkdwn(o.text, ctx) : el('span', { class: 'text' }, o.text);
}

function styled(node, style) {
  for (const [name, tag] of [['code', 'code'], ['bold', 'b'], ['italic', 'i'], ['strike', 's']]) if (style && style[name]) node = el(tag, {}, node);
  return node;
}

function run(elements, ctx) {
  return (elements || []).map((e) => {
    switch (e.type) {
      case 'text': return styled(document.createTextNode(e.text), e.style);
      case 'link': return styled(link(e.url, e.text), e.style);
      case 'user': return el('span', { class: 'mention' }, '@' + ctx.name(e.user_id));
      case 'usergroup': return el('span', { class: 'mention' }, '@' + e.usergroup_id);
      case 'channel': return el('span', { class: 'mention plainlink' }, '#' + (ctx.channel(e.channel_id) || e.channel_id));
      case 'broadcast': return el('span', { class: 'mention' }, '@' + e.range);
      case 'emoji': return e.unicode ? String.fromCodePoint(...e.unicode.split('-').map((c) => parseInt(c, 16))) : ':' + e.name + ':';
      case 'date': return e.fallback || new Date(e.timestamp * 1000).toLocaleString();
      default: return '';
    }
  });
}

function rich(elements, ctx) {
  return (elements || []).map((e) => {
    switch (e.type) {
      case 'rich_text_preformatted': return el('pre', {}, run(e.elements, ctx));
      case 'rich_text_quote': return el('blockquote', {}, run(e.elements, ctx));
      case 'rich_text_list': {
        const items = e.elements.map((item) => el('li', {}, run(item.elements, ctx)));
        const depth = { 'data-indent': e.indent || null };
        return e.style === 'ordered' ? el('ol', { start: (e.offset || 0) + 1, ...depth }, items) : el('ul', depth, items);
      }
      default: return el('div', { class: 'text' }, run(e.elements, ctx));
    }
  });
}

// markdown draws the few marks of a markdown block that models use.
function markdown(text, ctx) {
  const words = (line) => {
    const out = [];
    const token = /`[^`]+`|\*\*[^*]+\*\*|!?\[[^\]]*\]\([^)\s]+\)|\*[^*]+\*|_[^_]+_/;
    while (line) {
      const found = token.exec(line);
      if (!found) { out.push(line); break; }
      out.push(line.slice(0, found.index));
      const word = found[0], parts = /^!?\[([^\]]*)\]\(([^)\s]+)\)$/.exec(word);
      if (parts) out.push(word[0] === '!' ? el('span', { class: 'b-image' }, 'image ' + parts[2]) : link(parts[2], parts[1]));
      else if (word[0] === '`') out.push(el('code', {}, word.slice(1, -1)));
      else if (word.startsWith('**')) out.push(el('b', {}, word.slice(2, -2)));
      else out.push(el('i', {}, word.slice(1, -1)));
      line = line.slice(found.index + word.length);
    }
    return out;
  };
  return text.split(/```[^\n]*\n?([\s\S]*?)```/).map((part, i) => {
    if (i % 2) return el('pre', {}, part.replace(/\n$/, ''));
    return part.split('\n').filter((l) => l.trim()).map((line) => {
      const heading = /^#{1,6} (.*)/.exec(line), item = /^\s*([-*]|\d+\.) (.*)/.exec(line);
      if (heading) return el('div', { class: 'b-header' }, words(heading[1]));
      if (item) return el('div', { class: 'text' }, (item[1].length > 1 ? item[1] : '•') + ' ', words(item[2]));
      return el('div', { class: 'text' }, words(line));
    });
  });
}

function button(e, ctx) {
  const hidden = e.visible_to_user_ids && !e.visible_to_user_ids.includes(ctx.me);
  if (hidden) return null;
  return el('button', { type: 'button', class: 'btn ' + (e.style || ''), 'aria-label': e.accessibility_label, 'data-action': e.action_id,
    onclick: (event) => ctx.press(e, event.currentTarget) }, e.text.text);
}

function feedback(e, ctx) {
  const nodes = [e.positive_button, e.negative_button].map((side) => el('button', { type: 'button', class: 'btn rate', 'data-action': e.action_id, 'data-value': side.value,
    'aria-label': side.accessibility_label, 'aria-pressed': 'false',
    onclick: (event) => { for (const n of nodes) n.setAttribute('aria-pressed', String(n === event.currentTarget)); ctx.press(e, event.currentTarget, side.value); } }, side.text.text));
  return nodes;
}

// choice draws what offers options; each choice is told at once, as buttons are.
function choice(e, ctx, field) {
  const told = (node, value) => field || ctx.press(e, node, value);
  if (e.type === 'radio_buttons' || e.type === 'checkboxes') {
    const kind = e.type === 'checkboxes' ? 'checkbox' : 'radio', first = [].concat(e.initial_option || [], e.initial_options || []).map((o) => o.value);
    const box = el('fieldset', { 'data-field': field, 'data-action': e.action_id }, e.options.map((o) => el('label', { class: 'row' },
      el('input', { type: kind, name: field || e.action_id, value: o.value, checked: first.includes(o.value) }), textObject(o.text, ctx), o.description ? el('small', {}, textObject(o.description, ctx)) : null)));
    box.addEventListener('change', () => told(box, [...box.querySelectorAll('input:checked')].map((i) => i.value).join(',')));
    return box;
  }
  const list = el('select', { 'data-field': field, 'data-action': e.action_id }, e.type === 'overflow' || !e.initial_option ? el('option', { value: '' }, e.placeholder ? e.placeholder.text : '…') : null,
    (e.options || []).map((o) => el('option', { value: o.value, selected: e.initial_option && e.initial_option.value === o.value }, o.text.text)));
  list.addEventListener('change', () => { if (list.value) told(list, list.value); });
  return list;
}

function element(e, ctx) {
  switch (e.type) {
    case 'button': return button(e, ctx);
    case 'icon_button': return button(e, ctx);
    case 'image': return el('span', { class: 'b-image' }, 'image: ' + e.alt_text);
    case 'feedback_buttons': return feedback(e, ctx);
    case 'mrkdwn': case 'plain_text': return el('span', {}, textObject(e, ctx));
    case 'static_select': case 'overflow': case 'radio_buttons': case 'checkboxes': return choice(e, ctx);
    default: return el('span', { class: 'b-image' }, e.type);
  }
}

function task(b, ctx) {
  return el('div', { class: 'b-task ' + (b.status || 'pending'), 'data-task': b.task_id }, el('span', { class: 'mark', 'aria-hidden': 'true' }),
    el('div', {}, el('b', {}, b.title), [b.details, b.output].map((part) => part && rich(part.elements, ctx)), (b.sources || []).map((s) => el('div', {}, link(s.url, s.text)))));
}

function cell(c, ctx) {
  if (c.type === 'rich_text') return rich(c.elements, ctx);
  return c.text || (c.value === undefined ? '' : String(c.value));
}

export function block(b, ctx) {
  switch (b.type) {
    case 'section': return el('div', { class: 'b-section' + (b.accessory ? ' with' : '') },
      el('div', {}, textObject(b.text, ctx), b.fields ? el('div', { class: 'b-fields' }, b.fields.map((f) => el('div', {}, textObject(f, ctx)))) : null),
      b.accessory ? element(b.accessory, ctx) : null);
    case 'header': return el('div', { class: 'b-header' }, b.text.text);
    case 'divider': return el('hr', { class: 'b-divider' });
    case 'context': return el('div', { class: 'b-context' }, b.elements.map((e) => element(e, ctx)));
    case 'actions': case 'context_actions': return el('div', { class: 'b-actions' }, b.elements.map((e) => element(e, ctx)));
    case 'markdown': return el('div', {}, markdown(b.text, ctx));
    case 'rich_text': return el('div', {}, rich(b.elements, ctx));
    case 'image': return el('div', { class: 'b-image' }, 'image: ' + b.alt_text);
    case 'table': case 'data_table': return el('div', { class: 'b-table' }, el('table', {}, b.caption ? el('caption', {}, b.caption) : null, b.rows.map((row) => el('tr', {},
      row.map((c) => el('td', { class: c.type === 'raw_number' ? 'number' : null }, cell(c, ctx)))))));
    case 'task_card': return task(b, ctx);
    case 'plan': return el('div', { class: 'b-plan' }, el('b', {}, b.title), (b.tasks || []).map((t) => task(t, ctx)));
    case 'alert': return el('div', { class: 'b-alert ' + (b.level || 'default') }, textObject(b.text, ctx));
    case 'input': return input(b, ctx);
    default: return el('div', { class: 'b-image' }, b.type);
  }
}

function input(b, ctx) {
  const e = b.element, name = JSON.stringify([b.block_id, e.action_id]);
  let field;
  if (e.options) field = choice(e, ctx, name);
  else {
    field = e.multiline ? el('textarea', { 'data-field': name, rows: 4 }) : el('input', { 'data-field': name, autocomplete: 'off' });
    field.value = e.initial_value || '';
    if (e.placeholder) field.placeholder = e.placeholder.text;
  }
  const label = [b.label.text, b.optional ? el('small', {}, ' (optional)') : null];
  const hint = b.hint ? el('small', { class: 'quiet' }, b.hint.text) : null;
  if (field.matches('fieldset')) return el('div', { class: 'field', 'data-block': b.block_id }, el('b', {}, label), field, hint);
  return el('label', { class: 'field', 'data-block': b.block_id }, label, field, hint);
}
