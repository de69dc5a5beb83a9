package sql

import "context"

// Prune forgets what is over: the text and the journal of turns after a day (as long as a confirmation or a thread's
// memory lives), the rows of delivery after seven. The audit is never pruned.
func (d *DB) Prune(ctx context.Context) error {
	return d.tx(ctx, func(tx conn) error {
		for _, statement := range []string{
			`DELETE FROM steps WHERE turn_id IN (SELECT id FROM turns WHERE ended_at < {day ago})`,
			`UPDATE turns SET text = '' WHERE ended_at < {day ago} AND text <> ''`,
			`DELETE FROM turns WHERE ended_at < {week ago}`,
			`DELETE FROM inbox WHERE settled_at < {week ago}`,
			`DELETE FROM outbox WHERE sent AND created_at < {week ago}`,
			`DELETE FROM intents WHERE ended_at < {week ago}`,
			`DELETE FROM threads WHERE due_at IS NULL AND lease_until IS NULL AND touched_at < {week ago}`,
		} {
			if _, err := tx.exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}
