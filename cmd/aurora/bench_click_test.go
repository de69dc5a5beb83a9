package main

import (
	"context"
	dbsql "database/sql"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/store/storetest"
)

// reStarted is the answer of the stand-in.
var reStarted = regexp.MustCompile(`started at (\d+) ns`)

// startTimes are when stand-ins were started, as the model hears it afterwards.
type startTimes chan time.Time

func (s startTimes) hear(r modelsim.Request) {
	if found := reStarted.FindSubmatch(r.Body); found != nil {
		if at, err := strconv.ParseInt(string(found[1]), 10, 64); err == nil {
			s <- time.Unix(0, at)
		}
	}
}

// after gives the next start after that moment.
func (s startTimes) after(b *testing.B, moment time.Time) time.Time {
	b.Helper()
	for {
		select {
		case at := <-s:
			if at.After(moment) {
				return at
			}
		case <-time.After(patience):
			b.Fatal("no stand-in was started")
		}
	}
}

// BenchmarkClick is one confirmation after the other on PostgreSQL, Redis and Vault: from Slack sending the click until
// the CLI's process runs. The sign-ins at STS and Vault are part of the figure. The CLI is a stand-in that answers with
// the time at which it was started.
func BenchmarkClick(b *testing.B) {
	const clicks = 100
	dir, started := b.TempDir(), make(startTimes, clicks)
	build := exec.CommandContext(context.Background(), "go", "build", "-o", filepath.Join(dir, "aws"), "./testdata/startclock")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build the stand-in: %v\n%s", err, out)
	}
	r := newRig(b, rigOptions{durable: true, path: dir, slack: slacksim.Config{Channels: manyRooms(clicks)}, model: modelsim.Config{Before: started.hear, Script: modelsim.Script{
		{User: "list my instances", Reply: modelsim.Reply{Calls: []modelsim.Call{{Provider: "aws", Command: "aws ec2 terminate-instances --instance-ids i-0a1b2c3d4e5f60001"}}}},
		{Any: true, Reply: modelsim.Reply{Text: "It waits for your click."}},
	}}})
	r.start()
	raw, err := dbsql.Open("pgx", storetest.PostgresAdmin(b, r.cfg.DatabaseURL.Reveal()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = raw.Close() })
	ada, sim := people["ada"], r.sims.slack
	var took []time.Duration
	for i := range clicks {
		if _, err := sim.Slash(ada, roomID(i), "/aurora mode agent"); err != nil {
			b.Fatal(err)
		}
		r.shown(roomID(i), func(m slacksim.Message) bool { return strings.Contains(m.Plain, "Agent mode") })
		say(b, sim, i)
		card := r.shown(roomID(i), func(m slacksim.Message) bool { return len(m.Buttons) > 1 })
		r.await("the card's being noted as sent", func() bool { return unsent(b, raw) == 0 }) // nobody clicks within that millisecond
		pressed := time.Now()
		if _, err := sim.Click(ada, roomID(i), card.TS, card.Buttons[0].ActionID); err != nil {
			b.Fatal(err)
		}
		took = append(took, started.after(b, pressed).Sub(pressed))
	}
	b.ReportMetric(0, "ns/op")
	percentiles(b, "click-to-start", took)
}

// unsent counts the posts that Slack has not taken as far as the database knows.
func unsent(b *testing.B, raw *dbsql.DB) (n int) {
	b.Helper()
	if err := raw.QueryRowContext(b.Context(), `SELECT count(*) FROM outbox WHERE NOT sent`).Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}

// shown waits until Ada sees such a message and nothing else is under way.
func (r *rig) shown(channel string, match func(slacksim.Message) bool) slacksim.Message {
	r.tb.Helper()
	ctx, cancel := context.WithTimeout(r.tb.Context(), patience)
	defer cancel()
	m, err := r.sims.slack.WaitMessage(ctx, people["ada"], channel, match)
	if err == nil {
		err = r.sims.slack.WaitQuiet(ctx)
	}
	if err != nil {
		r.tb.Fatalf("what is waited for in %s does not come: %v\n%s", channel, err, tail(r.serve.log.String()))
	}
	return m
}
