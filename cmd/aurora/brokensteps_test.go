package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"aurora/bot/slack/slacksim"
	"aurora/store"
)

// hears waits for a message in a person's direct messages, and wants it there once; or never now.
func (s *story) hears(who, often, text string) error {
	dm, err := s.sims.slack.OpenDM(people[who])
	if err != nil {
		return err
	}
	count := func() (n int) {
		messages, err := s.sims.slack.Messages(people[who], dm)
		if err != nil {
			return 0
		}
		for _, m := range messages {
			if m.User == aurora && strings.Contains(flat(m.Plain), text) {
				n++
			}
		}
		return n
	}
	want := map[string]int{"once": 1, "never": 0}[often]
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.sims.slack.Wait(ctx, func() bool { return count() >= want }); err != nil {
		return fmt.Errorf("%s did not come to hear it: %w", who, err)
	}
	if n := count(); n != want {
		return fmt.Errorf("%s hears it %d times", who, n)
	}
	return nil
}

// takeBack has Tailscale forget the client that everybody's connections were made with.
func (s *story) takeBack() error {
	n, err := s.sims.clouds.Revoke("tailscale", s.sims.clouds.TailscaleClient().ID)
	if err == nil && n != 1 {
		err = fmt.Errorf("%d clients were taken back", n)
	}
	return err
}

// TestTheNewsOfABrokenConnectionIsNeitherLostNorDoubled has the process end while the news is told, at the two worst
// moments: before anything is said, and when it was said and Slack's answer did not come.
func TestTheNewsOfABrokenConnectionIsNeitherLostNorDoubled(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]slacksim.Fault{
		"before it is said": {Method: "conversations.open", Kind: slacksim.FaultHoldBefore},
		"after it was said": {Method: "chat.postMessage", Kind: slacksim.FaultHoldAfter, Skip: 1}, // the first is the placeholder
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &story{world: newWorld(t, worldOptions{})}
			if err := s.takeBack(); err != nil {
				t.Fatal(err)
			}
			held := s.sims.slack.Inject(f)
			if err := s.say("ada", "ops", "@aurora run tailscale device list"); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := s.sims.slack.WaitHeld(ctx, held); err != nil {
				t.Fatalf("%v\n%s", err, s.dump())
			}
			s.restart()
			s.sims.slack.Release(held)
			if err := s.hears("ada", "once", "needs a new sign-in"); err != nil {
				t.Fatalf("%v\n%s", err, s.dump())
			}
			if err := s.quiet(); err != nil {
				t.Error(err)
			}
			if err := s.hears("ada", "once", "needs a new sign-in"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAdminsHearOfTheOrganisationsBrokenConnection(t *testing.T) {
	t.Parallel()
	s := &story{world: newWorld(t, worldOptions{})}
	if err := s.say("chloe", "ops", "@aurora whoami"); err != nil {
		t.Fatal(err)
	}
	s.mustSee(people["chloe"], "admin")
	by := store.Person{Platform: store.Slack, Team: s.sims.slack.TeamID(), ID: people["chloe"]}
	db := s.app.stores.sql
	chloe, err := db.Person(t.Context(), by)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := db.Connect(t.Context(), store.Connection{OrgID: chloe.OrgID, Cloud: store.AWS, Account: "555566667777", Token: "vault:kv/data/x"}, by)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.BreakConnection(t.Context(), shared); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Your organisation's connection to aws, 555566667777, needs a new sign-in", "Say connect aws for everyone"} {
		if err := s.hears("chloe", "once", want); err != nil {
			t.Fatalf("%v\n%s", err, s.dump())
		}
	}
	if err := s.hears("ada", "never", "new sign-in"); err != nil {
		t.Error(err)
	}
}
