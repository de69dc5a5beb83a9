package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
	rememberMember  = 5 * time.Minute // how long a person once seen to be a full member is taken for one
	memberPage      = 500
	memberPages     = 10
	mostLookups     = 60 // accounts looked up for one answer; with more unknown ones it "cannot be told"
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
	audience.Shared = audience.Others || c.IsMpIM
	if audience.Shared || audience.Direct {
		return audience, nil
	}
	audience.Shared, err = a.outsiders(ctx, place)
	switch {
	case errors.Is(err, errGuest):
		audience.Guests, err = true, nil
	case errors.Is(err, errExternal):
		audience.Others, err = true, nil
	}
	return audience, err
}

// The errors that say who was found to read along.
var (
	errGuest    = errors.New("a guest is there")
	errExternal = errors.New("somebody of another organisation is there")
)

func outsider(p bot.Profile) error {
	switch p.Kind {
	case bot.Guest:
		return errGuest
	case bot.External:
		return errExternal
	}
	return nil
}

// outsiders tells whether somebody in the channel is no full member, or that this cannot be told. errGuest or errExternal
// come with true when it is known who.
func (a *Adapter) outsiders(ctx context.Context, place store.Place) (bool, error) {
	var unknown []string
	cursor := ""
	for range memberPages {
		members, next, err := a.api.GetUsersInConversationContext(ctx, &slackgo.GetUsersInConversationParameters{
			ChannelID: place.Channel, Cursor: cursor, Limit: memberPage})
		if slackWord(err) == "unknown_method" { // Slack has it; a platform that has not is taken at conversations.info's word
			return false, nil
		}
		if err != nil {
			return true, a.cannotTell(err)
		}
		for _, user := range members {
			if p, ok := a.people.get(user, rememberMember); !ok || (p.Kind != bot.Member && p.Kind != bot.Robot) {
				unknown = append(unknown, user)
			}
		}
		if len(unknown) > mostLookups {
			return a.census(ctx, unknown)
		}
		if cursor = next; cursor == "" {
			return a.lookUp(ctx, unknown)
		}
	}
	return true, nil
}

// cannotTell gives the errors worth asking again for; for the others the place is simply taken as shared.
func (a *Adapter) cannotTell(err error) error {
	var later *bot.Later
	if err := notYet(a.meaning(err)); errors.As(err, &later) {
		return fmt.Errorf("ask Slack who reads a channel: %w", err)
	}
	a.config.Log.Warn().Str("why", safe(err)).Msg("who reads a channel cannot be told, so output is whispered there")
	return nil
}

// lookUp asks for a few people one by one, four at a time.
func (a *Adapter) lookUp(ctx context.Context, users []string) (outsiders bool, err error) {
	id, err := a.whoAmI(ctx)
	if err != nil {
		return true, a.cannotTell(err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	room := make(chan struct{}, 4)
	var asking sync.WaitGroup
	for _, user := range users {
		room <- struct{}{}
		asking.Go(func() {
			defer func() { <-room }()
			if err := a.insider(ctx, id, user); err != nil {
				cancel(err)
			}
		})
	}
	asking.Wait()
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return false, nil
	case errors.Is(cause, errGuest), errors.Is(cause, errExternal):
		return true, cause
	default:
		return true, a.cannotTell(cause)
	}
}

func (a *Adapter) insider(ctx context.Context, id identity, user string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	u, err := a.api.GetUserInfoContext(ctx, user)
	if err != nil {
		return err
	}
	p := profileOf(id, u)
	a.people.put(user, p)
	return outsider(p)
}

// census reads the whole workspace, which for a big channel takes fewer calls than asking for each person.
func (a *Adapter) census(ctx context.Context, wanted []string) (outsiders bool, err error) {
	id, err := a.whoAmI(ctx)
	if err != nil {
		return true, a.cannotTell(err)
	}
	pages := a.api.GetUsersPaginated(slackgo.GetUsersOptionLimit(memberPage))
	for range memberPages {
		pages, err = pages.Next(ctx)
		if pages.Done(err) {
			break
		}
		if err != nil {
			return true, a.cannotTell(err)
		}
		for i := range pages.Users {
			a.people.put(pages.Users[i].ID, profileOf(id, &pages.Users[i]))
		}
	}
	var left []string
	for _, user := range wanted {
		p, ok := a.people.get(user, rememberMember)
		if who := outsider(p); ok && who != nil {
			return true, who
		}
		if !ok {
			left = append(left, user)
		}
	}
	if len(left) > mostLookups {
		return true, nil
	}
	return a.lookUp(ctx, left)
}

// profiles remembers what accounts were, for a short while.
type profiles struct {
	mu   sync.Mutex
	seen map[string]seenProfile
	now  func() time.Time // time.Now when nil
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
