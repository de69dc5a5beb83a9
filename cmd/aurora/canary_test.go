package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"
	"aurora/providers"
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
	t.Parallel()
	if testing.Short() {
		t.Skip("a minute of kills and takeovers")
	}
	needs(t, []string{"aws"})
	v := storetest.Vault(t)
	c := newCluster(t, clusterOptions{vault: v, direct: true, agent: true, path: os.Getenv("PATH"), slack: patientSlack()})
	h := &hunt{cluster: c, v: v, canaries: canaries{"a masked member": maskedCanary}}
	h.credentials()
	stop := h.watchCommandLines()
	h.live()
	stop()
	h.search()
}

// canaries are secrets by what they are.
type canaries map[string]string

// addCredentials makes canaries of every secret in the credentials at these paths, written as in user_tokens.
func (c canaries) addCredentials(t testing.TB, keep providers.Credentials, paths []string) {
	t.Helper()
	for _, path := range paths {
		cred, _, err := keep.Get(t.Context(), strings.TrimPrefix(path, "vault:"))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range cred.Reveal() {
			switch name {
			case "access_token", "client_secret", "external_id", "refresh_token":
				c[name+" of "+path] = value
			}
		}
	}
}

// addSessions makes canaries of every key that the cloud has given out since.
func (c canaries) addSessions(t testing.TB, clouds *cloudsim.Server) {
	t.Helper()
	sessions := clouds.AWSSessions()
	if len(sessions) == 0 {
		t.Error("there was no session, so its keys were not looked for")
	}
	for _, key := range sessions {
		c["the secret of session "+key.ID], c["the token of session "+key.ID] = key.Secret, key.SessionToken
	}
}

// hunt looks for canaries.
type hunt struct {
	*cluster
	canaries canaries
	v        *storetest.VaultServer
	paths    []string // of the credentials, written as in user_tokens

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
	h.paths = h.column(`SELECT token FROM user_tokens`)
	h.canaries.addCredentials(h.t, keep, h.paths)
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

// live is a busy minute and a half.
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
	h.hangs()
	h.ask("disconnect aws", "Disconnect aws")
	h.click("disconnect")
	h.sees("is disconnected")
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	h.settle(ctx)
}

// hangs lets a command run out of its time.
func (h *hunt) hangs() {
	h.t.Helper()
	if err := h.sims.clouds.Inject(cloudsim.Fault{Action: "ec2:DescribeVolumes", Kind: cloudsim.FaultHoldBefore, Times: 1}); err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.sims.slack.Say(people["ada"], rooms["ops"], "<@"+aurora+"> run aws ec2 describe-volumes"); err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), time.Minute+patience)
	defer cancel()
	_, err := h.sims.slack.WaitMessage(ctx, people["ada"], rooms["ops"], func(m slacksim.Message) bool { return strings.Contains(m.Plain, "It took longer than") })
	if err != nil {
		h.t.Fatalf("a command that hangs was not ended: %v\n%s", err, h.dump())
	}
	h.sims.clouds.Release()
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
