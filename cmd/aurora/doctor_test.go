package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/store/storetest"
)

// ran is what a command printed and how it ended.
type ran struct {
	code     int
	out, err string
}

// call runs the binary's main in this process, with no environment but the given one.
func call(t testing.TB, environ []string, args ...string) ran {
	t.Helper()
	return callWith(t, "", environ, args...)
}

func callWith(t testing.TB, input string, environ []string, args ...string) ran {
	t.Helper()
	var out, errs safeBuffer
	code := run(t.Context(), args, environ, streams{strings.NewReader(input), &out, &errs})
	return ran{code, out.String(), errs.String()}
}

func (r ran) ends(t *testing.T, code int, words ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit status %d, want %d", r.code, code)
	}
	for _, w := range words {
		if !strings.Contains(r.out+r.err, w) {
			t.Errorf("it does not say %q", w)
		}
	}
	if t.Failed() {
		t.Logf("out:\n%s\nerr:\n%s", r.out, r.err)
	}
}

// healthy is an environment in which everything is there.
func healthy(t *testing.T) (environ []string, slack *slacksim.Server, dir string) {
	t.Helper()
	slack = slacksim.New(slacksim.Config{})
	if err := slack.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(slack.Close)
	model, err := modelsim.Start(t.Context(), "127.0.0.1:0", modelsim.Config{})
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "deep", "aurora-data")
	return []string{"SLACK_APP_TOKEN=" + slack.AppToken(), "SLACK_BOT_TOKEN=" + slack.BotToken(""), "SLACK_API_URL=" + slack.URL(),
		"OPENAI_BASE_URL=" + model.URL(), "AURORA_MODEL=simulated", "AURORA_DATA_DIR=" + dir,
		"AURORA_LISTEN=127.0.0.1:0", "AURORA_OPS_LISTEN=127.0.0.1:0"}, slack, dir
}

func TestDoctorMakesNothingByLooking(t *testing.T) {
	t.Parallel()
	environ, _, dir := healthy(t)
	call(t, environ, "doctor").ends(t, 0, "ok    settings", "ok    stores", "ok    slack", "ok    model", "serve will keep everything in "+dir,
		"workspace Nimbus", "aws: not installed", "Everything serve needs is there.")
	if _, err := os.Stat(filepath.Dir(dir)); err == nil {
		t.Error("doctor made a directory")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	call(t, environ, "doctor").ends(t, 0, "everything lies in "+dir)
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("doctor left %v, %v", left, err)
	}
}

func TestDoctorTellsAllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	environ, _, dir := healthy(t)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(rules, []byte("no: such: thing"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := call(t, append(environ, "SLACK_APP_TOKEN=xapp-unknown", "SLACK_BOT_TOKEN=xoxb-unknown", "AURORA_POLICY_FILE="+rules,
		"OPENAI_BASE_URL=http://127.0.0.1:1/v1", "AURORA_DEFAULT_ROLE=god"), "doctor")
	got.ends(t, 1, `AURORA_DEFAULT_ROLE is "god"`, "wrong policy: AURORA_POLICY_FILE", "chmod 700 "+dir, "wrong slack: SLACK_BOT_TOKEN: Slack does not know the token",
		"wrong slack: SLACK_APP_TOKEN: Slack does not know the token", "wrong model: the model's server cannot be reached", "thing(s) to mend")
}

func TestDoctorFindsTheAppTokenBad(t *testing.T) {
	t.Parallel()
	environ, slack, _ := healthy(t)
	slack.RevokeToken(slack.AppToken())
	call(t, environ, "doctor").ends(t, 1, "workspace Nimbus", "wrong slack: SLACK_APP_TOKEN: the token was revoked; install the app again", "1 thing(s) to mend")
}

func TestDoctorOnRealStores(t *testing.T) {
	t.Parallel()
	owner, serve := storetest.Postgres(t)
	vault, redis := storetest.Vault(t), storetest.Redis(t)
	environ, _, dir := healthy(t)
	environ = append(environ, "DATABASE_URL="+serve, "REDIS_URL="+redis.URL, "VAULT_ADDR="+vault.Addr, "VAULT_ROLE_ID="+vault.RoleID, "VAULT_SECRET_ID="+vault.SecretID)
	call(t, environ, "doctor").ends(t, 0, "ok    stores")
	if _, err := os.Stat(dir); err == nil {
		t.Error("doctor made a data directory nobody needs")
	}
	redis.Kill(t)
	vault.Seal(t)
	got := call(t, append(environ, "DATABASE_URL="+owner), "doctor")
	got.ends(t, 1, "wrong stores: DATABASE_URL", "owns the table audit", "run `aurora migrate`", "wrong stores: REDIS_URL: Redis cannot be used now", "wrong stores: VAULT_ADDR", "unseal it", "3 thing(s) to mend")
	if strings.Contains(got.out, redis.Password) {
		t.Error("the password is told")
	}
}

func TestRedisClientWritesIntoTheLog(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	redisLog([]string{"aurora", "--env-file", "x", "serve"}, &out)("connection lost")
	if !strings.Contains(out.String(), `"from":"redis client"`) || !strings.Contains(out.String(), "connection lost") {
		t.Errorf("serve logs %s", out.String())
	}
	out.Reset()
	redisLog([]string{"aurora", "doctor"}, &out)("connection lost")
	if out.Len() != 0 {
		t.Errorf("doctor shows %s", out.String())
	}
}
