package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/agent"
	"aurora/providers"
	"aurora/providers/policy"
	"aurora/store"
	"aurora/store/redis"
	"aurora/store/sql"
)

// room is a chat platform in memory. Its hooks change what it does.
type room struct {
	mu       sync.Mutex
	n        int
	said     map[string]Message // by ts
	order    []string
	whispers []Message
	shared   bool
	audience Audience // besides shared
	crowd    string   // besides those who were there from the beginning
	kind     Kind
	thread   []Said // what stands in it above any message
	onPost   func(m Message) error
	onUpdate func(ts string) error
	onFind   func() (string, error)
	deaf     bool // nothing can be whispered
}

func (r *room) Post(_ context.Context, _ store.Place, m Message, _ Meta) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.onPost != nil {
		if err := r.onPost(m); err != nil {
			return "", err
		}
	}
	r.n++
	ts := fmt.Sprintf("9.%06d", r.n)
	r.said[ts], r.order = m, append(r.order, ts)
	return ts, nil
}

func (r *room) Update(_ context.Context, _ store.Place, ts string, m Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.onUpdate != nil {
		if err := r.onUpdate(ts); err != nil {
			return err
		}
	}
	r.said[ts] = m
	return nil
}

func (r *room) Whisper(_ context.Context, _ store.Place, m Message, _ store.Secret) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deaf {
		return ErrUndeliverable
	}
	r.whispers = append(r.whispers, m)
	return nil
}

func (r *room) Find(context.Context, store.Place, Meta) (string, error) {
	if r.onFind != nil {
		return r.onFind()
	}
	return "", store.ErrNotFound
}

func (r *room) Profile(_ context.Context, _ string, p store.Person) (Profile, error) {
	return Profile{Kind: r.kind, Name: p.ID}, nil
}

func (r *room) Audience(context.Context, store.Place) (Audience, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.audience
	a.Shared = a.Shared || r.shared || a.Guests || a.Others
	a.Crowd = "U1,U2" + r.crowd
	return a, nil
}

func (r *room) Split(m Message) []Message { return []Message{m} }

func (r *room) History(context.Context, store.Place, string, int) ([]Said, error) {
	return slices.Clone(r.thread), nil
}

// words are all that was said in the open, in the order it was first said.
func (r *room) words() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, ts := range r.order {
		m := r.said[ts]
		all = append(all, strings.TrimSpace(m.Status+m.Notice+m.Text))
	}
	return all
}

// last is the card that was posted last, with its ts.
func (r *room) last(t *testing.T) (string, Message) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, ts := range slices.Backward(r.order) {
		if r.said[ts].Card != nil {
			return ts, r.said[ts]
		}
	}
	t.Fatal("no card was posted")
	return "", Message{}
}

// mind answers every ask with what it is told to.
type mind struct{ answer func(agent.Turn) agent.Final }

func (m mind) Run(_ context.Context, t agent.Turn, _ agent.Journal) iter.Seq2[agent.Event, error] {
	return func(yield func(agent.Event, error) bool) { yield(m.answer(t), nil) }
}

// office is a desk on an embedded database and an embedded Redis.
type office struct {
	*Desk
	t      *testing.T
	db     *sql.DB
	mem    *redis.DB
	room   *room
	intake *Intake
	n      int
}

// hands is an executor that proposes whatever it is asked.
type hands struct {
	run func(providers.Ask) providers.Result
}

func (h hands) Judge(context.Context, providers.Ask) providers.Prepared { return providers.Prepared{} }
func (h hands) Run(_ context.Context, ask providers.Ask) providers.Result {
	return h.run(ask)
}
func (h hands) RunConfirmed(_ context.Context, _ providers.Caller, conf store.Confirmation, i int) providers.Result {
	return providers.Result{Status: providers.StatusOK, Output: "done", Cloud: conf.Cloud, Argv: conf.Commands[i].Argv}
}
func (h hands) Recall(i store.Intent) providers.Result {
	var r providers.Result
	if json.Unmarshal(i.Outcome, &r) != nil || r.Status == "" {
		return providers.Result{Code: providers.CodeLost, Error: "Nobody knows how it ended.", Cloud: i.Cloud, Argv: i.Argv}
	}
	return r
}

type asIs struct{}

func (asIs) Clean(text string) (string, int) { return text, 0 }

func newOffice(t *testing.T) *office {
	t.Helper()
	db, err := sql.Open(t.Context(), sql.Config{URL: filepath.Join(t.TempDir(), "aurora.db"), Runner: "r1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	mem, err := redis.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mem.Close() })
	engine, err := policy.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &room{said: map[string]Message{}, kind: Member}
	d := &Desk{
		Stores: Stores{Rows: db, Turns: db, Outbox: db, Offers: db, Standing: db, Users: db, Preferences: db, Connections: db, Freezer: db, Audit: db,
			ChannelRules: db, Asked: db, Begun: db, Journal: db, Stopper: db, Inbox: db, Modes: mem, Tickets: mem, Confirmations: mem, Waiting: mem, Allowances: mem},
		Chats:  map[store.Platform]Platform{store.Slack: {Chat: r, Directory: r, Splitter: r}},
		Agent:  mind{func(agent.Turn) agent.Final { return agent.Final{Text: "the answer", State: store.TurnDone} }},
		Policy: engine, Clean: asIs{}, Memory: agent.Memory{Keep: mem}, Executor: hands{propose},
		Settings: Settings{DefaultRole: store.Operator, Admins: map[store.Person]bool{person("UADMIN"): true}},
	}
	return &office{Desk: d, t: t, db: db, mem: mem, room: r, intake: &Intake{Inbox: db, Clean: asIs{}, Hurry: d.Hurry}}
}

func person(id string) store.Person { return store.Person{Platform: store.Slack, Team: "T1", ID: id} }

// propose asks for a click for whatever it is given.
func propose(ask providers.Ask) providers.Result {
	argv := strings.Fields(ask.Line)
	conf := &store.Confirmation{
		ID: providers.ConfirmationID(ask), OrgID: ask.Caller.Org.ID, UserID: ask.Caller.User.ID, Asker: ask.Caller.Person, Thread: ask.Caller.Thread,
		Turn: ask.Turn, Step: ask.Step, Call: ask.Call, Place: ask.Caller.Place, Mode: store.Agent, Cloud: store.AWS, ConnectionID: "con_1", Account: "111",
		Commands: []store.Planned{{Argv: argv, Effect: "delete", Touches: []string{"web-1 (production)"}}}, Typed: true,
		AskedAt: time.Now().UTC(), Expires: time.Now().UTC().Add(10 * time.Minute), State: store.ConfirmationPending,
	}
	return providers.Result{Argv: argv, Cloud: store.AWS, Effect: "delete", Proposal: conf}
}

// say brings a mention in and works on it as a replica would.
func (o *office) say(who, text string) (ts string) {
	o.t.Helper()
	ts = o.put(who, text)
	if err := o.work(); err != nil {
		o.t.Fatal(err)
	}
	return ts
}

func (o *office) put(who, text string) (ts string) {
	o.t.Helper()
	o.n++
	ts = fmt.Sprintf("1.%06d", o.n)
	e := store.Event{Key: "ev:T1:" + ts, MessageKey: "msg:T1:C1:" + ts, Kind: store.EventMention, Thread: "T1:C1:" + ts, Person: person(who),
		Place: store.Place{Platform: store.Slack, Team: "T1", Channel: "C1", Thread: ts}, Text: text, At: time.Now()}
	if _, err := o.intake.Receive(o.t.Context(), e, MentionPayload{TS: ts}); err != nil {
		o.t.Fatal(err)
	}
	return ts
}

func (o *office) click(who, action, cardTS, nonce string) {
	o.t.Helper()
	o.n++
	hash := store.HashNonce(nonce)
	e := store.Event{Key: fmt.Sprintf("act:T1:C1:%s:%s:%s:%d", cardTS, who, action, o.n), Kind: store.EventClick, Thread: "click:" + hash, Person: person(who),
		Place: store.Place{Platform: store.Slack, Team: "T1", Channel: "C1"}, At: time.Now()}
	if _, err := o.intake.Receive(o.t.Context(), e, ClickPayload{Action: action, NonceHash: hash, MessageTS: cardTS}); err != nil {
		o.t.Fatal(err)
	}
	if err := o.work(); err != nil {
		o.t.Fatal(err)
	}
}

// work does all that is due, and gives the first error of a thread, which is put off.
func (o *office) work() (failed error) {
	o.t.Helper()
	for {
		claim, err := o.db.Claim(o.t.Context(), "r1")
		if err != nil {
			return failed
		}
		err = o.Work(o.t.Context(), claim)
		if err == nil {
			err = o.db.Release(o.t.Context(), claim)
		} else if later := o.db.Postpone(o.t.Context(), claim, time.Hour); later != nil {
			o.t.Fatal(later)
		}
		if failed == nil {
			failed = err
		}
	}
}

func (o *office) audited(kind store.AuditKind) (n int) {
	o.t.Helper()
	for e, err := range o.db.AuditWalk(o.t.Context(), 1) {
		if err != nil {
			o.t.Fatal(err)
		}
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func raw(v any) json.RawMessage { return detail(v) }
