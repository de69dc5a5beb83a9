package web

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"aurora/bot"
	"aurora/providers"
	"aurora/providers/ovh"
)

// OVH links an OVHcloud account by a person's consent in one of the regions.
type OVH struct{ Connector *ovh.Connector }

// Page offers the regions where Aurora is known.
func (l OVH) Page(context.Context, bot.ConnectTicket) Page {
	p := Page{Steps: []string{
		"Choose the region your OVHcloud account is in: the regions share no accounts.",
		"OVHcloud has no consent that only reads. In Ask mode Aurora itself sends nothing but reading requests.",
	}}
	for _, region := range l.Connector.Regions() {
		p.Choices = append(p.Choices, Choice{Value: region, Label: "Sign in to OVHcloud " + strings.ToUpper(region)})
	}
	if p.Choices == nil {
		p.Steps = []string{"Signing in to OVHcloud is not set up here: whoever runs Aurora sets OVH_EU_CLIENT_ID and OVH_EU_CLIENT_SECRET, or those of another region."}
	}
	return p
}

// Link refuses: there is no form.
func (OVH) Link(context.Context, bot.ConnectTicket, url.Values) (Linked, error) {
	return Linked{}, notOffered()
}

// Begin begins in the chosen region.
func (l OVH) Begin(_ bot.ConnectTicket, choice, redirect string) (providers.SignIn, error) {
	if !slices.Contains(l.Connector.Regions(), choice) {
		return providers.SignIn{}, notOffered()
	}
	in := providers.NewSignIn(redirect, true)
	in.Region = choice
	return in, nil
}

// AuthURL is the region's page.
func (l OVH) AuthURL(state string, in providers.SignIn) (string, error) {
	return l.Connector.AuthURL(state, in)
}

// Finish trades what the region sent back for a connection. OVHcloud names an account, not an e-mail address.
func (l OVH) Finish(ctx context.Context, in providers.SignIn, callback url.Values) (Linked, error) {
	signed, err := l.Connector.Finish(ctx, in, callback)
	if err != nil {
		return Linked{}, err
	}
	out := linked(signed)
	out.Merge = true
	return out, nil
}
