package main

import (
	"context"
	dbsql "database/sql"
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aurora/bot"
	"aurora/bot/slack/slacksim"
	"aurora/bot/web"
	"aurora/providers/cloudsim"
	"aurora/store"
)

// doubtful is a world where a link proves nothing and nobody signs in with Slack.
func doubtful(t *testing.T, email string) *story {
	t.Helper()
	o := worldOptions{change: func(c *config) { c.proveAll = true }}
	o.slack = slacksim.Config{People: []slacksim.Person{{ID: eve, Name: "eve", RealName: "Eve Adebayo", Email: email}},
		Scopes: append(slacksim.DefaultScopes(), "users:read.email")}
	s := &story{world: newWorld(t, o), channel: rooms["ops"]}
	if err := s.sims.slack.Join(eve, s.channel); err != nil {
		t.Fatal(err)
	}
	return s
}

// adminAsked moves to the direct messages of Chloe, the admin, once she was asked.
func (s *story) adminAsked() string {
	s.t.Helper()
	chloe := people["chloe"]
	dm, err := s.sims.slack.OpenDM(chloe)
	if err != nil {
		s.t.Fatal(err)
	}
	s.channel = dm
	s.mustSee(chloe, "cannot be used until an admin says so")
	return chloe
}

// presses presses the newest button of an action.
func (s *story) presses(who, action string) {
	s.t.Helper()
	b := s.button(who, action)
	if _, err := s.sims.slack.Click(who, s.channel, b.ts, b.action); err != nil {
		s.t.Fatal(err)
	}
}

// waiting are the connections of Eve that wait for an admin.
func (s *story) waiting() []store.PendingConnection {
	s.t.Helper()
	user, err := s.app.stores.sql.Person(s.t.Context(), store.Person{Platform: store.Slack, Team: s.sims.slack.TeamID(), ID: eve})
	if err != nil {
		s.t.Fatal(err)
	}
	list, err := s.app.stores.sql.PendingOf(s.t.Context(), user.OrgID, user.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func (s *story) connectsAWS() {
	s.t.Helper()
	b := newSurfer(s.t)
	link := s.linkFor(eve, "aws")
	s.trusting(cloudsim.RoleReadOnly, b.load(http.MethodGet, link, nil))
	b.submit(link, roleForm(cloudsim.RoleReadOnly, "us-east-1")).says(s.t, http.StatusOK, "Waiting for an admin", "nothing proves yet")
}

func TestAnUnprovenConnectionWaitsForAnAdmin(t *testing.T) {
	t.Parallel()
	s := doubtful(t, "eve@nimbus.example")
	s.connectsAWS()
	s.mustSee(eve, "waits for an Aurora admin")
	if conns := s.connections(eve); len(conns) != 0 {
		t.Fatalf("it can be used: %v", conns)
	}
	waiting := s.waiting()
	if len(waiting) != 1 || waiting[0].Connection.Account != cloudsim.ProdAccount {
		t.Fatalf("there wait %v", waiting)
	}
	aside := strings.TrimPrefix(waiting[0].Connection.Token, "vault:")
	chloe := s.adminAsked()
	s.presses(chloe, "admit")
	s.mustSee(chloe, "is approved for eve")
	conn := s.onlyConnection(eve)
	cred, _, err := s.app.stores.keeper.Get(t.Context(), strings.TrimPrefix(conn.Token, "vault:"))
	if err != nil || cred.Get("role_arn") != cloudsim.RoleReadOnly {
		t.Errorf("the credential is for %s: %v", cred.Get("role_arn"), err)
	}
	if _, _, err := s.app.stores.keeper.Get(t.Context(), aside); err == nil || len(s.waiting()) != 0 {
		t.Errorf("something is left over: %v, %v", err, s.waiting())
	}
	s.presses(chloe, "expel")
	s.mustSee(chloe, "does not wait any more")
	if len(s.connections(eve)) != 1 {
		t.Error("a late refusal took it away")
	}
	s.channel = rooms["ops"]
	s.mustSee(eve, "aws account "+cloudsim.ProdAccount+" is connected for you")
}

func TestARefusedConnectionIsErased(t *testing.T) {
	t.Parallel()
	s := doubtful(t, "eve@nimbus.example")
	s.connectsAWS()
	aside := strings.TrimPrefix(s.waiting()[0].Connection.Token, "vault:")
	chloe := s.adminAsked()
	s.presses(chloe, "expel")
	s.mustSee(chloe, "is refused, and its credential is erased")
	if _, _, err := s.app.stores.keeper.Get(t.Context(), aside); err == nil || len(s.waiting()) != 0 || len(s.connections(eve)) != 0 {
		t.Errorf("something is left: %v, %v, %v", err, s.waiting(), s.connections(eve))
	}
	s.channel = rooms["ops"]
	s.mustSee(eve, "was not approved (refused)")
}

func TestTheCloudsWordForAnAddressIsEnough(t *testing.T) {
	t.Parallel()
	for email, title := range map[string]string{"Ada@Example.com": "Connected", "eve@nimbus.example": "Waiting for an admin", "": "Waiting for an admin"} {
		s := doubtful(t, email)
		s.consents("gcp", cloudsim.Consent{Account: cloudsim.GCPUser})
		b := newSurfer(t)
		b.load(http.MethodGet, s.linkFor(eve, "gcp"), nil)
		b.press(consentTo("read")).says(t, http.StatusOK, title)
		if n := len(s.connections(eve)); (n == 1) != (title == "Connected") {
			t.Errorf("%q: %d connections", email, n)
		}
		if title != "Connected" {
			continue
		}
		// The same identity again, here for more, needs no further word.
		b.press(consentTo("wide:"+cloudsim.GCPUser)).says(t, http.StatusOK, "Connected")
		b = newSurfer(t)
		b.load(http.MethodGet, s.linkFor(eve, "gcp"), nil)
		b.press(url.Values{"key": {s.sims.clouds.ServiceAccountKey(cloudsim.GCPAccount)}}).says(t, http.StatusOK, "Waiting for an admin")
	}
}

func TestWhatWaitsTooLongIsErased(t *testing.T) {
	t.Parallel()
	s := doubtful(t, "")
	s.connectsAWS()
	p := s.waiting()[0]
	if err := s.app.web.DropDue(t.Context()); err != nil || len(s.waiting()) != 1 {
		t.Fatalf("it was dropped at once: %v", err)
	}
	s.ages(p.ID, store.PendingLife+time.Minute)
	if _, err := s.app.web.Admit(t.Context(), p.Connection.OrgID, wordOn(p, true), p.Person); err == nil {
		t.Error("it was approved after its time")
	}
	if err := s.app.web.DropDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.app.stores.keeper.Get(t.Context(), strings.TrimPrefix(p.Connection.Token, "vault:")); err == nil || len(s.waiting()) != 0 {
		t.Errorf("something is left: %v, %v", err, s.waiting())
	}
	s.mustSee(eve, "was not approved (expired)")
}

func TestNothingComesIntoUseForWhoLeft(t *testing.T) {
	t.Parallel()
	s := doubtful(t, "")
	s.connectsAWS()
	p := s.waiting()[0]
	user := p.Connection.UserID
	if err := s.app.stores.sql.Depart(t.Context(), p.Connection.OrgID, user, store.Person{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.app.web.Admit(t.Context(), p.Connection.OrgID, wordOn(p, true), p.Person); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("it was approved: %v", err)
	}
	inUse := store.CredentialPath(p.Connection.OrgID, user, store.AWS, p.Connection.Account, true)
	if _, _, err := s.app.stores.keeper.Get(t.Context(), inUse); !errors.Is(err, store.ErrNotFound) || len(s.connections(eve)) != 0 {
		t.Errorf("it can be used: %v, %v", err, s.connections(eve))
	}
}

func TestOneWordAtATimeIsCarriedOutOnWhatWaits(t *testing.T) {
	t.Parallel()
	s := doubtful(t, "")
	s.connectsAWS()
	p := s.waiting()[0]
	revoking, revoked := make(chan struct{}), make(chan struct{})
	other := *s.app.web // a replica whose cloud takes its time
	other.Forget = func(ctx context.Context, c store.Connection) (string, error) {
		close(revoking)
		<-revoked
		return s.app.forget(ctx, c)
	}
	refused := make(chan error, 1)
	go func() {
		_, err := other.Admit(t.Context(), p.Connection.OrgID, wordOn(p, false), p.Person)
		refused <- err
	}()
	<-revoking
	_, err := s.app.web.Admit(t.Context(), p.Connection.OrgID, wordOn(p, true), s.admin())
	if _, later := errors.AsType[*bot.Later](err); !later || len(s.connections(eve)) != 0 {
		t.Errorf("approved while it is refused: %v, %v", err, s.connections(eve))
	}
	s.ages(p.ID, store.PendingLife+time.Minute)
	if err := s.app.web.DropDue(t.Context()); err != nil || len(s.waiting()) != 1 {
		t.Errorf("dropped while it is refused: %v", err)
	}
	close(revoked)
	if err := <-refused; err != nil {
		t.Error(err)
	}
	_, err = s.app.web.Admit(t.Context(), p.Connection.OrgID, wordOn(p, true), s.admin())
	if !errors.Is(err, store.ErrNotFound) || len(s.connections(eve)) != 0 {
		t.Errorf("approved after it was refused: %v, %v", err, s.connections(eve))
	}
}

// flaky is a keeper that cannot erase, once.
type flaky struct {
	web.Keeper
	failed bool
}

func (f *flaky) Delete(ctx context.Context, path string) error {
	if !f.failed {
		f.failed = true
		return store.ErrUnavailable
	}
	return f.Keeper.Delete(ctx, path)
}

func TestAnApprovalThatIsCutShortIsOneAndLeavesNothing(t *testing.T) {
	t.Parallel()
	s := doubtful(t, "")
	s.connectsAWS()
	p := s.waiting()[0]
	pages := *s.app.web
	pages.Keeper = &flaky{Keeper: s.app.stores.keeper}
	if _, err := pages.Admit(t.Context(), p.Connection.OrgID, wordOn(p, true), s.admin()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("it was not cut short: %v", err)
	}
	if conns := s.connections(eve); len(conns) != 1 || len(s.waiting()) != 0 {
		t.Errorf("in use: %v, waiting: %v", conns, s.waiting())
	}
	if _, err := pages.Admit(t.Context(), p.Connection.OrgID, wordOn(p, true), s.admin()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("approved twice: %v", err)
	}
	if _, _, err := s.app.stores.keeper.Get(t.Context(), strings.TrimPrefix(p.Connection.Token, "vault:")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a copy of the credential is left: %v", err)
	}
	if conn := s.onlyConnection(eve); conn.Generation != 1 {
		t.Errorf("it was put into use %d times", conn.Generation)
	}
}

func wordOn(p store.PendingConnection, good bool) bot.Word {
	return bot.Word{Pending: p.ID, Token: p.Connection.Token, Good: good}
}

// admin is Chloe.
func (s *story) admin() store.Person {
	return store.Person{Platform: store.Slack, Team: s.sims.slack.TeamID(), ID: people["chloe"]}
}

// ages makes a connection that waits older than it is.
func (s *story) ages(id string, by time.Duration) {
	s.t.Helper()
	db, err := dbsql.Open("sqlite", filepath.Join(s.cfg.DataDir, "aurora.db"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	past := time.Now().UTC().Add(-by).Format("2006-01-02 15:04:05.000")
	if _, err := db.ExecContext(s.t.Context(), `UPDATE pending_connections SET created_at = $1 WHERE id = $2`, past, id); err != nil {
		s.t.Fatal(err)
	}
}
