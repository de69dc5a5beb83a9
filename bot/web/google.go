package web

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"aurora/bot"
	"aurora/providers"
	"aurora/providers/gcp"
)

// GCP links Google Cloud by a person's consent, or by a service account's key.
type GCP struct{ Connector *gcp.Connector }

const (
	choiceRead = "read"
	choiceWide = "wide:" // the account follows
)

// Page offers the consent to read, the wider one for what only reads so far, and a field for a key.
func (l GCP) Page(_ context.Context, t bot.ConnectTicket) Page {
	p := Page{
		Or:     "Or connect a service account instead of yourself",
		Fields: []Field{{Name: "key", Label: "Service account key", Hint: "the whole JSON file that Google gave you", Secret: true, Lines: true}},
	}
	if !l.Connector.CanSignIn() {
		p.Or = ""
		p.Steps = []string{"Signing in with Google is not set up here, so Aurora takes the key of a service account. Give that service account what Aurora may do at most: the role Viewer is enough for Ask mode."}
		return p
	}
	p.Steps = []string{
		"Sign in with Google and let Aurora read your Google Cloud data. That is enough for Ask mode, and Aurora cannot change anything with it.",
		"If Aurora may change things for you in Agent mode, give a second, wider consent afterwards.",
	}
	p.Choices = []Choice{{Value: choiceRead, Label: "Sign in with Google", Hint: "Aurora asks to read, nothing more."}}
	for _, account := range t.ReadOnly {
		p.Choices = append(p.Choices, Choice{Value: choiceWide + account, Label: "Allow changes in Agent mode: " + account,
			Hint: "Google asks you once more. Whatever stops, deletes or opens something still waits for your click."})
	}
	return p
}

// Link takes a service account's key.
func (l GCP) Link(ctx context.Context, _ bot.ConnectTicket, form url.Values) (Linked, error) {
	in, err := l.Connector.ConnectKey(ctx, form.Get("key"))
	if err != nil {
		return Linked{}, err
	}
	return linked(in), nil
}

// Begin asks to read, or for more of an account that only reads.
func (l GCP) Begin(t bot.ConnectTicket, choice, redirect string) (providers.SignIn, error) {
	account, wide := strings.CutPrefix(choice, choiceWide)
	if wide && !slices.Contains(t.ReadOnly, account) || !wide && choice != choiceRead {
		return providers.SignIn{}, notOffered()
	}
	in := providers.NewSignIn(redirect, wide)
	if wide {
		in.LoginHint = account
	}
	return in, nil
}

// AuthURL is Google's page.
func (l GCP) AuthURL(state string, in providers.SignIn) (string, error) {
	return l.Connector.AuthURL(state, in)
}

// Finish trades what Google sent back for a connection. Google vouches for the e-mail address, which names the account.
func (l GCP) Finish(ctx context.Context, in providers.SignIn, callback url.Values) (Linked, error) {
	signed, err := l.Connector.Finish(ctx, in, callback)
	if err != nil {
		return Linked{}, err
	}
	out := linked(signed)
	out.Email, out.Merge = signed.Account, true
	return out, nil
}

func notOffered() error {
	return &providers.Problem{Code: providers.CodeRefused, Sentence: "The page does not offer that. Go back, and choose one of its buttons."}
}

// linked is what providers call a connection that can be stored, in our words.
func linked(in providers.SignedIn) Linked {
	return Linked{Account: in.Account, Label: in.Label, Region: in.Region, Projects: in.Projects, Settings: in.Settings,
		ReadOnly: in.ReadOnly, Credential: in.Credential, Note: in.Reduced}
}
