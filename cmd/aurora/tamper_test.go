package main

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"testing"
	"time"

	"aurora/agent"
	"aurora/bot"
	"aurora/providers/policy"
	"aurora/store"
	"aurora/store/redis"
	"aurora/store/storetest"
)

// meddled is a stage on a real Redis to which somebody else has access as well.
type meddled struct {
	*stage
	redis *storetest.RedisServer
	lines []string // what the model proposes next
	after func(moment string)
}

// Moments at which somebody meddles: while the card waits, and between the reads of a click.
const (
	waiting  = "while it waits"
	lookedUp = "after the click looked it up"
	won      = "after the click won it"
)

func newMeddled(t *testing.T, wait time.Duration) *meddled {
	t.Helper()
	m := &meddled{redis: storetest.Redis(t)}
	m.stage = newStage(t, stageOptions{redisURL: m.redis.URL, model: m, confirmWait: wait})
	m.desk.Waiting, m.desk.Confirmations = spied{m.stores.redis, m}, spied{m.stores.redis, m}
	m.connect("ada", store.Connection{Cloud: store.AWS, Account: "111111111111", Region: "us-east-1"}, "credential-1")
	m.connect("ben", store.Connection{Cloud: store.AWS, Account: "222222222222", Region: "us-east-1"}, "credential-2")
	return m
}

// Reply makes meddled the model: it proposes the lines, then says that it did.
func (m *meddled) Reply(ctx context.Context, r agent.Request) iter.Seq2[agent.Piece, error] {
	return agent.AtOnce(m.reply(ctx, r))
}

func (m *meddled) reply(_ context.Context, r agent.Request) (agent.Reply, error) {
	reply := agent.Reply{Text: "Over to you.", Finish: "stop", Usage: agent.Usage{In: 1, Out: 1}}
	if r.Messages[len(r.Messages)-1].Role == agent.RoleUser && !strings.Contains(r.Messages[len(r.Messages)-1].Text, "(Aurora)") {
		for i, line := range m.lines {
			raw, err := json.Marshal(map[string]string{"provider": "aws", "command": line})
			m.must(err)
			reply.Calls = append(reply.Calls, agent.Call{ID: fmt.Sprintf("call_%d", i), Name: agent.ToolName, Arguments: raw})
		}
	}
	return reply, nil
}

// spied is the Redis of the desk; it tells when a click has read from it.
type spied struct {
	*redis.DB
	m *meddled
}

// ConfirmationByNonce is the first thing a click does.
func (s spied) ConfirmationByNonce(ctx context.Context, hash string) (store.Confirmation, error) {
	defer s.m.at(lookedUp)
	return s.DB.ConfirmationByNonce(ctx, hash)
}

// TakeConfirmation is the second.
func (s spied) TakeConfirmation(ctx context.Context, id, click string) (store.ConfirmationState, error) {
	defer s.m.at(won)
	return s.DB.TakeConfirmation(ctx, id, click)
}

func (m *meddled) at(moment string) {
	if m.after != nil {
		m.after(moment)
	}
}

const terminate = "aws ec2 terminate-instances --instance-ids i-0a1b2c3d4e5f60001"

// card lets somebody ask for the lines and gives the card that came of it.
func (m *meddled) card(who string, lines ...string) *cardSeen {
	m.t.Helper()
	root := m.say(person(who), inHouse, "", "mode agent")
	m.lines = lines
	m.say(person(who), inHouse, root, "please")
	m.lines = nil
	m.ledger.taken()
	for _, u := range m.room.heard() {
		if u.message.Card != nil {
			turn, err := m.stores.sql.Turn(m.t.Context(), m.record(u.message.Card.ID).Turn)
			m.must(err)
			return &cardSeen{conf: u.message.Card.ID, place: u.place, ts: u.ts, buttons: u.message.Buttons, turn: turn}
		}
	}
	m.t.Fatal("no card was shown")
	return nil
}

func (m *meddled) record(id string) store.Confirmation {
	m.t.Helper()
	conf, err := m.stores.redis.Confirmation(m.t.Context(), id)
	m.must(err)
	return conf
}

func (m *meddled) raw(id string) string {
	return m.redis.Do(m.t, "HGET aurora:confirmation:"+id+" record")
}

// set writes one field of a record, every byte spelled out so that nothing needs quoting.
func (m *meddled) set(id, field, value string) {
	m.t.Helper()
	var spelled strings.Builder
	for _, b := range []byte(value) {
		fmt.Fprintf(&spelled, `\x%02x`, b)
	}
	m.redis.Do(m.t, fmt.Sprintf(`HSET aurora:confirmation:%s %s "%s"`, id, field, spelled.String()))
}

func (m *meddled) button(c *cardSeen, action string) bot.Button {
	for _, b := range c.buttons {
		if b.Action == action {
			return b
		}
	}
	m.t.Fatalf("the card has no button %q", action)
	return bot.Button{}
}

// confirm is the asker's own click on the card where it stands.
func (m *meddled) confirm(c *cardSeen) {
	m.t.Helper()
	m.press(c.turn.Asker, c.place.Channel, c.ts, m.button(c, "confirm"), m.stamp())
}

// changes counts what was started besides reads.
func (m *meddled) changes() int {
	n := 0
	for _, run := range m.ledger.taken() {
		if run.intent.Effect != policy.Read.String() {
			n++
		}
	}
	return n
}

// nothing wants that nothing was started and that somebody was told so in a sentence.
func (m *meddled) nothing(what string) {
	m.t.Helper()
	if n := m.changes(); n != 0 {
		m.t.Errorf("%s: %d commands were started", what, n)
	}
	var said []string
	for _, u := range m.room.heard() {
		text := spelled(u.message)
		if strings.Contains(text, "Something went wrong") {
			m.t.Errorf("%s: %s", what, text)
		}
		said = append(said, text)
	}
	for _, clear := range []string{"nothing was run", "not run", "Nothing was run", "Nothing was changed", "Only the person who asked", "second person",
		"runs once", "Nothing more was run", "Only an approver"} {
		if strings.Contains(strings.Join(said, "\n"), clear) {
			return
		}
	}
	m.t.Errorf("%s: nobody was told that nothing ran: %q", what, said)
}

// leaf is one value inside the record.
type leaf struct {
	path []string
	kind reflect.Type
}

// leaves lists every value of a type by its JSON names; of a list the first element.
func leaves(t reflect.Type, path ...string) []leaf {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return []leaf{{path, t}}
	case t.Kind() == reflect.Struct:
		var all []leaf
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			all = append(all, leaves(t.Field(i).Type, append(append([]string{}, path...), name)...)...)
		}
		return all
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		return append([]leaf{{path, t}}, leaves(t.Elem(), append(append([]string{}, path...), "0")...)...)
	}
	return []leaf{{path, t}}
}

// mutants gives other values for a leaf.
func (l leaf) mutants(old any) []any {
	switch l.kind.Kind() {
	case reflect.Bool:
		was, _ := old.(bool)
		return []any{!was}
	case reflect.Int, reflect.Int64:
		was, _ := old.(float64)
		return []any{was + 1, was - 1, -7}
	case reflect.Slice:
		was, _ := old.([]any)
		if l.kind.Elem().Kind() == reflect.Struct {
			return []any{[]any{}, append(append([]any{}, was...), was...)}
		}
		return []any{append(append([]any{}, was...), "--force"), []any{"aws", "ec2", "stop-instances", "--instance-ids", "i-2"}, []any{}}
	case reflect.Struct: // a time
		was, _ := time.Parse(time.RFC3339Nano, fmt.Sprint(old))
		return []any{was.Add(time.Hour), was.Add(-time.Hour), was.Add(time.Nanosecond)}
	}
	was, _ := old.(string)
	return []any{was + "x", "", "U0EVIL", "slack", "agent", "read"}
}

// put gives the record with the value at the path replaced, and what was there.
func (l leaf) put(t *testing.T, record string, value any) (changed string, same bool) {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal([]byte(record), &root); err != nil {
		t.Fatal(err)
	}
	at := root
	for _, name := range l.path[:len(l.path)-1] {
		next := at[name]
		if name == "0" {
			continue
		}
		if list, ok := next.([]any); ok {
			next = list[0]
		}
		at, _ = next.(map[string]any)
	}
	last := l.path[len(l.path)-1]
	before, _ := json.Marshal(at[last])
	at[last] = value
	after, _ := json.Marshal(at[last])
	raw, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	empty := string(before) == "null" && (string(after) == `""` || string(after) == "[]" || string(after) == "false")
	return string(raw), string(before) == string(after) || empty
}

func (l leaf) old(t *testing.T, record string) any {
	t.Helper()
	var at any
	if err := json.Unmarshal([]byte(record), &at); err != nil {
		t.Fatal(err)
	}
	for _, name := range l.path {
		switch v := at.(type) {
		case map[string]any:
			at = v[name]
		case []any:
			at = v[0]
		}
	}
	return at
}

// TestChangedConfirmationRunsNothing changes every value of the record, at every moment at which it can be changed.
func TestChangedConfirmationRunsNothing(t *testing.T) {
	m := newMeddled(t, 0)
	count := 0
	for i, l := range leaves(reflect.TypeFor[store.Confirmation]()) {
		name := strings.Join(l.path, ".")
		if name == "state" || name == "taken_by" { // kept beside the record: see the next test
			continue
		}
		for j, moment := range []string{waiting, lookedUp, won} {
			if raceDetector && i%3 != j {
				continue
			}
			sample := m.card("ada", terminate)
			for k := range l.mutants(l.old(t, m.raw(sample.conf))) {
				if raceDetector && k > 0 {
					break
				}
				if m.mutate(l, k, moment) {
					count++
				}
			}
		}
	}
	t.Logf("%d mutations of the record, none of which ran", count)
	if count < 30 || !raceDetector && count < 400 {
		t.Errorf("only %d mutations were tried", count)
	}
}

// mutate asks for a card, changes one value at the moment, lets the asker click, and wants nothing to have run.
func (m *meddled) mutate(l leaf, k int, moment string) bool {
	m.t.Helper()
	card := m.card("ada", terminate)
	record := m.raw(card.conf)
	changed, same := l.put(m.t, record, l.mutants(l.old(m.t, record))[k])
	if same {
		return false
	}
	if moment == waiting {
		m.set(card.conf, "record", changed)
	}
	m.after = func(now string) {
		if now == moment {
			m.set(card.conf, "record", changed)
		}
	}
	m.confirm(card)
	m.after = nil
	m.nothing(fmt.Sprintf("%s changed to %v %s", strings.Join(l.path, "."), l.mutants(l.old(m.t, record))[k], moment))
	return true
}

// TestMeddlingWithConfirmationsRunsNothing does everything else that somebody with access to Redis could do.
func TestMeddlingWithConfirmationsRunsNothing(t *testing.T) {
	m := newMeddled(t, 0)
	key := func(c *cardSeen) string { return "aurora:confirmation:" + c.conf }
	nonceOf := func(c *cardSeen) string { return "aurora:nonce:" + store.HashNonce(c.buttons[0].Value) }
	for name, meddle := range map[string]func(card, other *cardSeen){
		"records swapped": func(card, other *cardSeen) {
			mine, theirs := m.raw(card.conf), m.raw(other.conf)
			m.set(card.conf, "record", theirs)
			m.set(other.conf, "record", mine)
		},
		"whole records swapped": func(card, other *cardSeen) {
			for _, step := range [][2]string{{key(card), "x"}, {key(other), key(card)}, {"x", key(other)}} {
				m.redis.Do(t, "RENAME "+step[0]+" "+step[1])
			}
		},
		"buttons swapped": func(card, other *cardSeen) {
			m.redis.Do(t, "SET "+nonceOf(card)+" "+other.conf)
			m.redis.Do(t, "SET "+nonceOf(other)+" "+card.conf)
		},
		"a made-up record": func(card, _ *cardSeen) {
			m.redis.Do(t, "COPY "+key(card)+" aurora:confirmation:conf_madeup")
			m.set("conf_madeup", "record", strings.ReplaceAll(m.raw(card.conf), card.conf, "conf_madeup"))
			m.redis.Do(t, "SET "+nonceOf(card)+" conf_madeup")
		},
		"flushed":            func(_, _ *cardSeen) { m.redis.Do(t, "FLUSHALL") },
		"deleted":            func(card, _ *cardSeen) { m.redis.Do(t, "DEL "+key(card)) },
		"button deleted":     func(card, _ *cardSeen) { m.redis.Do(t, "DEL "+nonceOf(card)) },
		"said to be taken":   func(card, _ *cardSeen) { m.set(card.conf, "state", "taken"); m.set(card.conf, "by", "act:somebody") },
		"cancelled":          func(card, _ *cardSeen) { m.set(card.conf, "state", "cancelled") },
		"voided":             func(card, _ *cardSeen) { m.set(card.conf, "state", "voided") },
		"expired":            func(card, _ *cardSeen) { m.set(card.conf, "state", "expired") },
		"no such state":      func(card, _ *cardSeen) { m.set(card.conf, "state", "approved") },
		"given another time": func(card, _ *cardSeen) { m.set(card.conf, "expires", "99999999999999") },
		"its time forgotten": func(card, _ *cardSeen) { m.redis.Do(t, "HDEL "+key(card)+" expires") },
		"over at once": func(card, _ *cardSeen) {
			m.redis.Do(t, "PEXPIRE "+key(card)+" 1")
			m.until("the key is gone", func() bool { return m.redis.Do(t, "EXISTS "+key(card)) == "0" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			m.t = t
			card, other := m.card("ada", terminate), m.card("ben", "aws ec2 stop-instances --instance-ids i-0a1b2c3d4e5f60002")
			meddle(card, other)
			m.confirm(card)
			m.nothing("the click on it")
			m.confirm(other)
			if n := m.changes(); n > 1 || n == 1 && strings.Contains(name, "swapped") {
				t.Errorf("the other card ran %d commands", n)
			}
			m.room.heard()
		})
	}
}

func (m *meddled) until(what string, ok func() bool) {
	m.t.Helper()
	deadline, tick := time.Now().Add(patience), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			m.t.Fatalf("waited in vain until %s", what)
		}
		<-tick.C
	}
}

// TestMovedClickRunsNothing presses the right button in the wrong place.
func TestMovedClickRunsNothing(t *testing.T) {
	m := newMeddled(t, 0)
	card, other := m.card("ada", terminate), m.card("ada", terminate)
	b := m.button(card, "confirm")
	for name, press := range map[string]func(){
		"on another card's message": func() { m.press(person("ada"), inHouse, other.ts, b, m.stamp()) },
		"in another channel":        func() { m.press(person("ada"), shared, card.ts, b, m.stamp()) },
		"on no message":             func() { m.press(person("ada"), inHouse, "", b, m.stamp()) },
		"by somebody else":          func() { m.press(person("ben"), inHouse, card.ts, b, m.stamp()) },
		"by an approver":            func() { m.press(person("otto"), inHouse, card.ts, b, m.stamp()) },
		"by the card's public name": func() {
			m.press(person("ada"), inHouse, card.ts, bot.Button{Action: "confirm", Value: card.conf}, m.stamp())
		},
		"by the hash of its value": func() {
			m.press(person("ada"), inHouse, card.ts, bot.Button{Action: "confirm", Value: store.HashNonce(b.Value)}, m.stamp())
		},
	} {
		press()
		m.nothing(name)
	}
	m.confirm(card)
	if n := m.changes(); n != 1 {
		t.Errorf("the right click ran %d commands", n)
	}
}

// TestOneCardRunsOnce delivers a click twice, clicks again, and makes the record pending again after it was answered.
func TestOneCardRunsOnce(t *testing.T) {
	m := newMeddled(t, 0)
	card := m.card("ada", terminate)
	b, stamp := m.button(card, "confirm"), m.stamp()
	for range 3 {
		m.press(person("ada"), inHouse, card.ts, b, stamp)
	}
	if n := m.changes(); n != 1 {
		t.Fatalf("one click, delivered three times, ran %d commands", n)
	}
	m.room.heard()
	m.confirm(card)
	m.nothing("a second click")
	m.set(card.conf, "state", "pending")
	m.confirm(card)
	m.nothing("a click on a card that was made pending again")

	cancelled := m.card("ada", terminate)
	m.press(person("ada"), inHouse, cancelled.ts, m.button(cancelled, "cancel"), m.stamp())
	m.nothing("a click on Cancel")
	m.set(cancelled.conf, "state", "pending")
	m.confirm(cancelled)
	m.nothing("a click on a cancelled card that was made pending again")

	stopped := m.card("ada", terminate)
	m.desk.Stop(t.Context(), person("ada"), stopped.place, time.Now())
	m.work()
	m.room.heard()
	m.set(stopped.conf, "state", "pending")
	m.confirm(stopped)
	m.nothing("a click on a stopped card that was made pending again")
}

// TestLateClickRunsNothing waits until the time is over by Redis' clock.
func TestLateClickRunsNothing(t *testing.T) {
	m := newMeddled(t, 2*time.Second) // long enough for the card to be shown
	card := m.card("ada", terminate)
	m.until("it expired", func() bool { return m.record(card.conf).State == store.ConfirmationExpired })
	m.confirm(card)
	m.nothing("a late click")
	m.set(card.conf, "state", "pending")
	m.confirm(card)
	m.nothing("a late click on a card that was made pending again")
}

// TestChangedRecordAllowsNothing changes a plain write's record under a click on "allow": what the record then says must
// not run without a click from there on.
func TestChangedRecordAllowsNothing(t *testing.T) {
	m := newMeddled(t, 0)
	root := m.say(person("ada"), inHouse, "", "mode agent")
	m.room.chatter(person("gus"), inHouse, root, "tag it")
	m.lines = []string{"aws ec2 create-tags --resources i-1 --tags Key=a,Value=b"}
	m.say(person("ada"), inHouse, root, "please")
	for _, u := range m.room.heard() {
		if u.message.Card == nil {
			continue
		}
		m.after = func(moment string) {
			if moment == won {
				m.set(u.message.Card.ID, "record", strings.Replace(m.raw(u.message.Card.ID), "create-tags", "start-instances", 1))
			}
		}
		for _, b := range u.message.Buttons {
			if b.Action == "allow" {
				m.press(person("ada"), inHouse, u.ts, b, m.stamp())
			}
		}
	}
	m.after = nil
	m.nothing("a click on allow")
	thread := threadKey(inHouse, root)
	for _, path := range []string{"aws ec2 start-instances", "aws ec2 create-tags"} {
		allowed, err := m.stores.redis.Allowed(t.Context(), thread, person("ada"), path)
		if err != nil || allowed {
			t.Errorf("%s is allowed: %v, %v", path, allowed, err)
		}
	}
}
