package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

// board is a room that keeps every edit with its time.
type board struct {
	room
	mu    sync.Mutex
	began time.Time
	edits []Message
	at    []time.Duration
	fail  []error
	broke bool // drawing panics
}

func (b *board) Update(_ context.Context, _ store.Place, _ string, m Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broke {
		panic(m.Draft)
	}
	if len(b.fail) > 0 {
		err := b.fail[0]
		b.fail = b.fail[1:]
		return err
	}
	if m.Readers == nil && (len(m.Running) > 0 || m.Draft != "") {
		return fmt.Errorf("what a command says was sent without saying who may read it: %+v", m)
	}
	m.Readers = nil
	b.edits, b.at = append(b.edits, m), append(b.at, time.Since(b.began))
	return nil
}

// slots says where messages stand.
type slots struct {
	Standing
	ts map[int]string
}

func (s slots) PostTS(_ context.Context, _ string, part int) (store.Place, string, error) {
	ts, ok := s.ts[part]
	if !ok {
		return store.Place{}, "", store.ErrNotFound
	}
	return store.Place{Platform: store.Slack, Channel: "C1", Thread: "1.1"}, ts, nil
}

// watched runs a script against a progress in a bubble of fake time.
func watched(t *testing.T, script func(p *progress, b *board, standing slots)) (edits []Message, at []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b, standing := &board{began: time.Now()}, slots{ts: map[int]string{partPlaceholder: "9.1"}}
		d := &Desk{Chats: map[store.Platform]Platform{store.Slack: {Chat: b, Directory: b}}}
		d.Standing = standing
		r := &report{asked: asked{turn: store.Turn{ID: "turn_1"}}}
		p := d.progress(t.Context(), r)
		script(p, b, standing)
		p.end()
		edits, at = b.edits, b.at
	})
	return edits, at
}

func started(id string, private bool, argv ...string) agent.CallStarted {
	return agent.CallStarted{Call: agent.Call{ID: id}, Ask: providers.Ask{Cloud: store.AWS}, Shown: argv, Accounts: []string{"prod"}, Private: private}
}

// A draft that breaks whoever draws it ends the telling and nothing else.
func TestDraftThatBreaksTheAdapterEndsNothing(t *testing.T) {
	t.Parallel()
	edits, _ := watched(t, func(p *progress, b *board, _ slots) {
		b.broke = true
		p.see(agent.Drafted{Text: "hostile"})
		time.Sleep(10 * time.Second)
		p.see(agent.Drafted{Text: "hostile, and more"})
	})
	if len(edits) != 0 {
		t.Errorf("it was shown: %+v", edits)
	}
}

func TestCommandsAreShownWhileTheyRun(t *testing.T) {
	t.Parallel()
	edits, at := watched(t, func(p *progress, _ *board, _ slots) {
		time.Sleep(time.Second)
		p.see(started("a", false, "aws", "s3", "ls"))
		time.Sleep(time.Second)
		p.see(started("b", false, "aws", "ec2", "describe-instances"))
		time.Sleep(3 * time.Second)
		p.see(agent.CallDone{Call: agent.Call{ID: "a"}})
		time.Sleep(10 * time.Second)
		p.see(agent.CallDone{Call: agent.Call{ID: "b"}})
		time.Sleep(4 * time.Second)
	})
	line := func(s int, argv ...string) Running {
		return Running{Argv: argv, Cloud: store.AWS, Accounts: []string{"prod"}, For: time.Duration(s) * time.Second}
	}
	want := []Message{
		{Status: "Running 2 commands on aws …", Running: []Running{line(2, "aws", "s3", "ls"), line(1, "aws", "ec2", "describe-instances")}},
		{Status: "Running a command on aws …", Running: []Running{line(4, "aws", "ec2", "describe-instances")}},
		{Status: "Thinking …"},
	}
	edits = slices.DeleteFunc(edits, func(m Message) bool { return len(m.Running) == 1 && m.Running[0].For > 5*time.Second }) // refreshed
	if diff := cmp.Diff(want, edits); diff != "" {
		t.Errorf("want - got + (at %v)\n%s", at, diff)
	}
	for i := 1; i < len(at); i++ {
		if at[i]-at[i-1] < progressEvery {
			t.Errorf("edits at %v", at)
		}
	}
}

func TestLongCommandSaysHowLongItRuns(t *testing.T) {
	t.Parallel()
	edits, at := watched(t, func(p *progress, _ *board, _ slots) {
		p.see(started("a", false, "aws", "s3", "ls"))
		time.Sleep(35 * time.Second)
	})
	var lasted []time.Duration
	for _, m := range edits {
		lasted = append(lasted, m.Running[0].For)
	}
	if diff := cmp.Diff([]time.Duration{3 * time.Second, 13 * time.Second, 23 * time.Second, 33 * time.Second}, lasted); diff != "" {
		t.Errorf("at %v: %s", at, diff)
	}
}

func TestDraftGrowsAndIsTakenBack(t *testing.T) {
	t.Parallel()
	edits, _ := watched(t, func(p *progress, _ *board, _ slots) {
		for _, text := range []string{"one\n", "one\ntwo\n", "one\ntwo\nthree\n", "one\ntwo\nthree\nfour\n"} {
			p.see(agent.Drafted{Text: text})
			time.Sleep(1900 * time.Millisecond)
		}
		p.see(agent.Drafted{})
		p.see(started("a", false, "aws", "s3", "ls"))
		time.Sleep(4 * time.Second)
	})
	var got []string
	for _, m := range edits {
		got = append(got, m.Draft)
	}
	if diff := cmp.Diff([]string{"one\ntwo\n", "one\ntwo\nthree\nfour\n", ""}, got[:3]); diff != "" {
		t.Error(diff)
	}
}

// TestOutsidersReadNothingOnTheWay: who reads is asked before each edit, and what is for the asker alone is named nowhere.
func TestOutsidersReadNothingOnTheWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script func(p *progress, b *board)
		want   []Message
	}{
		"from the beginning": {func(p *progress, b *board) {
			b.shared = true
			p.see(started("a", false, "aws", "secret-canary"))
			time.Sleep(4 * time.Second)
			p.see(agent.Drafted{Text: "secret-canary\n"})
		}, []Message{{Status: working}}},
		"a guest joins meanwhile": {func(p *progress, b *board) {
			p.see(agent.Drafted{Text: "open\n"})
			time.Sleep(4 * time.Second)
			b.room.mu.Lock()
			b.shared = true
			b.room.mu.Unlock()
			p.see(agent.Drafted{Text: "open\nsecret-canary\n"})
		}, []Message{{Status: "Writing the answer …", Draft: "open\n"}, {Status: working}}},
		"data was read": {func(p *progress, _ *board) {
			p.see(started("a", true, "aws", "secret-canary"))
			time.Sleep(4 * time.Second)
			p.see(agent.CallDone{Call: agent.Call{ID: "a"}})
			p.see(agent.Drafted{Text: "secret-canary\n", Private: true})
		}, []Message{{Status: "Running a command on aws …", Running: []Running{{Cloud: store.AWS, For: 3 * time.Second}}}, {Status: "Thinking …"}}},
		"data was read in a DM": {func(p *progress, _ *board) {
			p.alone = true
			p.see(agent.Drafted{Text: "for you\n", Private: true})
		}, []Message{{Status: "Writing the answer …", Draft: "for you\n"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edits, _ := watched(t, func(p *progress, b *board, _ slots) {
				c.script(p, b)
				time.Sleep(8 * time.Second)
			})
			if diff := cmp.Diff(c.want, edits); diff != "" {
				t.Errorf("want - got +\n%s", diff)
			}
		})
	}
}

// TestProgressEndsWithTheAnswer: nothing is written over an answer, be it one of this process or of another that took the
// turn over while this one stood still.
func TestProgressEndsWithTheAnswer(t *testing.T) {
	t.Parallel()
	edits, _ := watched(t, func(p *progress, _ *board, standing slots) {
		time.Sleep(time.Second)
		synctest.Wait()
		standing.ts[partAnswer] = "9.1"
		p.see(started("a", false, "aws", "s3", "ls"))
		time.Sleep(20 * time.Second)
	})
	if len(edits) > 0 {
		t.Errorf("edited: %+v", edits)
	}
	edits, _ = watched(t, func(p *progress, _ *board, _ slots) {
		p.see(started("a", false, "aws", "s3", "ls"))
		time.Sleep(time.Second)
		p.end()
		time.Sleep(20 * time.Second)
	})
	if len(edits) > 0 {
		t.Errorf("edited after the end: %+v", edits)
	}
}

// TestReplayedCommandsAreNotShownAgain: after a takeover the journal comes first, and what is in it does not run.
func TestReplayedCommandsAreNotShownAgain(t *testing.T) {
	t.Parallel()
	edits, _ := watched(t, func(p *progress, _ *board, _ slots) {
		old := started("a", false, "aws", "s3", "ls")
		old.Replayed = true
		p.see(old)
		p.see(agent.CallDone{Call: agent.Call{ID: "a"}, Replayed: true})
		p.see(started("b", false, "aws", "s3", "ls"))
		time.Sleep(4 * time.Second)
	})
	if len(edits) != 1 || len(edits[0].Running) != 1 {
		t.Errorf("edited: %+v", edits)
	}
}

func TestProgressWaitsWhenAskedToAndGivesUpWhenRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail []error
		want []time.Duration
	}{
		"later":   {[]error{&Later{After: 20 * time.Second}}, []time.Duration{23 * time.Second}},
		"refused": {[]error{ErrUndeliverable}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, at := watched(t, func(p *progress, b *board, _ slots) {
				b.fail = c.fail
				p.see(started("a", false, "aws", "s3", "ls"))
				time.Sleep(2 * time.Second)
				p.see(agent.Drafted{Text: "x\n"})
				time.Sleep(3 * time.Second)
				p.see(agent.CallDone{Call: agent.Call{ID: "a"}})
				time.Sleep(20 * time.Second)
			})
			if diff := cmp.Diff(c.want, at); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEndOfALongDraft(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä line\n", mostDraft/7) + "\nlast paragraph\n" + strings.Repeat("x\n", 100)
	if got := endOf(long); !strings.HasPrefix(got, "…\n\nlast paragraph\n") {
		t.Errorf("it begins with %.40q", got)
	}
	if got := endOf("short\n"); got != "short\n" {
		t.Errorf("got %q", got)
	}
}
