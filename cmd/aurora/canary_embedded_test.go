package main

import (
	dbsql "database/sql"
	"path/filepath"
	"strings"
	"testing"
)

// TestCanariesAreNowhereEmbedded does with the embedded stores what TestCanariesAreNowhere does with servers, but for the
// kills: SQLite with its log of what is not in the file yet, the embedded Redis, the sealed file.
func TestCanariesAreNowhereEmbedded(t *testing.T) {
	t.Parallel()
	needs(t, []string{"aws"})
	s := &story{world: newWorld(t, worldOptions{}), channel: rooms["ops"]}
	ada, secrets := people["ada"], canaries{"a masked member": maskedCanary, "Aurora's own AWS key": s.sims.clouds.AWSKey().Secret,
		"the bot token": s.sims.slack.BotToken(""), "the app token": s.sims.slack.AppToken()}
	secrets.addCredentials(t, s.app.stores.keeper, s.credentialPaths())
	if _, err := s.sims.slack.Slash(ada, s.channel, "/aurora mode agent"); err != nil {
		t.Fatal(err)
	}
	s.mustSee(ada, "Agent mode")
	for _, row := range []struct{ say, see string }{
		{"run aws ec2 describe-instance-attribute --instance-id i-0a1b2c3d4e5f60001 --attribute userData", "[masked]"},
		{"run aws ec2 describe-instances --instance-ids i-0a1b2c3d4e5f60001", "checkout-web-1"},
		{"run aws ec2 describe-instances --instance-ids i-0123456789abcdef0", "failed"},
		{"run aws s3 cp s3://acme-prod-logs/2026/03/02/checkout.log -", privateCanary},
		{"run tailscale device list", "laptop"},
		{"run tailscale device delete nHj9kP3CNTRL", "Confirm: delete in tailscale"},
	} {
		s.says(ada, "<@"+aurora+"> "+row.say, "", row.see)
	}
	s.confirms(ada, "devices.delete")
	s.disconnects(ada, "aws", "is disconnected")
	secrets.addSessions(t, s.sims.clouds)
	if len(secrets) < 8 {
		t.Fatalf("there are few canaries: %d", len(secrets))
	}
	places := s.everywhere()
	for where, text := range places {
		for what, canary := range secrets {
			absent(t, where, text, what, canary)
		}
	}
	if !strings.Contains(places["the files"], "aurora.db-wal\n") || len(places["the short-term memory"]) < 300 || !strings.Contains(places["what was said in Slack"], privateCanary) ||
		strings.Count(places["the export"], "\n") < 5 {
		t.Errorf("the search saw little: %d bytes of files, %d of memory, %d of Slack, %d of the export", len(places["the files"]),
			len(places["the short-term memory"]), len(places["what was said in Slack"]), len(places["the export"]))
	}
	absent(t, "the log", places["the log"], "an output", privateCanary)
}

// credentialPaths are where the keeper has the credentials, as the database knows them.
func (s *story) credentialPaths() (paths []string) {
	s.t.Helper()
	db, err := dbsql.Open("sqlite", filepath.Join(s.cfg.DataDir, "aurora.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	rows, err := db.QueryContext(s.t.Context(), `SELECT token FROM user_tokens`)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var path string
		if err := rows.Scan(&path); err != nil {
			s.t.Fatal(err)
		}
		paths = append(paths, path)
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return paths
}
