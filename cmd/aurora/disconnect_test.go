package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"aurora/bot"
	"aurora/providers/cloudsim"
	"aurora/store"
)

// parting is a stage where credentials are erased for real.
type parting struct {
	*stage
	forgot int
}

func newParting(t *testing.T) *parting {
	t.Helper()
	p := &parting{stage: newStage(t, stageOptions{redisURL: "redis://" + miniredis.RunT(t).Addr() + "/0"})}
	p.desk.Settings.Forget = func(ctx context.Context, c store.Connection) (string, error) {
		p.forgot++
		return "", p.stores.keeper.Delete(ctx, strings.TrimPrefix(c.Token, "vault:"))
	}
	return p
}

// asks says a verb and gives the words and buttons that came back to that person alone.
func (p *parting) asks(who, text string) (said string, buttons []bot.Button) {
	p.t.Helper()
	p.room.heard()
	p.say(person(who), inHouse, "", text)
	for _, u := range p.room.heard() {
		if u.to == who {
			said, buttons = said+u.message.Notice, append(buttons, u.message.Buttons...)
		}
	}
	return said, buttons
}

// presses presses a button and gives what the presser hears.
func (p *parting) presses(who string, b bot.Button) (said string) {
	p.t.Helper()
	p.room.heard()
	p.press(person(who), inHouse, "900.1", b, p.stamp())
	for _, u := range p.room.heard() {
		if u.to == who {
			said += u.message.Notice
		}
	}
	return said
}

// stands tells whether the credential of a connection and its row are both there.
func (p *parting) stands(c store.Connection) bool {
	p.t.Helper()
	mine, err := p.stores.sql.Connections(p.t.Context(), c.OrgID, c.UserID)
	p.must(err)
	everyones, err := p.stores.sql.OrganisationConnections(p.t.Context(), c.OrgID)
	p.must(err)
	row := false
	for _, known := range append(mine, everyones...) {
		row = row || known.ID == c.ID
	}
	_, _, err = p.stores.keeper.Get(p.t.Context(), strings.TrimPrefix(c.Token, "vault:"))
	return row && err == nil
}

func TestDisconnectAsksTheAskerFirst(t *testing.T) {
	t.Parallel()
	p := newParting(t)
	adas := p.connect("ada", store.Connection{Cloud: store.AWS, Account: "111122223333"}, "secret-1")
	further := p.connect("ada", store.Connection{Cloud: store.GCP, Account: "ada@example.com"}, "secret-2")
	said, buttons := p.asks("ada", "disconnect aws")
	if len(buttons) != 1 || !strings.Contains(said, "Disconnect aws 111122223333?") || !strings.Contains(said, "Cards that wait") {
		t.Fatalf("Ada is asked %q with %d buttons", said, len(buttons))
	}
	for _, other := range []string{"ben", "chloe"} {
		if said := p.presses(other, buttons[0]); !strings.Contains(said, "for the person who asked") {
			t.Errorf("%s is told %q", other, said)
		}
	}
	if p.forgot != 0 || !p.stands(adas) {
		t.Fatal("it went before she pressed")
	}
	if said := p.presses("ada", buttons[0]); !strings.Contains(said, "is disconnected and its credential is erased") || p.stands(adas) {
		t.Errorf("Ada is told %q", said)
	}
	if said := p.presses("ada", buttons[0]); !strings.Contains(said, "not connected any more") || p.forgot != 1 || !p.stands(further) {
		t.Errorf("the second press says %q, %d credentials were erased", said, p.forgot)
	}
}

func TestDisconnectTakesOnlyTheGenerationThatWasNamed(t *testing.T) {
	t.Parallel()
	p := newParting(t)
	adas := p.connect("ada", store.Connection{Cloud: store.AWS, Account: "111122223333"}, "secret-1")
	_, buttons := p.asks("ada", "disconnect aws")
	again, err := p.stores.sql.Connect(t.Context(), adas, person("ada"))
	p.must(err)
	if said := p.presses("ada", buttons[0]); !strings.Contains(said, "was connected again since you were asked") || !p.stands(again) {
		t.Errorf("Ada is told %q", said)
	}
	// Here it is connected again after the press, in the seconds that a cloud takes to revoke.
	_, buttons = p.asks("ada", "disconnect aws")
	forget := p.desk.Settings.Forget
	p.desk.Settings.Forget = func(ctx context.Context, c store.Connection) (string, error) {
		said, err := forget(ctx, c)
		cred := store.NewCredential(map[string]string{"access_token": "secret-2"})
		_, kept := p.stores.keeper.Put(ctx, strings.TrimPrefix(c.Token, "vault:"), cred, 0)
		_, connected := p.stores.sql.Connect(ctx, c, person("ada"))
		return said, errors.Join(err, kept, connected)
	}
	if said := p.presses("ada", buttons[0]); !strings.Contains(said, "was connected again while") || !p.stands(again) {
		t.Errorf("Ada is told %q, and the new credential is nobody's", said)
	}
}

func TestDisconnectForEveryoneNamesTheGrants(t *testing.T) {
	t.Parallel()
	p := newParting(t)
	everyones := p.connect("", store.Connection{Cloud: store.AWS, Account: "777788889999", Projects: []string{"111122223333", "444455556666"}}, "secret-4")
	p.must(p.stores.sql.Grant(t.Context(), p.org.ID, store.Grant{ConnectionID: everyones.ID, Role: store.Operator, MaxEffect: "write"}, person("chloe")))
	if said, buttons := p.asks("ada", "disconnect aws for everyone"); len(buttons) != 0 || !strings.Contains(said, "Only Aurora admins") {
		t.Errorf("Ada is told %q", said)
	}
	said, buttons := p.asks("chloe", "disconnect aws for everyone")
	if len(buttons) != 1 || !strings.Contains(said, "reaches 2 projects or accounts") || !strings.Contains(said, "to every operator, up to write") {
		t.Fatalf("Chloe is asked %q with %d buttons", said, len(buttons))
	}
	p.must(p.stores.sql.SetRole(t.Context(), p.org.ID, person("otto"), p.users["chloe"].ID, store.Operator))
	if said := p.presses("chloe", buttons[0]); !strings.Contains(said, "Only Aurora admins") || !p.stands(everyones) {
		t.Errorf("Chloe, who is no admin any more, is told %q", said)
	}
	p.must(p.stores.sql.SetRole(t.Context(), p.org.ID, person("otto"), p.users["chloe"].ID, store.Admin))
	if said := p.presses("chloe", buttons[0]); !strings.Contains(said, "is disconnected") || p.stands(everyones) {
		t.Errorf("Chloe is told %q", said)
	}
}

func TestWhatWaitsForAnAdminCanBeWithdrawn(t *testing.T) {
	t.Parallel()
	s := doubtful(t, "eve@nimbus.example")
	s.connectsAWS()
	aside := strings.TrimPrefix(s.waiting()[0].Connection.Token, "vault:")
	s.disconnects(eve, "aws "+cloudsim.ProdAccount, "aws account "+cloudsim.ProdAccount+" is withdrawn, and its credential is erased")
	if _, _, err := s.app.stores.keeper.Get(t.Context(), aside); !errors.Is(err, store.ErrNotFound) || len(s.waiting()) != 0 {
		t.Errorf("something is left: %v, %v", err, s.waiting())
	}
	s.says(eve, "@aurora disconnect aws", "", "You have no such connection of your own to aws")
	chloe := s.adminAsked()
	s.presses(chloe, "admit")
	s.mustSee(chloe, "does not wait any more")
	if conns := s.connections(eve); len(conns) != 0 {
		t.Errorf("it came into use: %v", conns)
	}
}
