package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"aurora/providers/cloudsim"
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
