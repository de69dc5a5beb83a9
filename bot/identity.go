package bot

import (
	"context"
	"errors"
	"fmt"

	"aurora/providers"
	"aurora/store"
)

// asker is a person who may use Aurora, as he stands at this moment.
type asker struct {
	Org    store.Organisation
	User   store.User
	Person store.Person
}

const (
	neutral  = "I only work for members of this workspace, so I can't help here."
	unknown  = "I can't find out who you are, since I am not allowed to look people up here. Please tell whoever runs Aurora: `aurora doctor` says what is missing."
	inactive = "Your Aurora account is switched off. Please ask one of your Aurora admins."
)

// identify finds the user behind a person, making him at first contact. refusal is what a person who may not use Aurora
// is told; it gives nothing away.
func (d *Desk) identify(ctx context.Context, place store.Place, p store.Person) (a asker, refusal string, err error) {
	profile, err := d.Chats[place.Platform].Directory.Profile(ctx, place.Team, p)
	if err != nil {
		return asker{}, "", fmt.Errorf("look up %s: %w", p, err)
	}
	if profile.Kind == Unknown {
		return asker{}, unknown, nil
	}
	if profile.Kind != Member {
		return asker{}, neutral, nil
	}
	org, err := d.Users.EnsureOrganisation(ctx, p.Platform, p.Team, "")
	if err != nil {
		return asker{}, "", fmt.Errorf("find the organisation of %s: %w", p, err)
	}
	user, _, err := d.Users.EnsureUser(ctx, org, p, d.firstRole(p))
	if err != nil {
		return asker{}, "", fmt.Errorf("find the user of %s: %w", p, err)
	}
	if !user.Active {
		if user, err = d.back(ctx, p, user); err != nil {
			return asker{}, "", err
		}
	}
	if !user.Active {
		return asker{}, inactive, nil
	}
	if user.Role, err = d.promote(ctx, org, p, user); err != nil {
		return asker{}, "", err
	}
	return asker{Org: org, User: user, Person: p}, "", nil
}

// back switches a user on again who had left and of whom the platform says now that he is a member. He starts as everybody
// does, without connections and grants: while something of before is still to be erased he stays switched off.
func (d *Desk) back(ctx context.Context, p store.Person, user store.User) (store.User, error) {
	if left, err := d.belongings(ctx, user); err != nil || len(left) > 0 {
		return user, err
	}
	returned, err := d.Departures.Return(ctx, user.OrgID, user.ID, d.firstRole(p), p)
	if err != nil || !returned {
		return user, err
	}
	if user, err = d.Users.Person(ctx, p); err != nil {
		return user, fmt.Errorf("find the user of %s: %w", p, err)
	}
	return user, nil
}

func (d *Desk) firstRole(p store.Person) store.Role {
	if d.Settings.Admins[p] {
		return store.Admin
	}
	return d.Settings.DefaultRole
}

// promote makes an admin of a user whom the configuration names, also when he was there before it did.
func (d *Desk) promote(ctx context.Context, org store.Organisation, p store.Person, user store.User) (store.Role, error) {
	if !d.Settings.Admins[p] || user.Role == store.Admin {
		return user.Role, nil
	}
	if err := d.Users.SetRole(ctx, org.ID, p, user.ID, store.Admin); err != nil {
		return "", fmt.Errorf("make %s an admin: %w", p, err)
	}
	return store.Admin, nil
}

// caller is the asker in a place: with his mode, the channel's rule and who else can read there.
func (d *Desk) caller(ctx context.Context, a asker, thread string, place store.Place) (providers.Caller, error) {
	audience, err := d.Chats[place.Platform].Directory.Audience(ctx, place)
	if err != nil {
		return providers.Caller{}, fmt.Errorf("tell who reads %s: %w", place.Channel, err)
	}
	rule, err := d.channelRule(ctx, a.Org.ID, place.Channel)
	if err != nil {
		return providers.Caller{}, err
	}
	return providers.Caller{
		Org: a.Org, User: a.User, Person: a.Person, Mode: d.mode(ctx, a.Person, thread, place),
		Thread: thread, Place: place, ChannelName: audience.Name, ChannelRule: rule, Direct: audience.Direct,
	}, nil
}

// mode is what the person chose for the thread, else for the channel, else Ask. Ask too when it cannot be told: less may
// be done then, never more.
func (d *Desk) mode(ctx context.Context, p store.Person, thread string, place store.Place) store.Mode {
	m, err := d.modeNow(ctx, p, thread, place)
	if err != nil {
		return store.Ask
	}
	return m
}

// modeNow is mode for those who would rather wait than take Ask for an answer.
func (d *Desk) modeNow(ctx context.Context, p store.Person, thread string, place store.Place) (store.Mode, error) {
	for _, key := range []string{threadMode(p, thread), channelMode(p, place)} {
		m, err := d.Modes.Mode(ctx, key)
		if err == nil {
			return m, nil
		}
		if !errors.Is(err, store.ErrNotFound) {
			return "", fmt.Errorf("read the mode: %w", err)
		}
	}
	return store.Ask, nil
}

func threadMode(p store.Person, thread string) string { return "thread:" + thread + ":" + p.String() }

func channelMode(p store.Person, place store.Place) string {
	return "channel:" + place.Team + ":" + place.Channel + ":" + p.String()
}
