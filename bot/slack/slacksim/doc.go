// Package slacksim is a strict Slack on loopback: the Web API, Socket Mode, response URLs and file uploads that
// a Socket Mode app uses, with a world of workspaces, people, channels and messages behind them, and a page that
// looks and works like a small Slack.
//
// Tests start one in process ([New], [Server.Start]) and act as people through methods such as [Server.Say],
// [Server.Slash] and [Server.Click]; `aurora playground` serves one with [ListenAndServe]; a program in another
// process does the same over HTTP under /sim/. It is meant to be exactly as unkind as Slack: what Slack refuses,
// limits, retries, delivers twice or drops, it refuses, limits, retries, delivers twice or drops as well.
//
// It never imports a Slack client library, never talks to anything but its own callers, and writes no file.
package slacksim
