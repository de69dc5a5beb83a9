// A Bolt app that uses what an agent in Slack can: a home tab, modals, shortcuts, status, streams, files and the
// events of people coming and going. It knows nothing of the simulator but its address.
'use strict';
const { App, LogLevel } = require('@slack/bolt');

const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  socketMode: true,
  logLevel: LogLevel.ERROR,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL, retryConfig: { retries: 0 } },
});

const plain = (text) => ({ type: 'plain_text', text });
const section = (text) => ({ type: 'section', text: { type: 'mrkdwn', text } });
const log = 'C0OPS00001';
const tell = (client, text) => client.chat.postMessage({ channel: log, text, unfurl_links: false, unfurl_media: false });

const home = (line) => ({ type: 'home', blocks: [section(line), { type: 'actions', elements: [{ type: 'button', action_id: 'mode', value: 'agent', text: plain('Agent mode') }] }] });
app.event('app_home_opened', async ({ event, client }) => {
  if (event.tab === 'home') await client.views.publish({ user_id: event.user, view: home(event.view ? 'Welcome back' : 'Welcome') });
});
app.action('mode', async ({ ack, body, client }) => {
  await ack();
  await client.views.publish({ user_id: body.user.id, hash: body.view.hash, view: home('Agent mode') });
});

const question = { type: 'input', block_id: 'ask', label: plain('Question'), element: { type: 'plain_text_input', action_id: 'text', multiline: true } };
const pick = { type: 'input', block_id: 'cloud', optional: true, label: plain('Cloud'), element: { type: 'static_select', action_id: 'name',
  options: [{ text: plain('AWS'), value: 'aws' }, { text: plain('GCP'), value: 'gcp' }] } };
app.shortcut('ask_about', async ({ ack, shortcut, client }) => {
  await ack();
  const loading = await client.views.open({ trigger_id: shortcut.trigger_id, view: { type: 'modal', title: plain('Ask'), blocks: [section('Loading')] } });
  await client.views.update({ view_id: loading.view.id, hash: loading.view.hash, view: { type: 'modal', callback_id: 'ask', title: plain('Ask'), submit: plain('Ask'),
    notify_on_close: true, private_metadata: shortcut.message.ts, blocks: [section(`> ${shortcut.message.text}`), question, pick,
      { type: 'actions', elements: [{ type: 'button', action_id: 'more', text: plain('More'), value: 'x' }] }] } });
});
app.action('more', async ({ ack, body, client }) => {
  await ack();
  await client.views.push({ trigger_id: body.trigger_id, view: { type: 'modal', callback_id: 'more', title: plain('More'), submit: plain('Back'), blocks: [section('More to say')] } });
});
app.view('more', async ({ ack }) => ack());
app.view('ask', async ({ ack, view, client }) => {
  const text = view.state.values.ask.text.value;
  if (text.length < 5) return ack({ response_action: 'errors', errors: { ask: 'Ask something longer.' } });
  await ack({ response_action: 'update', view: { type: 'modal', title: plain('Ask'), blocks: [section('Asked')] } });
  const cloud = view.state.values.cloud.name.selected_option;
  return tell(client, `asked ${text} of ${cloud ? cloud.value : 'all'} about ${view.private_metadata}`);
});
app.view({ callback_id: 'ask', type: 'view_closed' }, async ({ ack, client }) => { await ack(); await tell(client, 'closed'); });

app.event('app_mention', async ({ event, client, context }) => {
  const at = { channel_id: event.channel, thread_ts: event.ts };
  await client.agents.sessions.setStatus({ ...at, status: 'processing', title: 'A question' });
  await client.assistant.threads.setStatus({ ...at, status: 'is thinking…' });
  await client.assistant.threads.setSuggestedPrompts({ ...at, prompts: [{ title: 'Why?', message: 'Why is that?' }] });
  const stream = client.chatStream({ channel: event.channel, thread_ts: event.ts, recipient_user_id: event.user, recipient_team_id: context.teamId, task_display_mode: 'plan' });
  await stream.append({ chunks: [{ type: 'plan_update', title: 'Looking' }, { type: 'task_update', id: '1', title: 'List instances', status: 'in_progress' }] });
  await stream.append({ chunks: [{ type: 'task_update', id: '1', title: 'List instances', status: 'complete', output: 'two' }, { type: 'markdown_text', text: 'There are ' }] });
  await stream.append({ chunks: [{ type: 'markdown_text', text: '**two**.' }] });
  await stream.stop({ blocks: [{ type: 'context_actions', elements: [{ type: 'feedback_buttons', action_id: 'rate',
    positive_button: { text: plain('Good'), value: 'good' }, negative_button: { text: plain('Bad'), value: 'bad' } }] }] });
  await client.filesUploadV2({ channel_id: event.channel, thread_ts: event.ts, filename: 'out.txt', content: 'two instances', title: 'Output' });
  await client.agents.sessions.setStatus({ ...at, status: 'active' });
});
app.action('rate', async ({ ack, action, client }) => { await ack(); await tell(client, `rated ${action.value}`); });

for (const name of ['member_joined_channel', 'member_left_channel']) {
  app.event(name, async ({ event, client }) => tell(client, `${name} ${event.user} ${event.channel}`));
}
app.event('channel_shared', async ({ event, client }) => tell(client, `shared ${event.connected_team_id}`));
app.event('channel_unshared', async ({ event, client }) => tell(client, `unshared ${event.previously_connected_team_id}`));
app.event('user_change', async ({ event, client }) => tell(client, `changed ${event.user.id} ${event.user.deleted}`));
app.event('tokens_revoked', async ({ client }) => {
  await tell(client, 'still here').catch((error) => console.log(error.data.error));
});

app.start().then(() => console.log('ready'), (error) => {
  console.error(error);
  process.exit(1);
});
