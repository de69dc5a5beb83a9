package main

import (
	"context"
	dbsql "database/sql"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/store/storetest"
)

// BenchmarkClick is one confirmation after the other on PostgreSQL, Redis and Vault: from Slack sending the click until
// the CLI's process runs. The sign-ins at STS and Vault are part of the figure. The CLI is a stand-in that notes when it
// was started.
func BenchmarkClick(b *testing.B) {
	const clicks = 100
	dir := b.TempDir()
	build := exec.CommandContext(context.Background(), "go", "build", "-o", filepath.Join(dir, "aws"), "./testdata/startclock")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("build the stand-in: %v\n%s", err, out)
	}
	r := newRig(b, rigOptions{durable: true, path: dir, slack: slacksim.Config{Channels: manyRooms(clicks)}, model: modelsim.Config{Script: modelsim.Script{
		{Reply: modelsim.Reply{Calls: []modelsim.Call{{Provider: "aws", Command: "aws ec2 terminate-instances --instance-ids i-0a1b2c3d4e5f60001"}}}},
		{Any: true, Reply: modelsim.Reply{Text: "It waits for your click."}},
	}}})
	r.start()
	raw, err := dbsql.Open("pgx", storetest.PostgresAdmin(b, r.cfg.DatabaseURL.Reveal()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = raw.Close() })
	began := func() (all []string) {
		raw, err := os.ReadFile(filepath.Join(dir, "started"))
		if err != nil {
			return nil
		}
		return strings.Fields(string(raw))
	}
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
		before, pressed := len(began()), time.Now()
		if _, err := sim.Click(ada, roomID(i), card.TS, card.Buttons[0].ActionID); err != nil {
			b.Fatal(err)
		}
		r.await("the start of the CLI", func() bool { return len(began()) > before })
		at, err := strconv.ParseInt(began()[before], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Unix(0, at).Sub(pressed))
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
