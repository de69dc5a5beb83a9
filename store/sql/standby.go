package sql

import "context"

// CheckStandbys says what a failover would lose: where standbys follow asynchronously the sentence says what to set. It is
// empty where there are none, where a commit waits for one, and on SQLite.
func (d *DB) CheckStandbys(ctx context.Context) (advice string, err error) {
	if d.pg == nil {
		return "", nil
	}
	var standbys int
	var names, commit string
	err = d.one(ctx, `SELECT (SELECT count(*) FROM pg_stat_replication), current_setting('synchronous_standby_names'), current_setting('synchronous_commit')`,
		nil, &standbys, &names, &commit)
	if err != nil || standbys == 0 || names != "" && commit != "off" && commit != "local" {
		return "", err
	}
	return "PostgreSQL has standbys that no commit waits for: a failover to one can lose events that were acknowledged, and run a confirmed command twice. " +
		"Set synchronous_standby_names, as to 'ANY 1 (*)', and synchronous_commit to on.", nil
}
