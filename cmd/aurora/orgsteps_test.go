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

// organise makes an AWS organisation.
func (s *story) organise(accounts string) error {
	n, err := strconv.Atoi(accounts)
	if err != nil {
		return err
	}
	s.sims.clouds.Organise(n)
	return nil
}

// connectForEveryone is what an admin does with the link of `connect aws for everyone`.
func (s *story) connectForEveryone(who string) error {
	s.place()
	link := s.linkFor(people[who], "aws for everyone")
	shown := visit(s.t, http.MethodGet, link, nil)
	if !strings.Contains(shown.body, "The organisation will own it, not you") || !strings.Contains(shown.body, "create-stack-set") {
		return fmt.Errorf("the page does not say whose it will be: %s", shown.body)
	}
	found := factShape.FindStringSubmatch(shown.body)
	if found == nil {
		return fmt.Errorf("the page shows no External ID: %s", shown.body)
	}
	s.sims.clouds.TrustOrganisation(found[1])
	sent := visit(s.t, http.MethodPost, link, url.Values{"manager": {cloudsim.OrganisationManager}, "region": {"us-east-1"}})
	if sent.status != http.StatusOK || !strings.Contains(sent.body, "It reaches") {
		return fmt.Errorf("it was not connected: %d %s", sent.status, sent.body)
	}
	return nil
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
