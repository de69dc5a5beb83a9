// A Bolt echo bot: the peer a benchmark compares with. It answers a mention with its own text, in its thread.
'use strict';
const { App, LogLevel } = require('@slack/bolt');

const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  socketMode: true,
  logLevel: LogLevel.ERROR,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
});

app.event('app_mention', async ({ event, client }) => {
  await client.chat.postMessage({
    channel: event.channel,
    thread_ts: event.thread_ts || event.ts,
    text: event.text,
    unfurl_links: false,
    unfurl_media: false,
  });
});

app.start().then(() => console.log('ready'), (error) => {
  console.error(error);
  process.exit(1);
});
