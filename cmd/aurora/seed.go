package main

import (
	"context"
	"fmt"
	"strings"

	"aurora/providers/azure"
	"aurora/providers/cloudsim"
	"aurora/providers/scaleway"
	"aurora/store"
)

// connectPeople gives the playground's people what in real life they would link by themselves, so that the first
// question has an answer: Ada and Ben have the AWS production account, Google Cloud, OVHcloud and the tailnet, and Azure
// and Scaleway where their CLIs are installed. Chloe, the admin, has nothing connected and can try `connect`.
func (s *sims) connectPeople(ctx context.Context, a *app) error {
	for _, role := range []string{cloudsim.RoleAdmin, cloudsim.RoleReadOnly} {
		if err := s.clouds.SetTrust(role, s.mark); err != nil {
			return err
		}
	}
	owner, _, name, err := a.slack.Workspace(ctx)
	if err != nil {
		return err
	}
	org, err := a.stores.sql.EnsureOrganisation(ctx, store.Slack, owner, name)
	if err != nil {
		return err
	}
	for _, id := range []string{"U0ADA00001", "U0BEN00001"} {
		p := store.Person{Platform: store.Slack, Team: owner, ID: id}
		user, _, err := a.stores.sql.EnsureUser(ctx, org, p, store.Operator)
		if err != nil {
			return err
		}
		if err := s.connect(ctx, a, user, p); err != nil {
			return fmt.Errorf("connect %s: %w", id, err)
		}
	}
	return nil
}

// madeLink is a connection with its credential.
type madeLink struct {
	conn store.Connection
	cred store.Credential
}

// linkAzure connects both subscriptions: a Reader for Ask mode, a Contributor for Agent mode.
func (s *sims) linkAzure(ctx context.Context, a *app) (store.Connection, store.Credential, error) {
	full, reader := s.clouds.AzurePrincipals()[0], s.clouds.AzurePrincipals()[1]
	link, err := a.clouds.azure.Connect(ctx, azure.Setup{
		Tenant: s.clouds.World().Azure.Tenant, Principal: azure.SignIn{ClientID: full.ClientID, Secret: full.Secret}, Reader: azure.SignIn{ClientID: reader.ClientID, Secret: reader.Secret},
	})
	return store.Connection{Cloud: store.Azure, Account: link.Account, Projects: link.Projects, Settings: link.Settings}, link.Credential, err
}

func (s *sims) linkScaleway(ctx context.Context, a *app) (store.Connection, store.Credential, error) {
	full, reader := s.clouds.ScalewayKeys()[0], s.clouds.ScalewayKeys()[1]
	link, err := a.clouds.scaleway.Connect(ctx, scaleway.Setup{
		AccessKey: full.AccessKey, SecretKey: full.SecretKey, ReaderAccessKey: reader.AccessKey, ReaderSecretKey: reader.SecretKey,
	})
	return store.Connection{Cloud: store.Scaleway, Account: link.Account, Region: link.Region, Projects: link.Projects, Settings: link.Settings}, link.Credential, err
}

// maker connects one cloud.
type maker func(context.Context, *app) (store.Connection, store.Credential, error)

// links are the clouds that are connected through their connectors: those from which an answer can come. A test that needs
// few of them has no others.
func (s *sims) links(a *app) []maker {
	var all []maker
	if a.clouds.gcp != nil {
		all = append(all, s.linkGoogle)
	}
	if a.clouds.ovh != nil {
		all = append(all, s.linkOVH)
	}
	for program, link := range map[string]maker{"az": s.linkAzure, "scw": s.linkScaleway} {
		if found := a.programs[program]; found.Entry != "" && found.Err == nil {
			all = append(all, link)
		}
	}
	return all
}

// connect stores the playground's connections for a user.
func (s *sims) connect(ctx context.Context, a *app, user store.User, p store.Person) error {
	client := s.clouds.TailscaleClient()
	links := []madeLink{
		{store.Connection{Cloud: store.AWS, Account: cloudsim.ProdAccount, Region: "us-east-1", Settings: map[string]string{"role_arn": cloudsim.RoleAdmin}},
			store.NewCredential(map[string]string{"external_id": s.mark, "role_arn": cloudsim.RoleAdmin})},
		{store.Connection{Cloud: store.Tailscale, Account: cloudsim.Tailnet, Settings: map[string]string{"scopes": strings.Join(client.Scopes, " ")}},
			store.NewCredential(map[string]string{"client_id": client.ID, "client_secret": client.Secret})},
	}
	for _, link := range s.links(a) {
		conn, cred, err := link(ctx, a)
		if err != nil {
			return err
		}
		links = append(links, madeLink{conn, cred})
	}
	for _, l := range links {
		path := store.CredentialPath(user.OrgID, user.ID, l.conn.Cloud, l.conn.Account, true)
		if _, err := a.stores.keeper.Put(ctx, path, l.cred, 0); err != nil {
			return fmt.Errorf("keep the %s credential: %w", l.conn.Cloud, err)
		}
		l.conn.OrgID, l.conn.UserID, l.conn.Token, l.conn.Status = user.OrgID, user.ID, "vault:"+path, store.ConnectionActive
		if _, err := a.stores.sql.Connect(ctx, l.conn, p); err != nil {
			return fmt.Errorf("keep the %s connection: %w", l.conn.Cloud, err)
		}
	}
	return nil
}
