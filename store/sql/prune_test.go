package sql_test

import (
	"testing"

	"aurora/store"
)

func TestPruneForgetsWhatIsOver(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		org, user := contact(t, db, ada, store.Operator)
		c, turn := begin(t, db, org, user, "k1", "old")
		_, err := db.SaveReply(t.Context(), c, turn.ID, 1, []byte(`{}`), nil, nil)
		must(t, err)
		must(t, db.SaveResult(t.Context(), c, turn.ID, 1, "a", []byte(`{}`)))
		_, err = db.BeginIntent(t.Context(), intentOf(turn, "int_1", "a", "read"))
		must(t, err)
		must(t, db.FinishIntent(t.Context(), "int_1", []byte(`{"status":"ok"}`)))
		must(t, db.FinishTurn(t.Context(), c, turn.ID, store.TurnDone, []store.Post{{Turn: turn.ID, Part: 1}}))
		posts, err := db.Outbox(t.Context(), c)
		must(t, err)
		must(t, db.Sent(t.Context(), c, posts[0].ID, "1.1"))
		must(t, db.Release(t.Context(), c))
		_, open := begin(t, db, org, user, "k2", "open")
		before := e.text(t, `SELECT count(*) FROM audit`)

		rows := func() string {
			return e.text(t, `SELECT (SELECT count(*) FROM steps) || ' ' || (SELECT count(*) FROM results) || ' ' || (SELECT count(*) FROM turns WHERE text <> '')
				|| ' ' || (SELECT count(*) FROM turns) || ' ' || (SELECT count(*) FROM inbox) || ' ' || (SELECT count(*) FROM outbox)
				|| ' ' || (SELECT count(*) FROM intents) || ' ' || (SELECT count(*) FROM threads)`)
		}
		age := func(days string) {
			then := `now() - interval '` + days + ` days'`
			if e.name == "sqlite" {
				then = `strftime('%Y-%m-%d %H:%M:%f', 'now', '-` + days + ` days')`
			}
			e.exec(t, `UPDATE turns SET ended_at = `+then+` WHERE ended_at IS NOT NULL`)
			e.exec(t, `UPDATE inbox SET settled_at = `+then+` WHERE settled_at IS NOT NULL`)
			e.exec(t, `UPDATE outbox SET created_at = `+then)
			e.exec(t, `UPDATE intents SET ended_at = `+then)
			e.exec(t, `UPDATE threads SET touched_at = `+then)
		}
		for _, step := range []struct{ days, want string }{
			{"0", "1 1 2 2 2 1 1 2"}, {"2", "0 0 1 2 2 1 1 2"}, {"8", "0 0 1 1 1 0 0 1"},
		} {
			age(step.days)
			must(t, db.Prune(t.Context()))
			if got := rows(); got != step.want {
				t.Errorf("after %s days: %s rows of each are left, want %s", step.days, got, step.want)
			}
		}
		if kept, err := db.Turn(t.Context(), open.ID); err != nil || kept.Text == "" {
			t.Errorf("a running turn was pruned: %+v, %v", kept, err)
		}
		if after := e.text(t, `SELECT count(*) FROM audit`); after != before {
			t.Errorf("the audit went from %s to %s rows", before, after)
		}
	})
}

func TestPrunedThreadNeverRepeatsAFence(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		receive(t, db, event("k1", "thread", ada))
		e.exec(t, `UPDATE threads SET fence = fence - 8 * 86400`) // as if it was made eight days ago
		old := claim(t, db, "r1")
		must(t, db.Settle(t.Context(), old, pending(t, db, old)[0].ID, nil))
		must(t, db.Release(t.Context(), old))
		e.exec(t, `DELETE FROM threads`)
		receive(t, db, event("k2", "thread", ada))
		if fresh := claim(t, db, "r1"); fresh.Fence <= old.Fence {
			t.Errorf("the fence went from %d to %d", old.Fence, fresh.Fence)
		}
		want(t, db.Renew(t.Context(), old), store.ErrFenced)
	})
}
