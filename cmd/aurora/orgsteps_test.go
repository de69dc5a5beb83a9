package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"aurora/providers/cloudsim"
	"aurora/store"
)

// organise makes an organisation at each of the three clouds that can be connected for everyone.
func (s *story) organise(accounts string) error {
	n, err := strconv.Atoi(accounts)
	if err != nil {
		return err
	}
	s.sims.clouds.Organise(n)
	s.sims.clouds.OrganiseGCP(n)
	s.sims.clouds.OrganiseAzure(n)
	return nil
}

// connectForEveryone is what an admin does with the link of `connect <cloud> for everyone`.
func (s *story) connectForEveryone(who, cloud string) error {
	s.place()
	link := s.linkFor(people[who], cloud+" for everyone")
	shown := visit(s.t, http.MethodGet, link, nil)
	if !strings.Contains(shown.body, "The organisation will own it, not you") {
		return fmt.Errorf("the page does not say whose it will be: %s", shown.body)
	}
	sent := visit(s.t, http.MethodPost, link, s.formForEveryone(cloud, shown))
	if sent.status != http.StatusOK || !strings.Contains(sent.body, "is connected for everyone") {
		return fmt.Errorf("it was not connected: %d %s", sent.status, sent.body)
	}
	return nil
}

// formForEveryone does what the page asks for at the cloud, and fills it in.
func (s *story) formForEveryone(cloud string, shown page) url.Values {
	sim := s.sims.clouds
	switch cloud {
	case "gcp":
		return url.Values{"folder": {cloudsim.GCPFolder}, "reader": {cloudsim.GCPReader}, "operator": {cloudsim.GCPOperator}, "key": {sim.ServiceAccountKey(cloudsim.GCPBase)}}
	case "azure":
		full, reader := sim.AzurePrincipals()[0], sim.AzurePrincipals()[1]
		return url.Values{
			"tenant_id": {sim.World().Azure.Tenant}, "management_group": {cloudsim.AzureGroup}, "client_id": {full.ClientID}, "client_secret": {full.Secret},
			"reader_client_id": {reader.ClientID}, "reader_client_secret": {reader.Secret},
		}
	}
	found := factShape.FindStringSubmatch(shown.body)
	if found == nil || !strings.Contains(shown.body, "create-stack-set") {
		s.t.Fatalf("the page shows no External ID, or no StackSet: %s", shown.body)
	}
	sim.TrustOrganisation(found[1])
	return url.Values{"manager": {cloudsim.OrganisationManager}, "region": {"us-east-1"}}
}

// nothingLeft waits until a person who left has nothing any more.
func (s *story) nothingLeft(who string) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	db := s.app.stores.sql
	user, err := db.Person(ctx, store.Person{Platform: store.Slack, Team: s.sims.slack.TeamID(), ID: people[who]})
	if err != nil {
		return err
	}
	err = s.sims.slack.Wait(ctx, func() bool {
		conns, err := db.Connections(ctx, user.OrgID, user.ID)
		return err == nil && len(conns) == 0
	})
	if err != nil {
		return fmt.Errorf("connections are still there: %w", err)
	}
	for _, cloud := range store.Clouds() {
		_, _, err := s.app.stores.keeper.Get(ctx, store.CredentialPath(user.OrgID, user.ID, cloud, "", true))
		if !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("the %s credential is still there: %w", cloud, err)
		}
	}
	if user, err = db.UserByID(ctx, user.OrgID, user.ID); err == nil && (user.Active || user.Role != store.Viewer) {
		err = fmt.Errorf("the user is %+v", user)
	}
	return err
}
