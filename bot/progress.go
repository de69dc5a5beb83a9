package bot

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"aurora/agent"
	"aurora/providers"
	"aurora/store"
)

const (
	progressEvery = 3 * time.Second  // how often a placeholder is edited at most; Slack asks for about that
	refreshEvery  = 10 * time.Second // how often it is edited only to say how long a command has been running
	mostShownCmds = 8                // commands that are named; of more only the number is told
	mostDraft     = 6000             // characters of a draft; of a longer one the end is shown
)

// working is the word on progress that gives nothing away.
const working = "Working on it …"

// progress keeps a placeholder telling what goes on: each command that runs, and the answer as it grows. It is a
// courtesy: what it says is kept nowhere, so a takeover begins anew, and a platform that does not take it is not asked
// again. Who reads there is looked at before each edit.
type progress struct {
	desk  *Desk
	turn  string
	place store.Place
	ts    string
	alone bool // the asker is alone with Aurora: what is for him alone may be shown

	mu      sync.Mutex
	running []underway
	draft   agent.Drafted
	ran     int
	changed chan struct{} // holds one

	done chan struct{}
	busy sync.WaitGroup
	over sync.Once
}

// underway is a command that runs.
type underway struct {
	call    string
	private bool
	since   time.Time
	Running
}

// progress begins to tell about a turn, where it has a placeholder. end must be called.
func (d *Desk) progress(ctx context.Context, r *report) *progress {
	p := &progress{desk: d, turn: r.turn.ID, alone: r.caller.Direct, changed: make(chan struct{}, 1), done: make(chan struct{})}
	place, ts, err := d.Standing.PostTS(ctx, r.turn.ID, partPlaceholder)
	if err != nil || ts == "" {
		return p
	}
	p.place, p.ts = place, ts
	p.busy.Go(func() { p.guarded(ctx) })
	return p
}

// end waits for the edit under way, so that none lands after the answer.
func (p *progress) end() {
	p.over.Do(func() { close(p.done) })
	p.busy.Wait()
}

// see takes note of what happens.
func (p *progress) see(e agent.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := e.(type) {
	case agent.CallStarted:
		if len(e.Shown) == 0 || e.Replayed {
			return
		}
		p.draft = agent.Drafted{}
		p.running = append(p.running, underway{call: e.Call.ID, private: e.Private, since: time.Now(),
			Running: Running{Argv: e.Shown, Cloud: cloudOf(e), Accounts: e.Accounts}})
	case agent.CallDone:
		p.running = slices.DeleteFunc(p.running, func(u underway) bool { return u.call == e.Call.ID })
		p.ran++
	case agent.Drafted:
		p.draft = e
	default:
		return
	}
	p.ring()
}

// ring says that there is news.
func (p *progress) ring() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

func cloudOf(e agent.CallStarted) store.Cloud {
	if e.Ask.Cloud != "" {
		return e.Ask.Cloud
	}
	cloud, _ := providers.CloudOf(e.Shown[0])
	return cloud
}

// guarded is tell, whose panic ends no more than the telling: nobody else's work may end with it.
func (p *progress) guarded(ctx context.Context) {
	defer func() {
		if r := recover(); r != nil {
			logPanic(ctx, r)
		}
	}()
	p.tell(ctx)
}

// tell edits the placeholder until the turn is over or the platform does not take it.
func (p *progress) tell(ctx context.Context) {
	gap := time.NewTimer(progressEvery)
	defer gap.Stop()
	var last Message
	for {
		select {
		case <-p.done:
			return
		case <-ctx.Done():
			return
		case <-gap.C:
		}
		if !p.await(ctx) || p.answered(ctx) {
			return
		}
		next := progressEvery
		looked := time.Now()
		inHouse := p.desk.inHouse(ctx, p.place)
		m := p.message(inHouse, time.Now())
		if !reflect.DeepEqual(m, last) {
			said := m
			if inHouse {
				said.Readers = &Readers{Seen: looked}
			}
			err := p.desk.Chats[p.place.Platform].Chat.Update(ctx, p.place, p.ts, said)
			later, asked := errors.AsType[*Later](err)
			if err != nil && !asked {
				return
			}
			if last = m; asked {
				last, next = Message{}, max(next, later.After)
				p.ring()
			}
		}
		gap.Reset(next)
	}
}

// await waits for news, or until what runs has run for a while longer; false when the turn is over.
func (p *progress) await(ctx context.Context) bool {
	p.mu.Lock()
	var refresh <-chan time.Time
	if len(p.running) > 0 {
		timer := time.NewTimer(refreshEvery - progressEvery)
		defer timer.Stop()
		refresh = timer.C
	}
	p.mu.Unlock()
	select {
	case <-p.done:
		return false
	case <-ctx.Done():
		return false
	case <-p.changed:
	case <-refresh:
	}
	return true
}

// answered tells whether the placeholder is the answer by now: another process may have taken the turn over from one that
// stood still, and that one must not write over it.
func (p *progress) answered(ctx context.Context) bool {
	_, _, err := p.desk.Standing.PostTS(ctx, p.turn, partAnswer)
	return !errors.Is(err, store.ErrNotFound)
}

// message says what goes on. Where outsiders read it says nothing but that; what the asker alone may know is not named
// where others read.
func (p *progress) message(inHouse bool, now time.Time) Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !inHouse:
		return Message{Status: working}
	case len(p.running) > 0:
		return Message{Status: p.doing(), Running: p.commands(now)}
	case p.draft.Text != "" && (p.alone || !p.draft.Private):
		return Message{Status: "Writing the answer …", Draft: endOf(p.draft.Text)}
	case p.ran > 0:
		return Message{Status: "Thinking …"}
	}
	return Message{Status: working}
}

// doing says in one line what goes on: it holds no word of a command.
func (p *progress) doing() string {
	var clouds []string
	for _, u := range p.running {
		if name := string(u.Cloud); name != "" && !slices.Contains(clouds, name) {
			clouds = append(clouds, name)
		}
	}
	where := ""
	if len(clouds) > 0 {
		where = " on " + strings.Join(clouds, ", ")
	}
	if len(p.running) == 1 {
		return "Running a command" + where + " …"
	}
	return fmt.Sprintf("Running %d commands%s …", len(p.running), where)
}

func (p *progress) commands(now time.Time) []Running {
	var lines []Running
	for _, u := range p.running[:min(len(p.running), mostShownCmds)] {
		line := u.Running
		if u.private && !p.alone {
			line = Running{Cloud: u.Cloud}
		}
		line.For = now.Sub(u.since).Round(time.Second)
		lines = append(lines, line)
	}
	return lines
}

// endOf gives the end of a draft that is too long to be shown, from the beginning of a paragraph.
func endOf(text string) string {
	all := []rune(text)
	if len(all) <= mostDraft {
		return text
	}
	end := string(all[len(all)-mostDraft:])
	if _, after, ok := strings.Cut(end, "\n\n"); ok {
		end = after
	}
	return "…\n\n" + end
}
