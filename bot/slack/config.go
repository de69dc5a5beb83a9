package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/rs/zerolog"
	slackgo "github.com/slack-go/slack"

	"aurora/store"
)

// Intake makes an event durable. *bot.Intake is one.
type Intake interface {
	Receive(ctx context.Context, e store.Event, payload any) (fresh bool, err error)
}

// Config says how to reach Slack and whom to tell what came from there. Tokens and Intake are required.
type Config struct {
	AppToken store.Secret // xapp-..., with connections:write
	BotToken store.Secret // xoxb-..., of the one workspace this process serves
	APIURL   string       // base of the Web API with a trailing slash; empty means Slack's own. http only on loopback
	Sockets  int          // connections held open, 1 to 10; 0 means 2

	Intake Intake
	// Views answers views; nil where there are none: no Home tab, no dialogs.
	Views Views
	// Stop ends what the person may end in that place, of what he had asked when he said so, and gives the sentence to
	// answer with: none when nothing of his runs, and his word is then kept as any other message. It is called before the acknowledgement, outside the queue, and perhaps twice for the same press.
	Stop func(ctx context.Context, by store.Person, place store.Place, said time.Time) (answer string, err error)
	// Left makes the news durable that a person's account was deactivated; key is the event's. Nil: it is not told.
	Left func(ctx context.Context, key string, p store.Person, place store.Place) error
	// Gone hears that the app was removed from a workspace or its bot token revoked. Run then ends; nil: by itself alone.
	Gone func(ctx context.Context, team string) error
	// Pace takes the next slot of a key and says how long to wait for it; the slot is taken whether or not it is used.
	// Nil: paced within this process alone.
	Pace func(ctx context.Context, key string, every time.Duration, burst int) (wait time.Duration, err error)
	// Acked hears how long each envelope waited between being read and being acknowledged. May be nil.
	Acked func(kind string, took time.Duration)

	LinkHosts []string      // host[:port] of Aurora's own pages: the only ones that are shown as links
	Silence   time.Duration // after how long without any socket the adapter is no longer ready; 0 means 30 s
	Log       zerolog.Logger
}

const (
	defaultSockets = 2
	maxSockets     = 10 // Slack's own limit per app
	defaultSilence = 30 * time.Second
)

// filled gives the configuration with every default in place.
func (c Config) filled() Config {
	c.APIURL = cmp.Or(c.APIURL, slackgo.APIURL)
	if !strings.HasSuffix(c.APIURL, "/") {
		c.APIURL += "/"
	}
	c.Sockets = cmp.Or(c.Sockets, defaultSockets)
	c.Silence = cmp.Or(c.Silence, defaultSilence)
	return c
}

// check tells everything that is wrong with the configuration at once.
func (c Config) check() error {
	var wrong []error
	if !strings.HasPrefix(c.AppToken.Reveal(), "xapp-") {
		wrong = append(wrong, errors.New("SLACK_APP_TOKEN is not an app-level token: make one with connections:write under Basic Information; it starts with xapp"))
	}
	if !strings.HasPrefix(c.BotToken.Reveal(), "xoxb-") {
		wrong = append(wrong, errors.New("SLACK_BOT_TOKEN is not a bot token: install the app and copy the Bot User OAuth Token; it starts with xoxb"))
	}
	if c.Sockets < 1 || c.Sockets > maxSockets {
		wrong = append(wrong, fmt.Errorf("AURORA_SLACK_SOCKETS is %d; Slack allows 1 to %d", c.Sockets, maxSockets))
	}
	if err := checkURL(c.APIURL); err != nil {
		wrong = append(wrong, err)
	}
	if c.Intake == nil {
		wrong = append(wrong, errors.New("the Slack adapter has no intake to give events to"))
	}
	return errors.Join(wrong...)
}

func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return errors.New("SLACK_API_URL is not an address; leave it out to use Slack's own")
	}
	if u.Scheme == "https" || (u.Scheme == "http" && isLoopback(u.Hostname())) {
		return nil
	}
	return fmt.Errorf("SLACK_API_URL %s://%s would send the tokens in the clear; use https", u.Scheme, u.Host)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
