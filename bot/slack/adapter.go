package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
)

var (
	_ bot.Chat      = (*Adapter)(nil)
	_ bot.Directory = (*Adapter)(nil)
	_ bot.Splitter  = (*Adapter)(nil)
	_ bot.Homes     = (*Adapter)(nil)
	_ Intake        = (*bot.Intake)(nil)
	_ Views         = (*bot.Views)(nil)
)

// Adapter is Aurora's presence in one Slack workspace. All its methods may be called from several goroutines; those of
// bot.Chat and bot.Directory also while Run does not run.
type Adapter struct {
	config  Config
	api     *slackgo.Client
	http    *http.Client
	replies *responder
	render  renderer

	self     identityCache
	line     line
	intake   intakeDoor
	counts   counters
	pace     pacer
	progress progress
	statuses statuses
	stops    recent
	homes    homes
	shared   recent // files
	people   profiles
	features features
	aside    gate       // what runs in the background
	over     chan error // why Run ends; holds one
}

const apiTimeout = 15 * time.Second

// New makes an adapter; what is wrong with the configuration is told by Run.
func New(c Config) *Adapter {
	c = c.filled()
	client := &http.Client{Timeout: apiTimeout, Transport: transport(), CheckRedirect: refuseRedirect}
	a := &Adapter{config: c, http: client}
	a.api = slackgo.New(c.BotToken.Reveal(), slackgo.OptionHTTPClient(client), slackgo.OptionAPIURL(c.APIURL),
		slackgo.OptionAppLevelToken(c.AppToken.Reveal()), slackgo.OptionLog(silent()))
	a.replies = newResponder(c.APIURL, client.Transport)
	a.render = renderer{hosts: c.LinkHosts}
	a.line.since = time.Now()
	a.intake.busy, a.intake.most = make(chan struct{}, atOnce), atMost
	a.aside.most, a.homes.room.most = backgroundRoom, homeRoom
	a.over = make(chan error, 1)
	return a
}

func transport() http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 32
	return t
}

// refuseRedirect keeps the token where it belongs: Slack's API never redirects.
func refuseRedirect(*http.Request, []*http.Request) error {
	return errors.New("the Slack API answered with a redirect, which is not followed")
}

// identity is who the bot token belongs to.
type identity struct {
	team, enterprise, user, bot, name, url string
}

// owner is the team of a Person: the enterprise where there is one.
func (i identity) owner() string {
	if i.enterprise != "" {
		return i.enterprise
	}
	return i.team
}

// identityCache keeps the answer of auth.test: a token never changes its workspace.
type identityCache struct {
	mu    sync.Mutex
	known bool
	id    identity
}

// whoAmI asks Slack once who the bot is.
func (a *Adapter) whoAmI(ctx context.Context) (identity, error) {
	a.self.mu.Lock()
	defer a.self.mu.Unlock()
	if a.self.known {
		return a.self.id, nil
	}
	answer, err := a.api.AuthTestContext(ctx)
	if err != nil {
		return identity{}, fmt.Errorf("ask Slack who the bot is: %w", err)
	}
	a.self.id = identity{team: answer.TeamID, enterprise: answer.EnterpriseID, user: answer.UserID, bot: answer.BotID, name: answer.Team, url: answer.URL}
	a.self.known = true
	return a.self.id, nil
}

// get gives what is known without asking.
func (c *identityCache) get() (identity, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id, c.known
}

// Workspace tells which workspace the bot token belongs to: the team of a Person (an enterprise's where there is one),
// the workspace's own id and its name.
func (a *Adapter) Workspace(ctx context.Context) (owner, team, name string, err error) {
	id, err := a.whoAmI(ctx)
	if err != nil {
		return "", "", "", unheard(err, "SLACK_BOT_TOKEN")
	}
	return id.owner(), id.team, id.name, nil
}

// TryAppToken asks Slack whether it would open a socket for the app-level token. None is opened.
func (a *Adapter) TryAppToken(ctx context.Context) error {
	if _, _, err := a.api.StartSocketModeContext(ctx); err != nil {
		return unheard(err, "SLACK_APP_TOKEN")
	}
	return nil
}
