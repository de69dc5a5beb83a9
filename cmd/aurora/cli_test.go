package main

import (
	"bufio"
	"bytes"
	"context"
	dbsql "database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"
	"aurora/store"
	"aurora/store/sql"
	"aurora/store/storetest"
)

func TestExitStatuses(t *testing.T) {
	t.Parallel()
	bare := []string{"AURORA_DATA_DIR=" + filepath.Join(t.TempDir(), "nothing")}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"version":              {[]string{"version"}, 0, "aurora"},
		"help":                 {[]string{"--help"}, 0, "serve"},
		"manifest":             {[]string{"manifest", "slack"}, 0, "app_mention"},
		"manifest for AWS":     {[]string{"manifest", "aws"}, 0, "RoleName: aurora-read"},
		"explain":              {[]string{"policy", "explain", "--", "aws", "ec2", "describe-instances"}, 0, "read"},
		"explain one word":     {[]string{"policy", "explain", "--", "aws ec2 terminate-instances --instance-ids i-1"}, 0, "delete"},
		"no command":           {nil, 2, "aurora --help"},
		"unknown command":      {[]string{"serv"}, 2, `there is no command "serv"`},
		"unknown flag":         {[]string{"serve", "--port", "1"}, 2, "--port"},
		"too many words":       {[]string{"serve", "now"}, 2, "say `aurora serve"},
		"half a command":       {[]string{"policy"}, 2, "aurora policy explain"},
		"no command to judge":  {[]string{"policy", "explain"}, 2, "aurora policy explain --"},
		"half an audit":        {[]string{"audit"}, 2, "aurora audit verify"},
		"half a manifest":      {[]string{"manifest"}, 2, "aurora manifest slack"},
		"a head that is none":  {[]string{"audit", "verify", "--head", "last"}, 2, "<seq>:<hash>"},
		"playground in public": {[]string{"playground", "--listen", "0.0.0.0:0"}, 2, "only listens on loopback"},
		"no settings":          {[]string{"serve"}, 1, "SLACK_APP_TOKEN is missing"},
		"no env file":          {[]string{"serve", "--env-file", "nowhere.env"}, 1, "name a file"},
		"no audit":             {[]string{"audit", "verify"}, 1, "set DATABASE_URL, or AURORA_DATA_DIR"},
		"no export":            {[]string{"audit", "verify", "--file", "nowhere.jsonl"}, 1, "nowhere.jsonl"},
		"no owner":             {[]string{"migrate"}, 1, "AURORA_MIGRATE_URL is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, bare, c.args...)
			got.ends(t, c.code, c.want)
			if c.code != 0 && got.err == "" {
				t.Error("the error is not on standard error")
			}
		})
	}
}

func TestServeRefusesRulesItCannotReadBesideEverythingElse(t *testing.T) {
	t.Parallel()
	call(t, []string{"AURORA_POLICY_FILE=" + filepath.Join(t.TempDir(), "none.yaml")}, "serve").
		ends(t, 1, "SLACK_APP_TOKEN is missing", "read AURORA_POLICY_FILE")
}

func TestServeSaysWhichStoreIsAway(t *testing.T) {
	t.Parallel()
	got := call(t, complete("DATABASE_URL=postgres://aurora:s3cret@127.0.0.1:1/aurora", "REDIS_URL=redis://:s3cret@127.0.0.1:1", "VAULT_ADDR=http://127.0.0.1:1",
		"VAULT_TOKEN=s3cret"), "serve")
	got.ends(t, 1, "DATABASE_URL: PostgreSQL cannot be used now: see that it runs", "REDIS_URL: Redis cannot be used now: see that it runs",
		"VAULT_ADDR: open Vault: sign in to Vault: Vault at http://127.0.0.1:1 cannot be reached: see that it runs")
	if lines := strings.Split(strings.TrimSpace(got.err), "\n"); len(lines) != 4 || !strings.Contains(lines[0], "waiting for the stores") || strings.Contains(got.err, "s3cret") {
		t.Errorf("%d lines:\n%s", len(lines), got.err)
	}
}

func TestServeSaysThatAnAddressIsTaken(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	taken, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	environ, _, _ := healthy(t)
	call(t, append(environ, "AURORA_OPS_LISTEN="+taken.Addr().String()), "serve").ends(t, 1, "AURORA_OPS_LISTEN", "set it to an address of this machine that is free")
}

func TestSecondServeOnOneDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	environ, _, _ := healthy(t)
	call(t, append(environ, "AURORA_DATA_DIR="+w.cfg.DataDir), "serve").ends(t, 1, "another process", "set another AURORA_DATA_DIR")
}

// serving runs serve until it ends by itself, and lets the test break something once it is ready.
func serving(t *testing.T, environ []string, ready func() error, breakIt func() error) ran {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var out, errs safeBuffer
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"serve"}, environ, streams{strings.NewReader(""), &out, &errs}) }()
	if err := errors.Join(ready(), breakIt()); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	code := <-ended
	if ctx.Err() != nil {
		t.Errorf("serve did not end by itself")
	}
	return ran{code, out.String(), errs.String()}
}

func TestServeEndsWhenSlackTakesATokenAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breakIt func(*slacksim.Server) error
		want    string
	}{
		"bot token revoked": {func(s *slacksim.Server) error { return s.RevokeTokens("") }, "SLACK_BOT_TOKEN: the bot token was revoked; install the app again"},
		"app removed":       {func(s *slacksim.Server) error { return s.Uninstall("") }, "SLACK_BOT_TOKEN: the app was removed from the workspace; install the app again"},
		"app token revoked": {func(s *slacksim.Server) error {
			s.RevokeToken(s.AppToken())
			s.Cut(0)
			return nil
		}, "SLACK_APP_TOKEN: the token was revoked; install the app again"},
		"bot token revoked without a word": {func(s *slacksim.Server) error {
			s.RevokeToken(s.BotToken(""))
			_, err := s.Say(people["ada"], rooms["ops"], "@aurora help")
			return err
		}, "SLACK_BOT_TOKEN: the token was revoked; install the app again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ, slack, _ := healthy(t)
			got := serving(t, environ, func() error { return slack.WaitSockets(t.Context(), 2) }, func() error { return c.breakIt(slack) })
			got.ends(t, 1, "aurora: "+c.want)
		})
	}
}

func TestServeEndsAtOnceWithBadTokens(t *testing.T) {
	t.Parallel()
	environ, _, _ := healthy(t)
	call(t, append(environ, "SLACK_BOT_TOKEN=xoxb-unknown"), "serve").ends(t, 1, "SLACK_BOT_TOKEN: Slack does not know the token; copy it again")
}

func TestMigrateThenServeWithTheLesserRole(t *testing.T) {
	t.Parallel()
	owner, serve := storetest.PostgresEmpty(t)
	admin := storetest.PostgresAdmin(t, owner)
	vault, redis := storetest.Vault(t), storetest.Redis(t)
	environ, slack, _ := healthy(t)
	environ = append(environ, "REDIS_URL="+redis.URL, "VAULT_ADDR="+vault.Addr, "VAULT_ROLE_ID="+vault.RoleID, "VAULT_SECRET_ID="+vault.SecretID)
	with := func(more ...string) []string { return append(environ[:len(environ):len(environ)], more...) }

	call(t, with("DATABASE_URL="+serve), "serve").ends(t, 1, "run `aurora migrate`")
	call(t, with("DATABASE_URL="+owner, "AURORA_MIGRATE_URL="+owner), "migrate").ends(t, 1, "must be another one than the owner")
	call(t, with("DATABASE_URL="+serve, "AURORA_MIGRATE_URL=postgres://nobody@127.0.0.1:1/x"), "migrate").ends(t, 1, "migrate:")
	call(t, with("DATABASE_URL="+serve, "AURORA_MIGRATE_URL="+owner), "migrate").ends(t, 0, "applied", "role "+storetest.ServeRole+" may use it")
	call(t, with("DATABASE_URL="+serve, "AURORA_MIGRATE_URL="+owner), "migrate").ends(t, 0, "up to date")
	call(t, with("DATABASE_URL="+owner), "serve").ends(t, 1, "DATABASE_URL:", "owns the table")
	call(t, with("DATABASE_URL="+admin), "serve").ends(t, 1, "DATABASE_URL:", "is a superuser")

	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	var errs safeBuffer
	go func() {
		ended <- run(ctx, []string{"serve"}, with("DATABASE_URL="+serve), streams{strings.NewReader(""), io.Discard, &errs})
	}()
	if err := slack.WaitSockets(ctx, 2); err != nil {
		t.Fatal(err)
	}
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("serve ended with %d:\n%s", code, errs.String())
	}
}

// audited is an embedded database with rows in its audit.
func audited(t *testing.T, key store.Secret) (dir string) {
	t.Helper()
	dir = t.TempDir()
	db, err := sql.Open(t.Context(), sql.Config{URL: filepath.Join(dir, "aurora.db"), AuditKey: key, Runner: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		e := store.AuditEntry{Kind: store.AuditLogin, OrgID: "org_1", Person: "slack:T1:U1", Subject: fmt.Sprintf("row %d", i), Detail: json.RawMessage(`{"a":"b"}`)}
		if err := db.Audit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestAuditExportIsVerified(t *testing.T) {
	t.Parallel()
	environ := []string{"AURORA_DATA_DIR=" + audited(t, "k"), "AURORA_AUDIT_KEY=k"}
	whole := call(t, environ, "audit", "verify")
	whole.ends(t, 0, "The audit is whole: 20 rows, head 20:")
	_, head, _ := strings.Cut(strings.TrimSpace(whole.out), "head ")
	export := call(t, environ, "audit", "export")
	if n := strings.Count(export.out, "\n"); export.code != 0 || n != 20 {
		t.Fatalf("export gave %d lines, status %d", n, export.code)
	}
	rows := strings.SplitAfter(export.out, "\n")
	verify := func(text string, more ...string) ran {
		file := filepath.Join(t.TempDir(), "audit.jsonl")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return call(t, environ, append([]string{"audit", "verify", "--file", file}, more...)...)
	}
	verify(export.out, "--head", head).ends(t, 0, "The audit is whole: 20 rows")
	verify(strings.Replace(export.out, "row 7", "row 8", 1)).ends(t, 1, "the audit is not whole")
	verify(strings.Join(append(rows[:5:5], rows[6:]...), "")).ends(t, 1, "the audit is not whole")
	verify(strings.Join(append(append(rows[:4:4], rows[5], rows[4]), rows[6:]...), "")).ends(t, 1, "the audit is not whole")
	verify(strings.Join(rows[:15], ""), "--head", head).ends(t, 1, "the audit is not whole")
	verify(strings.Join(rows[:15], "")).ends(t, 0, "15 rows") // cut at the end: only a head shows it
	verify(export.out[:len(export.out)/2]).ends(t, 1, "read the export")
	verify(strings.Join(rows[:15], "")+"}\n"+strings.Join(rows[15:], "")).ends(t, 1, "read the export") // nothing behind it is passed over
	verify("\n").ends(t, 1, "there is nothing in", "`aurora audit export`")
	verify("", "--head", head).ends(t, 1, "the audit is not whole")
	empty := []string{"AURORA_DATA_DIR=" + t.TempDir()}
	if _, err := sql.Migrate(t.Context(), filepath.Join(empty[0][len("AURORA_DATA_DIR="):], "aurora.db"), ""); err != nil {
		t.Fatal(err)
	}
	call(t, empty, "audit", "verify").ends(t, 0, "There is nothing in the audit yet.")
	call(t, append(environ, "AURORA_AUDIT_KEY=another"), "audit", "verify").ends(t, 1, "the audit is not whole")
}

func TestTamperingWithTheAuditIsFound(t *testing.T) {
	t.Parallel()
	for name, statements := range map[string][]string{
		"a row changed":   {`UPDATE audit SET subject = 'nothing' WHERE seq = 7`},
		"a row taken out": {`DELETE FROM audit WHERE seq = 7`},
		"a row moved":     {`UPDATE audit SET seq = 700 WHERE seq = 7`},
		"a person framed": {`UPDATE audit SET person = 'slack:T1:U2' WHERE seq = 20`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := audited(t, "k")
			environ := []string{"AURORA_DATA_DIR=" + dir, "AURORA_AUDIT_KEY=k"}
			db, err := dbsql.Open("sqlite", filepath.Join(dir, "aurora.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			for _, guard := range triggers(t, db) { // whoever can write the file can drop what guards it
				statements = append([]string{"DROP TRIGGER " + guard}, statements...)
			}
			for _, s := range statements {
				if _, err := db.ExecContext(t.Context(), s); err != nil {
					t.Fatalf("%s: %v", s, err)
				}
			}
			call(t, environ, "audit", "verify").ends(t, 1, "the audit is not whole")
		})
	}
}

func triggers(t *testing.T, db *dbsql.DB) (names []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

// commands is an endless input of which at most lines are read; it notes how far its reader has come.
type commands struct {
	left int
	rest []byte
}

func (c *commands) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if c.left == 0 {
			return 0, io.EOF
		}
		c.left--
		c.rest = fmt.Appendf(nil, `{"command":"frobnicate %d"}`+"\n", c.left)
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// lineCount counts lines and keeps none.
type lineCount struct {
	lines int
	most  uint64 // bytes of live heap, at most
}

func (l *lineCount) Write(p []byte) (int, error) {
	before := l.lines
	l.lines += bytes.Count(p, []byte("\n"))
	if before/20_000 != l.lines/20_000 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		l.most = max(l.most, m.HeapAlloc)
	}
	return len(p), nil
}

// The other tests of this package run beside it and use memory too, so this one is not parallel: it runs before them.
func TestPolicyCheckStreams(t *testing.T) {
	const lines = 100_000
	var before runtime.MemStats
	call(t, nil, "policy", "check") // loads the tables
	runtime.GC()
	runtime.ReadMemStats(&before)
	out := &lineCount{}
	var errs bytes.Buffer
	if code := run(t.Context(), []string{"policy", "check"}, nil, streams{&commands{left: lines}, out, &errs}); code != 0 || out.lines != lines {
		t.Fatalf("status %d, %d lines: %s", code, out.lines, errs.String())
	}
	if grown := int64(out.most) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d MB while %d lines went through", grown>>20, lines)
	}
}

func TestPolicyCheckAnswersBeforeItsInputEnds(t *testing.T) {
	t.Parallel()
	in, feed := io.Pipe()
	answers, out := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(t.Context(), []string{"policy", "check"}, nil, streams{in, out, io.Discard})
		_ = out.Close()
	}()
	lines := bufio.NewScanner(answers)
	for _, c := range []struct{ command, effect string }{
		{`{"command":"aws ec2 describe-instances"}`, `"effect":"read"`}, {`{"command":"aws ec2 describe-instances | sh"}`, `"rule":"unparsed"`},
		{`{"command":"rm -rf /"}`, `"effect":"forbidden"`}, {`{"command":""}`, `"effect":"forbidden"`},
	} {
		if _, err := io.WriteString(feed, c.command+"\n"); err != nil {
			t.Fatal(err)
		}
		if !lines.Scan() || !strings.Contains(lines.Text(), c.effect) {
			t.Errorf("%s gives %s", c.command, lines.Text())
		}
	}
	_ = feed.Close()
	if code := <-ended; code != 0 {
		t.Errorf("status %d", code)
	}
	callWith(t, "no JSON\n", nil, "policy", "check").ends(t, 0, `"rule":"unparsed"`)
}

func TestPlaygroundTellsWhereItIs(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var out safeBuffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"playground", "--data-dir", t.TempDir()}, nil, streams{strings.NewReader(""), &out, &out})
	}()
	await(t, "the playground's address", func() bool { return strings.Contains(out.String(), "End:  Ctrl-C") })
	said := out.String()
	for _, want := range []string{"simulated: nothing you do here reaches a real account", "The model is simulated too", "aws is not installed", "http://127.0.0.1:"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q:\n%s", want, said)
		}
	}
	address := said[strings.Index(said, "http://"):]
	address = strings.Fields(address)[0]
	if got := visit(t, http.MethodGet, address, nil); got.status != http.StatusOK {
		t.Errorf("its page answers %d", got.status)
	}
	cancel()
	select {
	case code := <-ended:
		if code != 0 {
			t.Errorf("it ended with %d", code)
		}
	case <-time.After(patience):
		t.Error("it does not end")
	}
}
