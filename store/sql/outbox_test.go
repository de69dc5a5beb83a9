package sql_test

import (
	"testing"

	"aurora/store"

	"github.com/google/go-cmp/cmp"
)

func TestOutboxKeepsOrderAndOneOfEachPart(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		receive(t, db, event("k1", "thread", ada))
		c := claim(t, db, "r1")
		place := store.Place{Platform: store.Slack, Team: "T1", Channel: "C1", Thread: "1.1", Whisper: "U1"}
		posts := []store.Post{
			{Turn: "turn_1", Part: 9, Kind: store.PostMessage, Place: place, Body: []byte(`{"n":1}`)},
			{Turn: "turn_1", Part: 2, Kind: store.PostUpdate, Target: 9, Place: place, Body: []byte(`{"n":2}`), Secret: true},
			{Turn: "turn_0", Part: 2, Kind: store.PostWhisper, Place: place},
		}
		must(t, db.AddPosts(t.Context(), c, posts[:2]))
		must(t, db.AddPosts(t.Context(), c, append(posts, store.Post{Turn: "turn_1", Part: 9, Body: []byte(`{"n":3}`)})))
		got, err := db.Outbox(t.Context(), c)
		must(t, err)
		for i := range posts {
			posts[i].ID, posts[i].Thread = got[i].ID, "thread"
		}
		if diff := cmp.Diff(posts, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestSentPostIsKnownByTurnAndPart(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		receive(t, db, event("k1", "thread", ada))
		c := claim(t, db, "r1")
		place := store.Place{Platform: store.Slack, Team: "T1", Channel: "C1"}
		must(t, db.AddPosts(t.Context(), c, []store.Post{{Turn: "turn_1", Part: 3, Place: place, Body: []byte(`{"reply":"https://hook"}`)}}))
		posts, err := db.Outbox(t.Context(), c)
		must(t, err)
		must(t, db.BeginSend(t.Context(), c, posts[0].ID))
		if posts, err = db.Outbox(t.Context(), c); err != nil || !posts[0].Tried {
			t.Fatalf("a begun send is not noted: %+v, %v", posts, err)
		}
		_, _, err = db.PostTS(t.Context(), "turn_1", 3)
		want(t, err, store.ErrNotFound)
		must(t, db.Sent(t.Context(), c, posts[0].ID, "17.4"))
		where, ts, err := db.PostTS(t.Context(), "turn_1", 3)
		if err != nil || ts != "17.4" || where != place {
			t.Errorf("it stands at %v %q, error %v", where, ts, err)
		}
		if posts, err = db.Outbox(t.Context(), c); err != nil || len(posts) != 0 {
			t.Errorf("a sent post is still in the outbox: %+v, %v", posts, err)
		}
		if body := e.text(t, `SELECT CAST(body AS text) FROM outbox`); body != "" {
			t.Errorf("the sent post still holds %s", body)
		}
		want(t, db.Sent(t.Context(), c, 999, "1.1"), store.ErrNotFound)
	})
}

func TestMessageIsKnownByItsPlace(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		receive(t, db, event("k1", "thread", ada))
		c := claim(t, db, "r1")
		place := store.Place{Platform: store.Slack, Team: "T1", Channel: "C1", Thread: "1.1"}
		elsewhere := place
		elsewhere.Channel = "C2"
		must(t, db.AddPosts(t.Context(), c, []store.Post{
			{Turn: "turn_2", Part: 100, Place: elsewhere}, {Turn: "turn_1", Part: 100, Place: place},
			{Turn: "turn_1", Part: 600, Kind: store.PostUpdate, Target: 100, Place: place}, {Turn: "turn_1", Part: 101, Place: place},
		}))
		posts, err := db.Outbox(t.Context(), c)
		must(t, err)
		for _, p := range posts[:3] { // an edit stands where its message stands
			must(t, db.Sent(t.Context(), c, p.ID, "17.4"))
		}
		at := store.Place{Platform: store.Slack, Team: "T1", Channel: "C1"} // a click does not say in which thread it was
		got, err := db.StandsAt(t.Context(), at, "17.4")
		if err != nil || got.Turn != "turn_1" || got.Part != 100 || got.Place != place {
			t.Errorf("it is %+v, error %v", got, err)
		}
		for _, ts := range []string{"", "17.5"} {
			_, err = db.StandsAt(t.Context(), at, ts)
			want(t, err, store.ErrNotFound)
		}
	})
}

func TestAWhisperIsFoundBeforeItIsNotedAsSent(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		receive(t, db, event("k1", "thread", ada))
		c := claim(t, db, "r1")
		must(t, db.AddPosts(t.Context(), c, []store.Post{{Turn: "turn_1", Part: 3, Kind: store.PostWhisper, Body: []byte(`{"n":1}`)}}))
		posts, err := db.Outbox(t.Context(), c)
		must(t, err)
		must(t, db.BeginSend(t.Context(), c, posts[0].ID))
		if p, err := db.Kept(t.Context(), "turn_1", 3); err != nil || string(p.Body) != `{"n":1}` {
			t.Errorf("its reader was faster than the note: %+v, %v", p, err)
		}
		must(t, db.SentKept(t.Context(), c, posts[0].ID, "17.4"))
		if p, err := db.Kept(t.Context(), "turn_1", 3); err != nil || string(p.Body) != `{"n":1}` {
			t.Errorf("%+v, %v", p, err)
		}
		must(t, db.Sent(t.Context(), c, posts[0].ID, "17.4"))
		_, err = db.Kept(t.Context(), "turn_1", 3)
		want(t, err, store.ErrNotFound)
	})
}
