package sql

import "context"

// A portion is what one statement forgets: the next one lets everybody else in first.
const portion = ` LIMIT 1000)`

// Prune forgets what is over: the text and the journal of turns and what could still be shared after a day (as long as
// a confirmation or a thread's memory lives), the rows of delivery after seven. The audit is never pruned. It works in many small transactions and
// may be cut off, or run twice at once, without harm.
func (d *DB) Prune(ctx context.Context) error {
	for _, statement := range []string{
		`DELETE FROM steps WHERE turn_id IN (SELECT t.id FROM turns t JOIN steps s ON s.turn_id = t.id WHERE t.ended_at < {day ago}` + portion,
		`UPDATE turns SET text = '' WHERE id IN (SELECT id FROM turns WHERE ended_at < {day ago} AND text <> ''` + portion,
		`UPDATE outbox SET body = NULL WHERE id IN (SELECT id FROM outbox WHERE sent AND body IS NOT NULL AND created_at < {day ago}` + portion,
		`DELETE FROM turns WHERE id IN (SELECT id FROM turns WHERE ended_at < {week ago}` + portion,
		`DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE settled_at < {week ago}` + portion,
		`DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE sent AND created_at < {week ago}` + portion,
		`DELETE FROM intents WHERE id IN (SELECT id FROM intents WHERE ended_at < {week ago}` + portion,
		// A read that was lost and never asked for again.
		`DELETE FROM intents WHERE id IN (SELECT id FROM intents WHERE outcome IS NULL AND effect = '` + readEffect + `' AND lease_until < {week ago}` + portion,
		// The condition stands twice: the outer one is looked at again should Receive make the thread due meanwhile.
		`DELETE FROM threads WHERE due_at IS NULL AND lease_until IS NULL
			AND key IN (SELECT key FROM threads WHERE due_at IS NULL AND lease_until IS NULL AND touched_at < {week ago}` + portion,
	} {
		for {
			n, err := d.exec(ctx, statement)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}
