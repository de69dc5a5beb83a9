// Package slack is Aurora's ear and mouth in Slack: Socket Mode in, the Web API out. It is the only importer of
// slack-go. cmd makes an [Adapter], runs it, and hands it to package bot as its Chat, Directory and Splitter.
//
// In: every envelope is decoded, made durable by bot.Intake and only then acknowledged; a mention that cannot be kept
// stays unacknowledged, so Slack sends it again. Out: one renderer owns every string that leaves; text is shown as rich
// text without parsing, links lead to Aurora's own pages only, and nothing unfurls.
//
// It decides nothing about rights, runs no command, keeps no state another replica would miss (what it remembers only
// saves calls), and never logs a token, a socket address or a message.
package slack
