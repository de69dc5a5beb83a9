// A Bolt app that answers a mention, a slash command and a button. It knows nothing of the simulator but its
// address, which a real app would not set either.
'use strict';
const { App, LogLevel } = require('@slack/bolt');

const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  socketMode: true,
  logLevel: LogLevel.ERROR,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
});

app.event('app_mention', async ({ event, say, client }) => {
  const who = await client.users.info({ user: event.user });
  await say({
    thread_ts: event.thread_ts || event.ts,
    text: `Hello ${who.user.real_name}`,
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: `Hello *${who.user.real_name}*` } },
      { type: 'actions', elements: [{ type: 'button', action_id: 'approve', value: 'v', style: 'danger', text: { type: 'plain_text', text: 'Approve' } }] },
    ],
  });
});

app.action('approve', async ({ ack, body, respond }) => {
  await ack();
  await respond({ replace_original: true, text: `Approved by <@${body.user.id}>` });
});

app.command('/aurora', async ({ ack, command, respond }) => {
  await ack(`Taken: ${command.text}`);
  await respond({ response_type: 'in_channel', text: `Done: ${command.text}` });
});

app.start().then(() => console.log('ready'), (error) => {
  console.error(error);
  process.exit(1);
});
