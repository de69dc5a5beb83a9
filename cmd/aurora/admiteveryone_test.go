package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"aurora/providers/cloudsim"
	"aurora/store"
)

// A link proves nothing of an admin either: what is connected for everyone waits until one has said so in chat.
func TestAnUnprovenConnectionForEveryoneWaitsForAnAdmin(t *testing.T) {
	t.Parallel()
	s := doubtful(t, "eve@nimbus.example")
	s.sims.clouds.Organise(3)
	chloe := people["chloe"]
	b := newSurfer(t)
	link := s.linkFor(chloe, "aws for everyone")
	found := factShape.FindStringSubmatch(b.load(http.MethodGet, link, nil).body)
	if found == nil {
		t.Fatal("the page shows no External ID")
	}
	s.sims.clouds.TrustOrganisation(found[1])
	b.submit(link, url.Values{"manager": {cloudsim.OrganisationManager}, "region": {"us-east-1"}}).says(t, http.StatusOK, "Waiting for an admin")
	owned := func() []store.Connection {
		t.Helper()
		admin, err := s.app.stores.sql.Person(t.Context(), store.Person{Platform: store.Slack, Team: s.sims.slack.TeamID(), ID: chloe})
		if err != nil {
			t.Fatal(err)
		}
		conns, err := s.app.stores.sql.OrganisationConnections(t.Context(), admin.OrgID)
		if err != nil {
			t.Fatal(err)
		}
		return conns
	}
	if conns := owned(); len(conns) != 0 {
		t.Fatalf("it can be used: %v", conns)
	}
	s.adminAsked()
	s.presses(chloe, "admit")
	s.mustSee(chloe, "is approved for")
	conns := owned()
	if len(conns) != 1 || conns[0].UserID != "" || len(conns[0].Projects) != 4 || !strings.HasPrefix(conns[0].Token, "vault:kv/data/aurora/orgs/"+conns[0].OrgID+"/aws") {
		t.Fatalf("connected: %+v", conns)
	}
	if _, _, err := s.app.stores.keeper.Get(t.Context(), strings.TrimPrefix(conns[0].Token, "vault:")); err != nil {
		t.Error(err)
	}
}
