package scaleway

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"aurora/providers"
	"aurora/store"
)

// Setup is what the connect page sends.
type Setup struct {
	AccessKey, SecretKey string
	// The second, read-only key for Ask mode; both empty for none.
	ReaderAccessKey, ReaderSecretKey string
	Project                          string // default project, by id or name; empty for the key's own
	Region                           string // default region; empty for fr-par
	ForAurora                        bool   // the keys were made for Aurora and may be deleted when it is disconnected
}

// String never shows the keys.
func (Setup) String() string { return "[credential]" }

// GoString never shows the keys.
func (Setup) GoString() string { return "[credential]" }

// Link is a connection that was checked and can be stored.
type Link struct {
	Account    string // the organisation
	Region     string
	Projects   []string // the default one first
	Settings   map[string]string
	ReadOnly   bool
	Credential store.Credential
	Note       string // what the person should know about the key's rights, a sentence
}

// Connect checks the keys with Scaleway: from the key to its owner, the owner's organisation and its projects, and what
// the owner's policies let it do. What is wrong is a *providers.Problem with a sentence for the person.
func (c *Connector) Connect(ctx context.Context, s Setup) (Link, error) {
	region := strings.TrimSpace(s.Region)
	if region == "" {
		region = "fr-par"
	}
	if zones[region] == nil {
		return Link{}, refuse("%q is not one of Scaleway's regions: fr-par, nl-ams, pl-waw, it-mil.", region)
	}
	main, err := c.look(ctx, s.AccessKey, s.SecretKey, "the API key")
	if err != nil {
		return Link{}, err
	}
	projects, err := c.order(ctx, main, s.Project)
	if err != nil {
		return Link{}, err
	}
	link := Link{Account: main.organization, Region: region, ReadOnly: main.readOnly}
	values := map[string]string{"access_key": main.access, "secret_key": main.secret, "organization_id": main.organization}
	switch {
	case s.ReaderAccessKey != "" || s.ReaderSecretKey != "":
		reader, err := c.reader(ctx, s, main, values)
		if err != nil {
			return Link{}, err
		}
		main.expires = sooner(main.expires, reader.expires)
		link.Note = "Ask mode works with the read-only key alone."
	case main.readOnly:
		link.Note = "The key can only read, so Agent mode cannot change anything here."
	case main.known:
		link.Note = "The key may change things, and Ask mode works with it, too: it is Aurora's rules alone that keep Ask from changing anything. Connect again with a second, read-only key to have Scaleway do so as well."
	default:
		link.Note = "Aurora cannot see whether the key is read-only, so Ask mode rests on Aurora's rules alone. Connect again with a second key whose application has read-only permission sets, IAMReadOnly among them, to have Scaleway keep to them as well."
	}
	if s.ForAurora {
		values["made_for_aurora"] = "true"
	}
	link.Credential = store.NewCredential(values)
	link.Settings = map[string]string{"organization": main.organization, "zone": zones[region][0]}
	// scw's lists go over all projects that the key reaches, so a command runs once.
	link.Settings[store.SettingDefaultProject] = projects[0].ID
	if main.expires != nil {
		link.Settings[store.SettingExpires] = main.expires.UTC().Format(time.RFC3339)
		link.Note += " It works until " + main.expires.UTC().Format("2006-01-02 15:04 UTC") + ": connect again with a new key before."
	}
	names := map[string]string{}
	for _, p := range projects {
		link.Projects, names[p.ID] = append(link.Projects, p.ID), p.Name
	}
	providers.SetProjectNames(link.Settings, names)
	return link, nil
}

// holder is a key and what Scaleway says of it.
type holder struct {
	key
	organization, project string
	readOnly, known       bool
	expires               *time.Time // nil: never
}

func sooner(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.Before(*a) {
		return b
	}
	return a
}

// look follows a key to its organisation and rights. who names it in sentences.
func (c *Connector) look(ctx context.Context, access, secret, who string) (holder, error) {
	h := holder{key: key{strings.TrimSpace(access), strings.ToLower(strings.TrimSpace(secret))}}
	if !accessKey.MatchString(h.access) {
		return h, refuse("That is not the access key of %s: it is SCW and 17 capital letters and digits.", who)
	}
	if !uuid.MatchString(h.secret) {
		return h, refuse("That is not the secret key of %s: it looks like 11111111-2222-3333-4444-555555555555.", who)
	}
	var info apiKey
	if err := c.get(ctx, h.key, "/iam/v1alpha1/api-keys/"+url.PathEscape(h.access), &info); err != nil {
		return h, explain(err, who)
	}
	if info.ExpiresAt != nil && time.Until(*info.ExpiresAt) <= 0 {
		return h, refuse("The key of %s has expired: make a new one.", who)
	}
	h.project, h.expires = info.Project, info.ExpiresAt
	owner := "/iam/v1alpha1/users/" + url.PathEscape(info.UserID)
	if info.ApplicationID != "" {
		owner = "/iam/v1alpha1/applications/" + url.PathEscape(info.ApplicationID)
	}
	var owned struct {
		Organization string `json:"organization_id"`
	}
	if err := c.get(ctx, h.key, owner, &owned); err != nil {
		return h, explain(err, who)
	}
	if h.organization = owned.Organization; !uuid.MatchString(h.organization) {
		return h, unreachable(errors.New("scaleway names no organisation"))
	}
	sets, known, err := c.permissionSets(ctx, h.key, info, h.organization)
	if err != nil {
		return h, explain(err, who)
	}
	h.known = known
	h.readOnly = known && len(sets) > 0 && !slices.ContainsFunc(sets, mayChange)
	return h, nil
}

// mayChange tells permission sets that let more than read: all whose names do not say that they only read.
func mayChange(set string) bool {
	return !strings.HasSuffix(set, "ReadOnly") && !strings.HasSuffix(set, "ObjectsRead") && !strings.HasSuffix(set, "BucketsRead")
}

func explain(err error, who string) error {
	switch {
	case refused(err, http.StatusUnauthorized):
		return refuse("Scaleway does not accept %s: check both halves; a key that was deleted or has expired does not work either.", who)
	case refused(err, http.StatusForbidden):
		return refuse("%s may not look itself up: give its application the permission set IAMReadOnly, wait a minute and try again.", capital(who))
	case refused(err, http.StatusNotFound):
		return refuse("Scaleway does not know %s: the access key and the secret key do not belong together.", who)
	}
	var problem *providers.Problem
	if errors.As(err, &problem) {
		return err
	}
	return unreachable(err)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// reader checks the second key and keeps it.
func (c *Connector) reader(ctx context.Context, s Setup, main holder, values map[string]string) (holder, error) {
	const who = "the read-only API key"
	h, err := c.look(ctx, s.ReaderAccessKey, s.ReaderSecretKey, who)
	switch {
	case err != nil:
		return h, err
	case h.access == main.access:
		return h, refuse("Both API keys are the same: leave the second one empty, or make one whose application can only read.")
	case h.organization != main.organization:
		return h, refuse("The two API keys belong to different organisations: give two of one.")
	case !h.known:
		return h, refuse("Aurora cannot see what the read-only key may do: give its application the permission set IAMReadOnly, wait a minute and try again.")
	case !h.readOnly:
		return h, refuse("The read-only API key may change things: give its application permission sets that end with ReadOnly alone, wait a minute and try again.")
	}
	values[readerMembers+"access_key"], values[readerMembers+"secret_key"] = h.access, h.secret
	return h, nil
}

// order lists the projects with the default one first.
func (c *Connector) order(ctx context.Context, main holder, wanted string) ([]project, error) {
	all, err := c.projects(ctx, main.key, main.organization)
	if err != nil {
		return nil, explain(err, "the API key")
	}
	if wanted = strings.TrimSpace(wanted); wanted == "" {
		wanted = main.project
	}
	i := slices.IndexFunc(all, func(p project) bool { return p.ID == wanted || strings.EqualFold(p.Name, wanted) })
	if i < 0 {
		if len(all) == 0 {
			return nil, refuse("The API key sees no project: give its application the permission set ProjectReadOnly, wait a minute and try again.")
		}
		if wanted != main.project {
			return nil, refuse("The API key sees no project %q.", wanted)
		}
		return all, nil
	}
	first := all[i]
	return append([]project{first}, slices.Delete(all, i, i+1)...), nil
}

// Revoke deletes the keys of a credential at Scaleway where they were made for Aurora, each with itself. It says what is
// left to do by hand, a sentence.
func (c *Connector) Revoke(ctx context.Context, cred store.Credential) (left string, err error) {
	var keys []key
	for _, prefix := range []string{readerMembers, ""} {
		if k, ok := keyOf(cred, prefix); ok {
			keys = append(keys, k)
		}
	}
	if cred.Get("made_for_aurora") != "true" {
		return "The API key still works at Scaleway: delete " + accessKeys(keys) + " in its console under IAM, API keys, if nothing else needs it.", nil
	}
	stuck := slices.DeleteFunc(slices.Clone(keys), func(k key) bool { return c.delete(ctx, k, keys) })
	if len(stuck) == 0 {
		return "Its API key is deleted at Scaleway.", nil
	}
	return "Scaleway did not delete " + accessKeys(stuck) + ": do so in its console under IAM, API keys.", errors.New("scaleway did not delete an API key")
}

// delete tries each key's rights, the full one's first: a read-only one may not delete itself. It tells whether the key is
// gone, by this or before.
func (c *Connector) delete(ctx context.Context, k key, with []key) bool {
	for _, w := range slices.Backward(with) {
		_, err := c.do(ctx, w, http.MethodDelete, "/iam/v1alpha1/api-keys/"+url.PathEscape(k.access))
		if err == nil || refused(err, http.StatusNotFound) || w == k && refused(err, http.StatusUnauthorized) {
			return true
		}
	}
	return false
}

func accessKeys(keys []key) string {
	var words []string
	for _, k := range keys {
		words = append(words, k.access)
	}
	return strings.Join(words, " and ")
}
