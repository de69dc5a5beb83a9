package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

// Who reads a channel is asked at every post, so accounts are remembered; but whoever is made a guest must not be taken
// for a member for long. Slack takes about 100 users.info and 20 pages of users.list a minute.
const (
	freshMember = 15 * time.Second // how long a person seen to be a full member is taken for one
	freshPage   = 5 * time.Second  // the same for each page of a workspace whose whole list must be read, when that is longer
	memberPage  = 500
	memberPages = 10
	fewLookups  = 8  // accounts that are looked up one by one rather than by reading the list
	mostLookups = 60 // accounts looked up for one answer; with more unknown ones it "cannot be told"
)

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

// outsiders tells whether one of the members of a channel is no full member, or that this cannot be told, as where err
// kept them from being listed. errGuest or errExternal come with true when it is known who.
func (a *Adapter) outsiders(ctx context.Context, members []string, err error) (bool, error) {
	switch {
	case slackWord(err) == "unknown_method" && a.replies.local != "": // a stand-in on this machine: conversations.info's word does
		return false, nil
	case errors.Is(err, errTooMany):
		return true, nil
	case err != nil:
		return true, a.cannotTell(err)
	}
	found, err := a.outsidersAmong(ctx, members)
	// While Slack asks to wait, what it said within the last minute is believed.
	if later, asked := errors.AsType[*bot.Later](err); asked && later.After > 0 && len(a.people.stale(members, rememberProfile)) == 0 {
		return false, nil
	}
	return found, err
}

var errTooMany = errors.New("more people are there than are looked at")

// members lists who is in a channel.
func (a *Adapter) members(ctx context.Context, place store.Place) (all []string, err error) {
	cursor := ""
	for range memberPages {
		page, next, err := a.api.GetUsersInConversationContext(ctx, &slackgo.GetUsersInConversationParameters{
			ChannelID: place.Channel, Cursor: cursor, Limit: memberPage})
		if err != nil {
			return nil, err //nolint:wrapcheck // outsiders says what it means
		}
		all = append(all, page...)
		if cursor = next; cursor == "" {
			return all, nil
		}
	}
	return nil, errTooMany
}

// outsidersAmong looks up those of whom nothing fresh is known: a few one by one, many by reading the workspace's list.
func (a *Adapter) outsidersAmong(ctx context.Context, members []string) (bool, error) {
	unknown := a.people.stale(members, freshMember)
	if len(unknown) <= fewLookups {
		return a.lookUp(ctx, unknown)
	}
	if err := a.census(ctx, members); err != nil {
		return true, a.cannotTell(err)
	}
	for _, user := range members {
		p, ok := a.people.get(user, a.people.freshCensus())
		if who := outsider(p); ok && who != nil {
			return true, who
		}
	}
	unknown = a.people.stale(members, a.people.freshCensus())
	if len(unknown) > mostLookups {
		return true, nil
	}
	return a.lookUp(ctx, unknown)
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

// census reads the whole workspace, which for a big channel takes fewer calls than asking for each person. It does nothing
// when few are unknown by now: somebody else may have read it meanwhile.
func (a *Adapter) census(ctx context.Context, wanted []string) error {
	id, err := a.whoAmI(ctx)
	if err != nil {
		return err
	}
	a.people.reading.Lock()
	defer a.people.reading.Unlock()
	if len(a.people.stale(wanted, a.people.freshCensus())) <= fewLookups {
		return nil
	}
	list, read := a.api.GetUsersPaginated(slackgo.GetUsersOptionLimit(memberPage)), 0
	for range memberPages {
		list, err = list.Next(ctx)
		if list.Done(err) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the list of people: %w", err)
		}
		read++
		for i := range list.Users {
			a.people.put(list.Users[i].ID, profileOf(id, &list.Users[i]))
		}
	}
	a.people.took(read)
	return nil
}

// stale gives those of whom it is not known that they were a full member, or a robot, so short a time ago.
func (p *profiles) stale(users []string, age time.Duration) []string {
	return slices.DeleteFunc(slices.Clone(users), func(user string) bool {
		known, ok := p.get(user, age)
		return ok && (known.Kind == bot.Member || known.Kind == bot.Robot)
	})
}

// took notes how many pages the list of people has.
func (p *profiles) took(pages int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pages = pages
}

// freshCensus is how long what the list said is believed: Slack's pace is kept however large the workspace is.
func (p *profiles) freshCensus() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(freshMember, time.Duration(p.pages)*freshPage)
}
