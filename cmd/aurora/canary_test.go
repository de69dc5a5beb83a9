package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"aurora/bot/slack/slacksim"
	"aurora/providers/cloudsim"
	"aurora/store"
	"aurora/store/storetest"
	"aurora/store/vault"
)

const (
	maskedCanary  = "correct-horse-battery-staple" // in an instance's user data
	privateCanary = "GET /cart 500"                // in an object, for the asker alone
)

// TestCanariesAreNowhere runs Aurora for real (two processes, PostgreSQL, Redis, Vault, the real aws) through reads,
// errors, confirmations, a disconnect and kills of a CLI and of a process, and then searches all there is to search.
func TestCanariesAreNowhere(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of kills and takeovers")
	}
	needs(t, []string{"aws"})
	v := storetest.Vault(t)
	c := newCluster(t, clusterOptions{vault: v, direct: true, agent: true, path: os.Getenv("PATH"), slack: patientSlack()})
	h := &hunt{cluster: c, v: v, canaries: map[string]string{"a masked member": maskedCanary}}
	h.credentials()
	stop := h.watchCommandLines()
	h.live()
	stop()
	h.search()
}

// hunt looks for canaries.
type hunt struct {
	*cluster
	v        *storetest.VaultServer
	canaries map[string]string // what it is: the value

	mu    sync.Mutex
	lines map[string]bool // command lines seen
}

// credentials makes canaries of every secret that is in use.
func (h *hunt) credentials() {
	h.t.Helper()
	keep, err := vault.Open(h.t.Context(), vault.Config{Addr: h.v.Addr, RoleID: h.v.RoleID, SecretID: store.Secret(h.v.SecretID)})
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = keep.Close() }()
	for _, path := range h.column(`SELECT token FROM user_tokens`) {
		cred, _, err := keep.Get(h.t.Context(), strings.TrimPrefix(path, "vault:"))
		if err != nil {
			h.t.Fatal(err)
		}
		for name, value := range cred.Reveal() {
			switch name {
			case "access_token", "client_secret", "external_id", "refresh_token":
				h.canaries[name+" of "+path] = value
			}
		}
	}
	h.canaries["Aurora's own AWS key"] = h.sims.clouds.AWSKey().Secret
	h.canaries["Vault's secret id"] = h.v.SecretID
	h.canaries["the bot token"] = h.sims.slack.BotToken("")
	h.canaries["the app token"] = h.sims.slack.AppToken()
	if len(h.canaries) < 7 {
		h.t.Fatalf("there are few canaries: %d", len(h.canaries))
	}
}

// watchCommandLines samples what every process of the machine was started with.
func (h *hunt) watchCommandLines() (stop func()) {
	h.lines = map[string]bool{}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, f := range files {
				raw, _ := os.ReadFile(f)
				h.mu.Lock()
				h.lines[string(raw)] = true
				h.mu.Unlock()
			}
		}
	})
	return func() { close(done); wg.Wait() }
}

// live is a busy quarter of a minute.
func (h *hunt) live() {
	h.ask("run aws ec2 describe-instance-attribute --instance-id i-0a1b2c3d4e5f60001 --attribute userData", "[masked]")
	h.ask("run aws ec2 describe-instances --instance-ids i-0a1b2c3d4e5f60001", "checkout-web-1")
	h.ask("run aws ec2 describe-instances --instance-ids i-0123456789abcdef0", "failed")
	h.ask("run aws s3 cp s3://acme-prod-logs/2026/03/02/checkout.log -", privateCanary)
	h.ask("run tailscale device list", "laptop")
	h.ask("run tailscale device delete nHj9kP3CNTRL", "Confirm: delete in tailscale")
	h.click("confirm")
	h.sees("Confirmed by")
	h.killed(func() { h.killCLI() }, "failed")
	h.killed(func() { h.replicaOfCLI().kill() }, "describe-volumes")
	h.ask("disconnect aws", "disconnected")
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	h.settle(ctx)
}

// killed lets a command hang in the cloud, does harm, and waits for what is said in the end.
func (h *hunt) killed(harm func(), says string) {
	h.t.Helper()
	if err := h.sims.clouds.Inject(cloudsim.Fault{Action: "ec2:DescribeVolumes", Kind: cloudsim.FaultHoldBefore, Times: 1}); err != nil {
		h.t.Fatal(err)
	}
	ts, err := h.sims.slack.Say(people["ada"], rooms["ops"], "<@"+aurora+"> run aws ec2 describe-volumes")
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	if _, err := h.sims.clouds.WaitHeld(ctx, "ec2:DescribeVolumes"); err != nil {
		h.t.Fatal(err)
	}
	harm()
	h.sims.clouds.Release()
	err = h.sims.slack.Wait(ctx, func() bool {
		for _, m := range h.seen(ts) {
			if strings.Contains(m.Plain, says) && !strings.Contains(m.Plain, "Running") {
				return true
			}
		}
		return false
	})
	if err != nil {
		h.t.Fatalf("after harm nobody said %q: %v\n%s", says, err, h.dump())
	}
}

// cli finds the aws that hangs: the pid and its parents.
func (h *hunt) cli() (pid int, parents []int) {
	h.t.Helper()
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		raw, _ := os.ReadFile(f)
		if !bytes.Contains(raw, []byte("describe-volumes")) {
			continue
		}
		pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(f)))
		for at := pid; at > 1; {
			at = parentOf(at)
			parents = append(parents, at)
		}
		for _, r := range h.replicas {
			for _, p := range parents {
				if p == r.cmd.Process.Pid {
					return pid, parents
				}
			}
		}
		parents = nil
	}
	h.t.Fatal("the CLI does not run")
	return 0, nil
}

func parentOf(pid int) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

func (h *hunt) killCLI() {
	pid, _ := h.cli()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hunt) replicaOfCLI() *replica {
	_, parents := h.cli()
	for _, r := range h.replicas {
		for _, p := range parents {
			if p == r.cmd.Process.Pid {
				return r
			}
		}
	}
	h.t.Fatal("no process of ours runs the CLI")
	return nil
}

func (h *hunt) ask(text, says string) {
	h.t.Helper()
	if _, err := h.sims.slack.Say(people["ada"], rooms["ops"], "<@"+aurora+"> "+text); err != nil {
		h.t.Fatal(err)
	}
	h.sees(says)
}

func (h *hunt) sees(text string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	_, err := h.sims.slack.WaitMessage(ctx, people["ada"], rooms["ops"], func(m slacksim.Message) bool { return strings.Contains(m.Plain, text) })
	if err != nil {
		h.t.Fatalf("ada did not come to see %q: %v\n%s", text, err, h.dump())
	}
}

func (h *hunt) click(action string) {
	h.t.Helper()
	messages, err := h.sims.slack.Messages(people["ada"], rooms["ops"])
	if err != nil {
		h.t.Fatal(err)
	}
	for _, m := range messages {
		for _, b := range m.Buttons {
			if b.ActionID == action {
				if _, err := h.sims.slack.Click(people["ada"], rooms["ops"], m.TS, b.ActionID); err != nil {
					h.t.Fatal(err)
				}
				return
			}
		}
	}
	h.t.Fatalf("no button %s", action)
}

// search looks everywhere.
func (h *hunt) search() {
	places := map[string]string{"the logs": h.logs(), "PostgreSQL": h.tables(), "Redis": h.keys()}
	h.mu.Lock()
	for line := range h.lines {
		if !strings.Contains(line, "vault") { // the test's own server is started with its root token alone
			places["command lines"] += line + "\n"
		}
	}
	h.mu.Unlock()
	for _, r := range h.replicas {
		places["files of "+r.name] = filesBelow(h.t, r.cmd.Env)
	}
	for _, r := range h.sims.model.Requests() {
		places["the model"] += string(r.Body)
	}
	for _, call := range h.sims.slack.Calls("") {
		raw, _ := json.Marshal(call.Args)
		places["Slack"] += string(raw) + "\n"
	}
	messages, _ := h.sims.slack.Messages(people["ada"], rooms["ops"])
	for _, m := range messages {
		places["Slack"] += m.Plain + "\n"
	}
	for where, text := range places {
		for what, canary := range h.canaries {
			h.absent(where, text, what, canary)
		}
	}
	if !strings.Contains(places["command lines"], "describe-instances") || !strings.Contains(places["Slack"], privateCanary) || len(places["PostgreSQL"]) < 10_000 || len(places["Redis"]) < 500 {
		h.t.Errorf("the search saw little: %d bytes of tables, %d of keys", len(places["PostgreSQL"]), len(places["Redis"]))
	}
	seen, _ := h.sims.slack.Messages(people["ben"], rooms["ops"])
	for _, m := range seen {
		if strings.Contains(m.Plain, privateCanary) {
			h.t.Errorf("ben sees what is for ada alone: %s", m.Plain)
		}
	}
	h.absent("the logs", places["the logs"], "an output", privateCanary)
}

// absent fails when a text holds a canary in any of the forms it may be written in.
func (h *hunt) absent(where, text, what, canary string) {
	h.t.Helper()
	quoted, _ := json.Marshal(canary)
	forms := []string{canary, strings.Trim(string(quoted), `"`), url.QueryEscape(canary), hex.EncodeToString([]byte(canary))}
	for shift := range 3 {
		padded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), canary...))
		forms = append(forms, padded[4:len(padded)-4])
	}
	for _, form := range forms {
		if at := strings.Index(text, form); at >= 0 {
			h.t.Errorf("%s stands in %s: ...%q", what, where, text[max(0, at-120):at])
			return
		}
	}
}

// column reads the texts of a query's only column.
func (h *hunt) column(query string) (texts []string) {
	h.t.Helper()
	rows, err := h.raw.QueryContext(h.t.Context(), query)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			h.t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	return texts
}

// tables is every row of every table.
func (h *hunt) tables() string {
	h.t.Helper()
	var all strings.Builder
	for _, n := range h.column(`SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
		WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`) {
		all.WriteString(n + "\n" + strings.Join(h.column(`SELECT row_to_json(t)::text FROM `+n+` t`), "\n") + "\n")
	}
	return all.String()
}

// keys is every value in Redis, read by its type: a dump may be compressed.
func (h *hunt) keys() string {
	h.t.Helper()
	o, err := goredis.ParseURL(h.redisURL)
	if err != nil {
		h.t.Fatal(err)
	}
	client := goredis.NewClient(o)
	defer func() { _ = client.Close() }()
	ctx := h.t.Context()
	var all strings.Builder
	each := client.Scan(ctx, 0, "*", 100).Iterator()
	for each.Next(ctx) {
		k := each.Val()
		fmt.Fprintln(&all, k, client.Dump(ctx, k).Val(), client.Get(ctx, k).Val(), client.LRange(ctx, k, 0, -1).Val(),
			client.HGetAll(ctx, k).Val(), client.SMembers(ctx, k).Val(), client.ZRange(ctx, k, 0, -1).Val())
	}
	if err := each.Err(); err != nil {
		h.t.Fatal(err)
	}
	return all.String()
}

// filesBelow is what a replica left in its own directories.
func filesBelow(t testing.TB, environ []string) string {
	t.Helper()
	var all strings.Builder
	for _, v := range environ {
		dir, ok := strings.CutPrefix(v, "TMPDIR=")
		if !ok {
			continue
		}
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			raw, err := os.ReadFile(path)
			all.WriteString(path + "\n" + string(raw) + "\n")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}
