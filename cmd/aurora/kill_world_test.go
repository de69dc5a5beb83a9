package main

import (
	"context"
	dbsql "database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/providers/cloudsim"
	"aurora/store"
	"aurora/store/sql"
	"aurora/store/storetest"
	"aurora/store/vault"
)

// cluster is several replicas of Aurora on PostgreSQL, Redis and Vault, with a Slack, a model and clouds of their own.
type cluster struct {
	t        testing.TB
	sims     *sims
	db       *sql.DB   // as serve sees it
	raw      *dbsql.DB // as a superuser: what is in the tables
	points   *killPoints
	replicas []*replica
	o        clusterOptions
	database string
	redisURL string
}

type clusterOptions struct {
	vault    *storetest.VaultServer
	redisURL string // a server of its own when empty
	database string // the same
	slack    slacksim.Config
	script   modelsim.Script
	replicas int
	path     string // PATH of the replicas: without one they find no CLI and start faster
	target   string // where to kill
	direct   bool   // no proxies
	agent    bool   // Ada is in Agent mode
}

const clusterAuditKey = "the key of the audit in this test"

func newCluster(t testing.TB, o clusterOptions) *cluster {
	t.Helper()
	c := &cluster{t: t, o: o, points: newKillPoints(o.target), redisURL: o.redisURL}
	if c.redisURL == "" {
		c.redisURL = storetest.Redis(t).URL
	}
	if c.database = o.database; c.database == "" {
		_, c.database = storetest.Postgres(t)
	}
	c.openStores()
	ctx, cancel := context.WithCancel(context.Background())
	none := ""
	cfg, err := (&settings{file: &none}).load()
	if err != nil {
		t.Fatal(err)
	}
	if c.sims, err = startSims(ctx, cfg, "127.0.0.1:0", o.slack, modelsim.Config{Script: o.script}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); c.sims.close() })
	c.seed()
	for i := range max(o.replicas, 2) {
		c.add(fmt.Sprintf("replica %d", i+1))
	}
	c.ready()
	return c
}

func (c *cluster) openStores() {
	c.t.Helper()
	var err error
	c.db, err = sql.Open(c.t.Context(), sql.Config{URL: c.database, AuditKey: clusterAuditKey, Runner: "test", MaxConns: 2})
	if err != nil {
		c.t.Fatal(err)
	}
	if c.raw, err = dbsql.Open("pgx", storetest.PostgresAdmin(c.t, c.database)); err != nil {
		c.t.Fatal(err)
	}
	c.raw.SetMaxOpenConns(1)
	c.t.Cleanup(func() { _, _ = c.db.Close(), c.raw.Close() })
}

// seed gives Ada her connections.
func (c *cluster) seed() {
	c.t.Helper()
	ctx := c.t.Context()
	keep, err := vault.Open(ctx, vault.Config{Addr: c.o.vault.Addr, RoleID: c.o.vault.RoleID, SecretID: store.Secret(c.o.vault.SecretID)})
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = keep.Close() }()
	if err := c.sims.clouds.SetTrust(cloudsim.RoleAdmin, c.sims.mark); err != nil {
		c.t.Fatal(err)
	}
	team := c.sims.slack.TeamID()
	org, err := c.db.EnsureOrganisation(ctx, store.Slack, team, "Nimbus")
	if err != nil {
		c.t.Fatal(err)
	}
	ada := store.Person{Platform: store.Slack, Team: team, ID: people["ada"]}
	user, _, err := c.db.EnsureUser(ctx, org, ada, store.Operator)
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.sims.connect(ctx, &app{stores: &stores{sql: c.db, keeper: keep}}, user, ada); err != nil {
		c.t.Fatal(err)
	}
}

// add starts one more replica.
func (c *cluster) add(name string) *replica {
	c.t.Helper()
	r := newReplica(c.t, name)
	ends := c.sims.clouds.Endpoints()
	slackURL, model, clouds, database := strings.TrimSuffix(c.sims.slack.URL(), "/api/"), strings.TrimSuffix(c.sims.model.URL(), "/v1"), ends.AWS, c.database
	if !c.o.direct {
		slackURL = killHTTP(c.t, r, c.points, slackURL, slackLabel)
		model = killHTTP(c.t, r, c.points, model, modelLabel)
		clouds = killHTTP(c.t, r, c.points, clouds, cloudLabel)
		database = killPostgres(c.t, r, c.points, database)
	}
	at := func(endpoint string) string { return clouds + strings.TrimPrefix(endpoint, ends.AWS) }
	key, dir := c.sims.clouds.AWSKey(), c.t.TempDir()
	r.start(c.t, []string{
		"PATH=" + c.o.path, "HOME=" + dir, "TMPDIR=" + dir, "AURORA_DATA_DIR=" + dir,
		"AURORA_LISTEN=127.0.0.1:0", "AURORA_OPS_LISTEN=127.0.0.1:0", "AURORA_DEFAULT_ROLE=operator", "AURORA_AUDIT_KEY=" + clusterAuditKey,
		"DATABASE_URL=" + database, "REDIS_URL=" + c.redisURL,
		"VAULT_ADDR=" + c.o.vault.Addr, "VAULT_ROLE_ID=" + c.o.vault.RoleID, "VAULT_SECRET_ID=" + c.o.vault.SecretID,
		"SLACK_API_URL=" + slackURL + "/api/", "SLACK_APP_TOKEN=" + c.sims.slack.AppToken(), "SLACK_BOT_TOKEN=" + c.sims.slack.BotToken(""),
		"AURORA_SLACK_SOCKETS=1", "OPENAI_BASE_URL=" + model + "/v1", "OPENAI_API_KEY=simulated", "AURORA_MODEL=simulated",
		"AWS_ACCESS_KEY_ID=" + key.ID, "AWS_SECRET_ACCESS_KEY=" + key.Secret, "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AURORA_ENDPOINT_AWS=" + at(ends.AWS), "AURORA_ENDPOINT_AWS_STS=" + at(ends.AWS), "AURORA_ENDPOINT_GCP_COMPUTE=" + at(ends.GCPCompute),
		"AURORA_ENDPOINT_GCP_RESOURCEMANAGER=" + at(ends.GCPResourceManager), "AURORA_ENDPOINT_TAILSCALE=" + at(ends.Tailscale),
	})
	c.replicas = append(c.replicas, r)
	return r
}

// ready waits for all replicas, and lets Ada choose her mode.
func (c *cluster) ready() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	if err := c.sims.slack.WaitSockets(ctx, len(c.replicas)); err != nil {
		c.t.Fatalf("the replicas did not come up: %v\n%s", err, c.logs())
	}
	if !c.o.agent {
		return
	}
	if _, err := c.sims.slack.Slash(people["ada"], rooms["ops"], "/aurora mode agent"); err != nil {
		c.t.Fatal(err)
	}
	_, err := c.sims.slack.WaitMessage(ctx, people["ada"], rooms["ops"], func(m slacksim.Message) bool { return strings.Contains(m.Plain, "Agent mode") })
	if err != nil {
		c.t.Fatalf("Agent mode: %v\n%s", err, c.logs())
	}
	c.settle(ctx)
}

// openWork counts what is not done yet: events, turns, posts, commands, and threads that somebody still has to look at.
const openWork = `SELECT (SELECT count(*) FROM inbox WHERE settled_at IS NULL) + (SELECT count(*) FROM turns WHERE state = 'running')
	+ (SELECT count(*) FROM outbox WHERE NOT sent) + (SELECT count(*) FROM intents WHERE outcome IS NULL AND effect <> 'read')
	+ (SELECT count(*) FROM threads WHERE due_at IS NOT NULL OR lease_until > now())`

// settle waits until nothing is left to do. The database tells nobody when that is, so it is asked.
func (c *cluster) settle(ctx context.Context) {
	c.t.Helper()
	for {
		if n := c.count(openWork); n == 0 {
			return
		}
		select {
		case <-ctx.Done():
			c.t.Fatalf("work is left over: %s\n%s", c.leftOver(), c.dump())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *cluster) count(query string, args ...any) (n int) {
	c.t.Helper()
	if err := c.raw.QueryRowContext(context.WithoutCancel(c.t.Context()), query, args...).Scan(&n); err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (c *cluster) leftOver() string {
	var said []string
	for name, query := range map[string]string{
		"open events":     `SELECT count(*) FROM inbox WHERE settled_at IS NULL`,
		"running turns":   `SELECT count(*) FROM turns WHERE state = 'running'`,
		"unsent posts":    `SELECT count(*) FROM outbox WHERE NOT sent`,
		"open intents":    `SELECT count(*) FROM intents WHERE outcome IS NULL AND effect <> 'read'`,
		"due threads":     `SELECT count(*) FROM threads WHERE due_at IS NOT NULL`,
		"claimed threads": `SELECT count(*) FROM threads WHERE lease_until > now()`,
	} {
		said = append(said, fmt.Sprintf("%s %d", name, c.count(query)))
	}
	slices.Sort(said)
	return strings.Join(said, ", ")
}

// seen is what Ada sees in a thread, without what was whispered.
func (c *cluster) seen(thread string) []slacksim.Message {
	messages, err := c.sims.slack.Thread(people["ada"], rooms["ops"], thread)
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(messages, func(m slacksim.Message) bool { return m.User != aurora || m.Ephemeral })
}

func (c *cluster) logs() string {
	var b strings.Builder
	for _, r := range c.replicas {
		fmt.Fprintf(&b, "--- %s (dead: %v)\n%s", r.name, r.dead(), r.log.String())
	}
	return b.String()
}

// dump is all there is to know, for a failing test.
func (c *cluster) dump() string {
	var b strings.Builder
	messages, _ := c.sims.slack.Messages(people["ada"], rooms["ops"])
	for _, m := range messages {
		fmt.Fprintf(&b, "[%s %s ephemeral=%v buttons=%d] %s\n", m.TS, m.User, m.Ephemeral, len(m.Buttons), m.Plain)
	}
	fmt.Fprintf(&b, "points: %s\n", strings.Join(c.points.list(), "; "))
	for _, r := range c.sims.model.Requests() {
		last := r.Conversation.Messages[len(r.Conversation.Messages)-1]
		fmt.Fprintf(&b, "model asked: %s: %.300s\n", last.Role, last.Content)
	}
	return b.String() + c.logs()
}

// clusterPath is the machine's PATH when real CLIs are needed.
func clusterPath(clis []string) string {
	if len(clis) == 0 {
		return "/nonexistent"
	}
	return os.Getenv("PATH")
}
