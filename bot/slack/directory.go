package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

const (
	freshProfile    = 5 * time.Second // a hundred clicks of one person ask Slack once
	rememberProfile = time.Minute     // used only while Slack asks to wait
)

// Profile asks Slack what kind of account a person is, and takes its word for freshProfile: who was deactivated or made
// a guest is refused after that at the latest. Who belongs to another team is External without asking.
func (a *Adapter) Profile(ctx context.Context, _ string, p store.Person) (bot.Profile, error) {
	id, err := a.whoAmI(ctx)
	if err != nil {
		return bot.Profile{Kind: bot.External}, notYet(a.meaning(err))
	}
	if p.Platform != store.Slack || p.Team != id.owner() {
		return bot.Profile{Kind: bot.External}, nil
	}
	if known, ok := a.people.get(p.ID, freshProfile); ok {
		return known, nil
	}
	user, err := a.api.GetUserInfoContext(ctx, p.ID)
	if err == nil {
		profile := profileOf(id, user)
		a.people.put(p.ID, profile)
		return profile, nil
	}
	switch slackWord(err) {
	case "user_not_found", "user_not_visible", "users_not_found":
		return bot.Profile{Kind: bot.External}, nil
	}
	if known, ok := a.people.get(p.ID, rememberProfile); ok && retryAfter(err) > 0 {
		return known, nil
	}
	if err = notYet(a.meaning(err)); errors.Is(err, bot.ErrUndeliverable) { // a scope is missing: asking again does not help
		a.config.Log.Error().Str("why", safe(err)).Msg("Slack does not let Aurora look people up, so nobody is answered")
		return bot.Profile{Kind: bot.Unknown}, nil
	}
	return bot.Profile{Kind: bot.External}, fmt.Errorf("ask Slack about a person: %w", err)
}

func profileOf(id identity, u *slackgo.User) bot.Profile {
	p := bot.Profile{Kind: bot.Member, Name: cmp.Or(u.Profile.DisplayName, u.RealName, u.Name), Email: u.Profile.Email}
	home := u.TeamID == id.team || u.TeamID == "" || (id.enterprise != "" && u.Enterprise.EnterpriseID == id.enterprise)
	switch {
	case u.IsBot || u.IsWorkflowBot || u.ID == "USLACKBOT" || u.ID == id.user:
		p.Kind = bot.Robot
	case u.IsStranger || !home:
		p.Kind = bot.External
	case u.Deleted:
		p.Kind = bot.Deactivated
	case u.IsRestricted || u.IsUltraRestricted:
		p.Kind = bot.Guest
	}
	return p
}

// Audience asks Slack who can read a place. Where Slack will not say, as in a private channel Aurora is not in, the place
// is taken as shared; an error means that asking again may help, and Shared is true with it as well.
func (a *Adapter) Audience(ctx context.Context, place store.Place) (bot.Audience, error) {
	if strings.HasPrefix(place.Channel, "D") { // the bot sees no direct messages but its own
		return bot.Audience{Direct: true}, nil
	}
	unknown := bot.Audience{Shared: true}
	if err := a.served(ctx, place); err != nil {
		return unknown, err
	}
	c, err := a.api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: place.Channel})
	if err != nil {
		return unknown, a.cannotTell(err)
	}
	audience := bot.Audience{Direct: c.IsIM, Name: c.Name, Others: c.IsExtShared || c.IsPendingExtShared || c.IsOrgShared || c.IsGlobalShared ||
		len(c.PendingShared) > 0 || len(c.ConnectedTeamIDs) > 0}
	if audience.Direct {
		return audience, nil
	}
	members, unlisted := a.members(ctx, place)
	if audience.Shared = audience.Others || c.IsMpIM; !audience.Shared {
		audience.Shared, err = a.outsiders(ctx, members, unlisted)
	}
	switch {
	case errors.Is(err, errGuest):
		audience.Guests, err = true, nil
	case errors.Is(err, errExternal):
		audience.Others, err = true, nil
	}
	if audience.Shared && unlisted == nil {
		audience.Crowd = crowdOf(members)
	}
	return audience, err
}

// crowdOf stands for people: anybody who comes or goes makes another one of it.
func crowdOf(members []string) string {
	return store.HashNonce(strings.Join(slices.Sorted(slices.Values(members)), ","))
}

// stillFor tells whether a message is still for those who read there, as the last thing before it is sent.
func (a *Adapter) stillFor(ctx context.Context, place store.Place, m bot.Message) error {
	if m.Readers.Fresh() {
		return nil
	}
	audience, err := a.Audience(ctx, place)
	if err != nil {
		return err
	}
	if !m.Readers.May(audience) {
		return fmt.Errorf("%s: %w", place.Channel, bot.ErrOverheard)
	}
	return nil
}

// profiles remembers what accounts were, for a short while.
type profiles struct {
	mu    sync.Mutex
	seen  map[string]seenProfile
	pages int              // of the workspace's list, when it was last read
	now   func() time.Time // time.Now when nil

	reading sync.Mutex // held by who reads the whole list: the others want the same
}

type seenProfile struct {
	bot.Profile
	at time.Time
}

const profilesRoom = 20_000

func (p *profiles) put(user string, profile bot.Profile) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen == nil || len(p.seen) > profilesRoom {
		p.seen = map[string]seenProfile{}
	}
	p.seen[user] = seenProfile{profile, p.clock()}
}

func (p *profiles) forget(user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.seen, user)
}

func (p *profiles) get(user string, notOlder time.Duration) (bot.Profile, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen, ok := p.seen[user]
	return seen.Profile, ok && p.clock().Sub(seen.at) <= notOlder
}

func (p *profiles) clock() time.Time {
	if p.now == nil {
		return time.Now()
	}
	return p.now()
}
