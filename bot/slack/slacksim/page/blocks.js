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

function element(e, ctx) {
  if (e.type === 'button') return button(e, ctx);
  if (e.type === 'image') return el('span', { class: 'b-image' }, 'image: ' + e.alt_text);
  if (e.type === 'feedback_buttons') {
    return [e.positive_button, e.negative_button].map((side) => button({ ...side, type: 'button', action_id: e.action_id }, ctx));
  }
  if (e.text && e.text.text) return button(e, ctx);
  if (e.type === 'mrkdwn' || e.type === 'plain_text') return el('span', {}, textObject(e, ctx));
  return el('span', { class: 'b-image' }, e.type);
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
    case 'table': return el('div', { class: 'b-table' }, el('table', {}, b.rows.map((row) => el('tr', {},
      row.map((cell) => el('td', {}, cell.type === 'rich_text' ? rich(cell.elements, ctx) : cell.text))))));
    case 'input': return input(b);
    default: return el('div', { class: 'b-image' }, b.type);
  }
}

function input(b) {
  const name = JSON.stringify([b.block_id, b.element.action_id]);
  const field = b.element.multiline ? el('textarea', { name, rows: 4 }) : el('input', { name, autocomplete: 'off' });
  field.value = b.element.initial_value || '';
  if (b.element.placeholder) field.placeholder = b.element.placeholder.text;
  return el('label', { 'data-block': b.block_id }, b.label.text, field);
}
