package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/agent"
	"aurora/bot"
	"aurora/providers"
	"aurora/providers/policy"
	"aurora/store"
	"aurora/store/redis"
	"aurora/store/sealed"
	"aurora/store/sql"
)

// stage is the whole of Aurora between its doors: the real desk, agent loop, executor, policy and stores. The test plays
// the people and the model; the room keeps what is said, the ledger what is started. One event at a time is worked on.
type stage struct {
	t      *testing.T
	stores *stores
	desk   *bot.Desk
	intake *bot.Intake
	room   *room
	ledger *ledger
	log    *safeBuffer
	dir    string
	org    store.Organisation
	users  map[string]store.User
	events int
}

// stageOptions is how a stage differs from another.
type stageOptions struct {
	redisURL    string
	model       agent.Model
	rules       []byte
	confirmWait time.Duration
	play        func(started) providers.Output // what a started command prints
}

const (
	stageTeam = "T1"
	inHouse   = "C0HOUSE"  // members alone read there
	shared    = "C0SHARED" // people of other organisations do too
)

// cast are the people of a stage with their roles; guests and strangers are known to the room alone.
var cast = map[string]store.Role{"ada": store.Operator, "ben": store.Operator, "otto": store.Approver, "vera": store.Viewer, "chloe": store.Admin}

func person(name string) store.Person {
	return store.Person{Platform: store.Slack, Team: stageTeam, ID: name}
}

func newStage(t *testing.T, o stageOptions) *stage {
	t.Helper()
	s := &stage{t: t, log: &safeBuffer{}, dir: stageDir(t), room: newRoom(), users: map[string]store.User{}}
	s.open(o)
	s.wire(o)
	s.admit()
	return s
}

// stageDir is in memory where that can be had: every event is several synchronous commits.
func stageDir(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "aurora-stage-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func (s *stage) open(o stageOptions) {
	s.t.Helper()
	ctx := s.t.Context()
	s.stores = &stores{runner: "stage"}
	s.t.Cleanup(s.stores.close)
	keeper, err := sealed.Open(sealed.Config{Dir: s.dir})
	s.must(err)
	s.stores.keeper = keeper
	file := filepath.Join(s.dir, "aurora.db")
	_, err = sql.Migrate(ctx, file, "")
	s.must(err)
	s.stores.sql, err = sql.Open(ctx, sql.Config{URL: file, Runner: "stage"})
	s.must(err)
	s.stores.redis, err = redis.Open(ctx, o.redisURL)
	s.must(err)
}

// wire does what app.wire does, with the room as the platform and the ledger in place of the clouds.
func (s *stage) wire(o stageOptions) {
	s.t.Helper()
	var rules *policy.Rules
	if o.rules != nil {
		var err error
		rules, err = policy.LoadRules(o.rules)
		s.must(err)
	}
	engine, err := policy.New(rules)
	s.must(err)
	db, mem := s.stores.sql, s.stores.redis
	s.ledger = &ledger{DB: db, play: o.play, open: map[string][]store.Intent{}}
	direct := map[store.Cloud]providers.Direct{}
	for _, cloud := range store.Clouds() {
		direct[cloud] = s.ledger
	}
	executor, err := providers.New(providers.Config{
		Policy: engine, Connections: db, Credentials: s.stores.keeper, Intents: s.ledger, Auditor: db, Runner: "stage",
		Direct: direct, Redact: providers.NewRedactor(), ConfirmWait: o.confirmWait,
	})
	s.must(err)
	s.desk = &bot.Desk{
		Stores: bot.Stores{
			Rows: db, Turns: db, Outbox: db, Offers: db, Standing: db, Users: db, Preferences: db, Connections: db, Grants: db, Freezer: db, Audit: db,
			ChannelRules: db, Asked: db, Begun: db, Journal: db, Stopper: db, Inbox: db, Departures: db, Belongings: db, Sessions: mem,
			Modes: mem, Tickets: mem, Confirmations: mem, Waiting: mem, Allowances: mem,
		},
		Memory:   agent.Memory{Keep: mem},
		Executor: executor, Policy: engine, Clean: cleaner(providers.NewRedactor().Overheard), Settings: bot.Settings{DefaultRole: store.Viewer},
		Chats: map[store.Platform]bot.Platform{store.Slack: {Chat: s.room, Directory: s.room, Splitter: s.room}},
		Agent: &agent.Loop{
			Model: o.model, Memory: agent.Memory{Keep: mem},
			Runner: bot.Permissive{Executor: executor, Policy: engine, Allowances: mem},
		},
	}
	s.intake = &bot.Intake{Inbox: db, Clean: cleaner(providers.NewRedactor().Typed)}
}

func (s *stage) admit() {
	s.t.Helper()
	var err error
	s.org, err = s.stores.sql.EnsureOrganisation(s.t.Context(), store.Slack, stageTeam, "stage")
	s.must(err)
	for name, role := range cast {
		s.users[name], _, err = s.stores.sql.EnsureUser(s.t.Context(), s.org, person(name), role)
		s.must(err)
	}
}

// connect links an account; owner is empty for the organisation's.
func (s *stage) connect(owner string, c store.Connection, secret string) store.Connection {
	s.t.Helper()
	c.OrgID, c.Status = s.org.ID, store.ConnectionActive
	if owner != "" {
		c.UserID = s.users[owner].ID
	}
	path := store.CredentialPath(c.OrgID, c.UserID, c.Cloud, c.Account, false)
	_, err := s.stores.keeper.Put(s.t.Context(), path, store.NewCredential(map[string]string{"access_token": secret}), 0)
	s.must(err)
	c.Token = "vault:" + path
	kept, err := s.stores.sql.Connect(s.t.Context(), c, person("chloe"))
	s.must(err)
	return kept
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) stamp() string {
	s.events++
	return fmt.Sprintf("%d.%06d", time.Now().Unix(), s.events)
}

// say lets somebody write a message to Aurora and gives the thread's ts. thread is empty for a message of its own.
func (s *stage) say(who store.Person, channel, thread, text string) string {
	s.t.Helper()
	ts := s.stamp()
	root := thread
	if root == "" {
		root = ts
	}
	place := store.Place{Platform: store.Slack, Team: stageTeam, Channel: channel, Thread: root}
	s.receive(store.Event{
		Key: "ev:" + ts, MessageKey: "msg:" + channel + ":" + ts, Kind: store.EventMention, Thread: threadKey(channel, root),
		Person: who, Place: place, Text: text, At: time.Now(),
	}, bot.MentionPayload{TS: ts, Direct: strings.HasPrefix(channel, "D"), InThread: thread != ""})
	return root
}

func threadKey(channel, root string) string { return stageTeam + ":" + channel + ":" + root }

// press is a button pressed on a message. The same stamp is the same press, delivered again.
func (s *stage) press(who store.Person, channel, ts string, b bot.Button, stamp string) {
	s.t.Helper()
	hash := store.HashNonce(b.Value)
	s.receive(store.Event{
		Key: strings.Join([]string{"act", stageTeam, channel, ts, who.ID, b.Action, stamp}, ":"), Kind: store.EventClick,
		Thread: "click:" + hash[:32], Person: who, At: time.Now(),
		Place: store.Place{Platform: store.Slack, Team: stageTeam, Channel: channel},
	}, bot.ClickPayload{Action: b.Action, NonceHash: hash, MessageTS: ts})
}

func (s *stage) receive(e store.Event, payload any) {
	s.t.Helper()
	_, err := s.intake.Receive(s.t.Context(), e, payload)
	s.must(err)
	s.work()
}

// work does everything that is open, as a worker would, and returns when nothing is left.
func (s *stage) work() {
	s.t.Helper()
	log := newLogger(s.log)
	ctx := log.WithContext(s.t.Context())
	for {
		claim, err := s.stores.sql.Claim(ctx, "stage")
		if errors.Is(err, store.ErrNotFound) {
			return
		}
		s.must(err)
		s.must(s.desk.Work(ctx, claim))
		s.must(s.stores.sql.Release(ctx, claim))
	}
}

// started is one command that was started.
type started struct {
	argv   []string
	ask    providers.SessionAsk
	intent store.Intent
	at     time.Time
}

// ledger stands between the executor and the clouds: it notes every command that is started, with the intent that was
// written for it, and answers in the cloud's place.
type ledger struct {
	*sql.DB
	play func(started) providers.Output

	mu   sync.Mutex
	open map[string][]store.Intent // noted, not started yet
	runs []started
	bad  []string
}

// BeginIntent passes on, and remembers what may start now.
func (l *ledger) BeginIntent(ctx context.Context, i store.Intent) (*store.Intent, error) {
	existing, err := l.DB.BeginIntent(ctx, i)
	if existing == nil && err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		key := intentKey(i.Turn, i.ConnectionID, i.Argv)
		l.open[key] = append(l.open[key], i)
	}
	return existing, err
}

func intentKey(turn, connection string, argv []string) string {
	return fmt.Sprintf("%s %s %q", turn, connection, argv)
}

// Call is where a command would reach the cloud.
func (l *ledger) Call(_ context.Context, ask providers.SessionAsk, argv []string) (providers.Output, error) {
	l.mu.Lock()
	run := started{argv: argv, ask: ask, at: time.Now()}
	key := intentKey(ask.Turn, ask.Connection.ID, providers.NewRedactor().Argv(argv))
	if noted := l.open[key]; len(noted) > 0 {
		run.intent, l.open[key] = noted[0], noted[1:]
	} else {
		l.bad = append(l.bad, fmt.Sprintf("%q was started without an intent", argv))
	}
	l.runs = append(l.runs, run)
	l.mu.Unlock()
	if l.play == nil {
		return providers.Output{Stdout: []byte("done\n")}, nil
	}
	return l.play(run), nil
}

// taken gives the runs since the last call.
func (l *ledger) taken() []started {
	l.mu.Lock()
	defer l.mu.Unlock()
	runs := l.runs
	l.runs = nil
	return runs
}
