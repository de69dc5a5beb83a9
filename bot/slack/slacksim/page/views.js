// Draws views: the app's Home tab, and modals with what is filled in there.
import { el, block } from './blocks.js';

// values reads what a form holds, by block and action, as the control API takes it.
function values(form) {
  const out = {};
  for (const field of form.querySelectorAll('[data-field]')) {
    const [b, a] = JSON.parse(field.dataset.field);
    const chosen = field.matches('fieldset') ? [...field.querySelectorAll('input:checked')].map((i) => i.value).join(',') : field.value;
    (out[b] ||= {})[a] = chosen;
  }
  return out;
}

// fit puts errors under the fields they are about.
function fit(form, errors) {
  for (const old of form.querySelectorAll('.failed')) old.remove();
  for (const [name, text] of Object.entries(errors || {})) {
    const field = [...form.querySelectorAll('[data-block]')].find((f) => f.dataset.block === name);
    (field || form.querySelector('.in')).append(el('p', { class: 'failed' }, text));
  }
}

// Modals shows the topmost of a person's open modals in a dialog.
export class Modals {
  constructor(dialog, act, toast, context) {
    Object.assign(this, { dialog, act, toast, context, shown: '', form: null });
  }

  draw(me, modals) {
    const top = modals.filter((v) => v.type === 'modal').pop();
    const key = top ? top.id + JSON.stringify(top.view) : '';
    if (key !== this.shown) this.open(me, top, key);
    if (top && this.form) fit(this.form, top.errors);
  }

  // forget makes the next drawing start anew, after something else used the dialog.
  forget() { this.shown = ''; this.form = null; }

  open(me, m, key) {
    this.shown = key;
    if (!m) { this.form = null; this.dialog.close(); return; }
    const v = m.view, form = el('form', { method: 'dialog', 'data-view': m.id });
    const close = () => this.act('close', { user: me, view_id: m.id }).catch((e) => this.toast(e.message));
    const press = (e, node, value) => this.act('viewclick', { user: me, view_id: m.id, action_id: e.action_id, value: value || '' }).catch((x) => this.toast(x.message));
    form.addEventListener('submit', (event) => { event.preventDefault(); this.submit(me, m.id, form); });
    form.append(el('header', {}, v.title.text), el('div', { class: 'in' }, v.blocks.map((b) => block(b, { ...this.context(), press }))),
      el('footer', {}, el('button', { type: 'button', class: 'btn', 'data-answer': 'close', onclick: close }, v.close ? v.close.text : m.previous ? 'Back' : 'Close'),
        v.submit ? el('button', { type: 'submit', class: 'btn primary' }, v.submit.text) : null));
    this.form = form;
    this.dialog.replaceChildren(form);
    this.dialog.oncancel = (event) => { event.preventDefault(); close(); };
    if (!this.dialog.open) this.dialog.showModal();
  }

  async submit(me, id, form) {
    try {
      const { outcome } = await this.act('submit', { user: me, view_id: id, values: values(form) });
      if (!outcome.acked || outcome.error) this.toast('We had some trouble connecting. Try again?');
    } catch (error) { this.toast(error.message); }
  }
}

// drawHome draws the Home tab as it was published, or that nothing was yet.
export function drawHome(box, home, context, press) {
  const key = JSON.stringify(home ? home.view : null);
  if (box.dataset.shown === key) return;
  box.dataset.shown = key;
  box.replaceChildren(el('div', { class: 'home' }, home ? home.view.blocks.map((b) => block(b, { ...context, press }))
    : el('p', { class: 'quiet' }, 'This is a work in progress: the app has shown nothing here yet.')));
}
