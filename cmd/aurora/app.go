package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/rs/zerolog"

	"aurora/agent"
	"aurora/agent/openai"
	"aurora/bot"
	"aurora/bot/slack"
	"aurora/bot/web"
	"aurora/providers"
	"aurora/providers/confine"
	"aurora/providers/egress"
	"aurora/providers/policy"
	"aurora/store"
	"aurora/store/sql"
)

// app is a whole Aurora, wired from the stores up to the chat.
type app struct {
	config config
	log    zerolog.Logger
	stores *stores
	policy *policy.Engine
	clouds clouds
	runs   string // below it commands run, each in a directory of its own
	// programs are the CLIs of this machine.
	programs providers.Programs
	confiner *confine.Confiner // what keeps them from the rest of this machine
	worker   *bot.Worker
	sweeper  *bot.Sweeper
	recon    *bot.Reconciler
	slack    *slack.Adapter
	brain    *brain // nil without a model
	web      *web.Server
}

// newApp wires an app in the order of the layers, with the stores as they are now.
func newApp(ctx context.Context, c config, log zerolog.Logger) (*app, error) {
	return newAppOn(ctx, c, log, func(ctx context.Context) (*stores, error) { return openStores(ctx, c) })
}

func newAppOn(ctx context.Context, c config, log zerolog.Logger, open func(context.Context) (*stores, error)) (*app, error) {
	engine, err := loadPolicy(c.PolicyFile)
	if err != nil {
		return nil, err
	}
	if err := confine.Hide(); err != nil {
		return nil, err
	}
	a := &app{config: c, log: log, policy: engine, programs: providers.Locate(c.Path), confiner: confine.Examine()}
	if a.clouds, err = newClouds(ctx, c, engine, a.programs, a.confiner.Sandbox); err != nil {
		return nil, err
	}
	if a.stores, err = open(ctx); err != nil {
		return nil, err
	}
	if err := a.wire(); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

// close gives back what newApp took.
func (a *app) close() {
	a.stores.close()
	if a.runs != "" {
		_ = os.RemoveAll(a.runs) // the next start takes away what stays
	}
}

// loadPolicy makes the engine, with the organisation's rules where there are any. Rules that do not load stop us: an
// Aurora without them would allow what somebody forbade.
func loadPolicy(file string) (*policy.Engine, error) {
	var rules *policy.Rules
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read AURORA_POLICY_FILE: %w", err)
		}
		if rules, err = policy.LoadRules(raw); err != nil {
			return nil, fmt.Errorf("AURORA_POLICY_FILE %s: %w", file, err)
		}
	}
	engine, err := policy.New(rules)
	if err != nil {
		return nil, fmt.Errorf("load the policy tables: %w", err)
	}
	return engine, nil
}

func (a *app) wire() error {
	executor, err := a.newExecutor()
	if err != nil {
		return err
	}
	admins, err := a.config.admins()
	if err != nil {
		return err
	}
	db, mem := a.stores.sql, a.stores.redis
	desk := &bot.Desk{
		Stores: bot.Stores{
			Rows: db, Turns: db, Outbox: db, Offers: db, Standing: db, Users: db, Preferences: db, Connections: db, Breaks: db, Grants: db, Freezer: db, Audit: db,
			ChannelRules: db, Asked: db, Begun: db, Journal: db, Stopper: db, Inbox: db, Departures: db, Belongings: db, Sessions: mem,
			Modes: mem, Tickets: mem, Confirmations: mem, Waiting: mem, Allowances: mem,
		},
		Executor: executor, Policy: a.policy, Clean: cleaner(a.redactor().Overheard), Memory: agent.Memory{Keep: mem},
		Settings: bot.Settings{
			PublicURL: a.config.PublicURL, DefaultRole: store.Role(a.config.DefaultRole), Admins: admins,
			Connectable: a.connectable(), Shareable: []store.Cloud{store.AWS, store.GCP, store.Azure}, Forget: a.forget, Admit: a.admit, Withdraw: a.withdraw,
		},
	}
	if desk.Agent, err = a.newAgent(bot.Permissive{Executor: executor, Policy: a.policy, Allowances: mem}); err != nil {
		return err
	}
	a.slack = a.newSlack(desk)
	desk.Chats = map[store.Platform]bot.Platform{store.Slack: {Chat: a.slack, Directory: a.slack, Splitter: a.slack, Homes: a.slack}}
	a.worker = &bot.Worker{Runner: a.stores.runner, Queue: db, Wake: db.Wake, Desk: desk, Log: a.log}
	a.recon = &bot.Reconciler{Desk: desk, Leases: mem, Log: a.log}
	a.sweeper = &bot.Sweeper{Runner: a.stores.runner, Desk: desk, Intents: db, Prune: a.prune, Log: a.log}
	a.web = a.newPages(admins)
	return nil
}

func (a *app) newExecutor() (*providers.Executor, error) {
	db := a.stores.sql
	runs, err := newRunsDir(os.TempDir())
	if err != nil {
		return nil, err
	}
	a.runs = runs
	way, err := egress.New(egress.Config{Endpoints: a.config.reached()})
	if err != nil {
		return nil, err
	}
	direct := map[store.Cloud]providers.Direct{store.Tailscale: a.clouds.tailscale}
	if a.clouds.ovh != nil {
		direct[store.OVH] = a.clouds.ovh
	}
	return providers.New(providers.Config{
		Policy: a.policy, Connections: db, Credentials: a.stores.keeper, Intents: db, Auditor: db, Admins: db, Runner: a.stores.runner,
		Drivers: map[store.Cloud]providers.Driver{
			store.AWS: a.clouds.aws, store.GCP: a.clouds.gcp, store.Azure: a.clouds.azure, store.Scaleway: a.clouds.scaleway,
		},
		Direct:   direct,
		Refresh:  a.newRefresher(),
		Programs: a.programs, Redact: a.redactor(), ConfirmWait: a.config.confirmWait, Dir: a.runs,
		Network: way, Sandbox: a.confiner.Sandbox,
	})
}

// redactor knows Aurora's own secrets besides the shapes of everybody's.
func (a *app) redactor() providers.Redactor {
	c := a.config
	var own []string
	for _, s := range append(c.secrets(), c.SlackClientSecret, c.SlackAppToken, c.SlackBotToken, c.OpenAIKey, c.VaultToken, c.VaultSecret, c.AuditKey, c.DatabaseURL, c.RedisURL) {
		if s != "" {
			own = append(own, s.Reveal())
		}
	}
	return providers.NewRedactor(own...)
}

func (a *app) newAgent(runner agent.Runner) (bot.Agent, error) {
	loop := &agent.Loop{Model: agent.Unconfigured{}, Runner: runner, Memory: agent.Memory{Keep: a.stores.redis}}
	if !a.config.hasModel() {
		return loop, nil
	}
	model, err := openai.New(openai.Config{BaseURL: a.config.OpenAIBase, Key: a.config.OpenAIKey, Model: a.config.Model})
	if err != nil {
		return nil, fmt.Errorf("set up the model: %w", err)
	}
	a.brain = &brain{Model: model, reach: model.Reach}
	loop.Model = a.brain
	return loop, nil
}

func (a *app) newSlack(desk *bot.Desk) *slack.Adapter {
	intake := &bot.Intake{Inbox: a.stores.sql, Clean: cleaner(a.redactor().Typed), Hurry: desk.Hurry}
	return slack.New(slack.Config{
		AppToken: a.config.SlackAppToken, BotToken: a.config.SlackBotToken, APIURL: a.config.SlackAPIURL, Sockets: a.config.SlackSockets,
		Intake: intake,
		Views:  &bot.Views{Desk: desk, Intake: intake, Recent: a.stores.sql, Opened: a.stores.redis, Log: a.log},
		Stop: func(ctx context.Context, by store.Person, place store.Place, said time.Time) (string, error) {
			return desk.Stop(ctx, by, place, said), nil
		},
		Left: func(ctx context.Context, key string, p store.Person, place store.Place) error {
			return desk.Departed(ctx, key, p, place, "event")
		},
		Pace: a.stores.redis.Pace, LinkHosts: linkHosts(a.config.PublicURL), Silence: a.config.silence, Log: a.log,
	})
}

func linkHosts(publicURL string) []string {
	if u, err := url.Parse(publicURL); err == nil && u.Host != "" {
		return []string{u.Host}
	}
	return nil
}

// cleaner is a way to redact as Intake and Desk want it.
type cleaner func(text string) string

// Clean takes secrets out of a text and says whether it found one.
func (c cleaner) Clean(text string) (clean string, found int) {
	clean = c(text)
	if clean != text {
		found = 1
	}
	return clean, found
}

// headsEvery is how often the head of the audit chain goes to the log, where a cut tail would show.
const headsEvery = time.Minute

// logHeads writes the audit's head to the log until ctx ends.
func logHeads(ctx context.Context, db *sql.DB, log zerolog.Logger) error {
	tick := time.NewTicker(headsEvery)
	defer tick.Stop()
	for {
		seq, hash, err := db.AuditHead(ctx)
		if err == nil {
			log.Info().Int64("seq", seq).Str("hash", hash).Msg("audit head")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
