package main

import (
	"context"
	"errors"
	"maps"
	"slices"

	"aurora/bot"
	"aurora/bot/web"
	"aurora/store"
)

// connectable are the clouds that people can link here, in the order they are shown.
func (a *app) connectable() []store.Cloud {
	clouds := []store.Cloud{store.AWS, store.GCP, store.Azure, store.Scaleway, store.Tailscale}
	if a.clouds.ovh != nil {
		clouds = append(clouds, store.OVH)
	}
	return clouds
}

// linkers say how each of them is linked.
func (a *app) linkers() map[store.Cloud]web.Linker {
	all := map[store.Cloud]web.Linker{
		store.AWS:   web.AWS{Connector: a.clouds.aws, Template: a.config.AWSTemplate},
		store.GCP:   web.GCP{Connector: a.clouds.gcp},
		store.Azure: web.Azure{Connector: a.clouds.azure}, store.Scaleway: web.Scaleway{Connector: a.clouds.scaleway},
		store.Tailscale: web.Tailscale{Connector: a.clouds.tailscale},
	}
	if slices.Contains(a.connectable(), store.OVH) {
		all[store.OVH] = web.OVH{Connector: a.clouds.ovh}
	}
	return all
}

// newPages makes Aurora's own pages.
func (a *app) newPages(admins map[store.Person]bool) *web.Server {
	db, mem := a.stores.sql, a.stores.redis
	pages := &web.Server{
		PublicURL: a.config.PublicURL, Tickets: mem, Browsers: mem, States: mem, Keeper: a.stores.keeper, Connections: db, Projects: db,
		Shared:  a.sharedLinkers(),
		Linkers: a.linkers(), Chats: map[store.Platform]web.Whisperer{store.Slack: a.slack},
		Homes: map[store.Platform]bot.Homes{store.Slack: a.slack}, Log: a.log,
		Local: a.config.local(), Waiting: db, Leases: mem, Admins: db, Users: db, Forget: a.forget,
		Sessions: mem, Audit: db, Uses: db, Disconnects: db, Counter: mem, Proxies: a.config.proxies(),
		Chiefs: slices.Collect(maps.Keys(admins)), People: map[store.Platform]web.Directory{store.Slack: a.slack},
		Tellers: map[store.Platform]web.Teller{store.Slack: a.slack},
	}
	if c := a.config; c.SlackClientID != "" && c.SlackClientSecret != "" {
		pages.Slack = web.NewSlackSignIn(c.SlackClientID, c.SlackClientSecret, c.SlackAPIURL)
	}
	return pages
}

// admit carries out an admin's word on a connection that waits.
func (a *app) admit(ctx context.Context, orgID string, word bot.Word, by store.Person) (string, error) {
	return a.web.Admit(ctx, orgID, word, by)
}

// withdraw takes back what waits for an admin, for whoever connected it.
func (a *app) withdraw(ctx context.Context, orgID, pendingID string, by store.Person) (string, error) {
	return a.web.Withdraw(ctx, orgID, pendingID, by)
}

// prune forgets what is over.
func (a *app) prune(ctx context.Context) error {
	return errors.Join(a.stores.sql.Prune(ctx), a.web.DropDue(ctx))
}

// sharedLinkers are the clouds that an admin can connect for everyone.
func (a *app) sharedLinkers() map[store.Cloud]web.Linker {
	return map[store.Cloud]web.Linker{
		store.AWS: web.AWSForEveryone{Connector: a.clouds.aws, Template: a.config.AWSTemplate}, store.Azure: web.AzureForEveryone{Connector: a.clouds.azure},
		store.GCP: web.GCPForEveryone{Connector: a.clouds.gcp},
	}
}
