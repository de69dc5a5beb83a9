package sql

import (
	"context"
	"time"

	"aurora/store"
)

// RecentTurns lists what a user asked lately, newest first: his own turns alone, as far back as turns are kept. What
// goes on by itself after a click is none. The text of one that ended more than a day ago is forgotten and empty.
func (d *DB) RecentTurns(ctx context.Context, orgID, userID string, most int) ([]store.Turn, error) {
	return all(ctx, d.conn, scanTurn, `SELECT `+turnColumns+` FROM turns
		WHERE org_id = $1 AND user_id = $2 AND id NOT LIKE 'cont\_%' ESCAPE '\' ORDER BY created_at DESC, id LIMIT $3`, orgID, userID, most)
}

// LastUsed tells when a user's commands last used each connection, by its id, as far back as intents are kept.
func (d *DB) LastUsed(ctx context.Context, orgID, userID string) (map[string]time.Time, error) {
	type use struct {
		id string
		at time.Time
	}
	list, err := all(ctx, d.conn, func(row scanner) (u use, err error) {
		err = row.Scan(&u.id, timeColumn{&u.at})
		return u, err
	}, `SELECT connection_id, max(started_at) FROM intents WHERE org_id = $1 AND user_id = $2 GROUP BY connection_id`, orgID, userID)
	if err != nil {
		return nil, err
	}
	used := make(map[string]time.Time, len(list))
	for _, u := range list {
		used[u.id] = u.at
	}
	return used, nil
}
