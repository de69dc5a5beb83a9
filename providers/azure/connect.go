package azure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aurora/providers"
	"aurora/store"
)

// Setup is what the connect page sends.
type Setup struct {
	Tenant        string   // id of the Entra tenant
	Principal     SignIn   // what Agent mode works with
	Reader        SignIn   // what Ask mode works with; empty where Principal itself can only read
	Group         string   // id of a management group to keep to what is below it; empty for no such bound
	Subscriptions []string // ids or names to keep to; empty for all that the principals see
}

// SignIn is one service principal as it was typed in: exactly one of Secret, Certificate and Federated is set.
type SignIn struct {
	ClientID    string
	Secret      string
	Certificate string // PEM with the private key
	Federated   bool
}

// String never shows the secret.
func (SignIn) String() string { return "[credential]" }

// GoString never shows the secret.
func (SignIn) GoString() string { return "[credential]" }

// Link is a connection that was checked and can be stored.
type Link struct {
	Account    string // the tenant
	Projects   []string
	Settings   map[string]string
	ReadOnly   bool
	Credential store.Credential
	Note       string // what the person should know, a sentence or nothing
}

// Connect signs both principals in, lists their subscriptions with Resource Manager and makes sure that the one for Ask
// cannot change anything. What is wrong is a *providers.Problem with a sentence for the person.
func (c *Connector) Connect(ctx context.Context, s Setup) (Link, error) {
	tenant := strings.ToLower(strings.TrimSpace(s.Tenant))
	if !guid.MatchString(tenant) {
		return Link{}, refuse("%q is not the id of an Entra tenant: it is the Directory (tenant) ID, such as 11111111-2222-3333-4444-555555555555.", s.Tenant)
	}
	full := s.Principal.in(tenant)
	if err := full.check("the service principal"); err != nil {
		return Link{}, err
	}
	arm, visible, err := c.look(ctx, full, "the service principal")
	if err != nil {
		return Link{}, err
	}
	if visible, err = c.below(ctx, arm, strings.TrimSpace(s.Group), visible); err != nil {
		return Link{}, err
	}
	kept, err := chosen(visible, s.Subscriptions)
	if err != nil {
		return Link{}, err
	}
	link := Link{Account: tenant}
	values := map[string]string{}
	full.store(values, "")
	if s.Reader == (SignIn{}) {
		err = c.alone(ctx, arm, kept)
		link.ReadOnly, link.Note = true, "The service principal can only read, so Agent mode cannot change anything here."
	} else {
		kept, err = c.reader(ctx, s.Reader.in(tenant), full, kept, values)
	}
	if err != nil {
		return Link{}, err
	}
	link.Projects, link.Settings = idsOf(kept), settings(tenant, kept)
	for _, member := range []string{"client_id", readerMembers + "client_id"} { // named when there is something to delete by hand
		if values[member] != "" {
			link.Settings[member] = values[member]
		}
	}
	link.Credential = store.NewCredential(values)
	return link, nil
}

func (s SignIn) in(tenant string) principal {
	return principal{
		tenant: tenant, client: strings.ToLower(strings.TrimSpace(s.ClientID)), secret: strings.TrimSpace(s.Secret),
		certificate: strings.TrimSpace(s.Certificate), federated: s.Federated,
	}
}

// look signs a principal in and lists what it sees.
func (c *Connector) look(ctx context.Context, p principal, who string) (token, []subscription, error) {
	t, err := c.ask(ctx, p, c.armScope())
	var no *refusal
	if errors.As(err, &no) {
		return token{}, nil, refuse("Entra does not let %s sign in: %s.", who, no.sentence)
	}
	if err != nil {
		return token{}, nil, err
	}
	visible, err := c.subscriptions(ctx, t)
	if err == nil && len(visible) == 0 {
		err = refuse("The sign-in of %s works, but it sees no subscription: give it a role on one (for Ask mode Reader), wait a minute and try again.", who)
	}
	return t, visible, err
}

// alone refuses a single principal that may change something: Ask would work with it, too.
func (c *Connector) alone(ctx context.Context, t token, kept []subscription) error {
	action, err := c.changes(ctx, t, idsOf(kept))
	if err == nil && action != "" {
		err = refuse("This service principal may change things (%s), so Ask mode needs a second one that cannot: make it with the Reader role and fill in the read-only fields, too.", action)
	}
	return err
}

// reader checks the principal for Ask and keeps it; what both principals see is what is connected.
func (c *Connector) reader(ctx context.Context, p, full principal, kept []subscription, values map[string]string) ([]subscription, error) {
	const who = "the read-only service principal"
	if err := p.check(who); err != nil {
		return nil, err
	}
	if p.client == full.client {
		return nil, refuse("Both service principals are the same: the read-only one is a second one, with the Reader role alone.")
	}
	t, visible, err := c.look(ctx, p, who)
	if err != nil {
		return nil, err
	}
	both := slices.DeleteFunc(slices.Clone(kept), func(s subscription) bool {
		return !slices.ContainsFunc(visible, func(v subscription) bool { return v.ID == s.ID })
	})
	if len(both) == 0 {
		return nil, refuse("The two service principals see no subscription in common: give the read-only one the Reader role on %s.", kept[0].Name)
	}
	action, err := c.changes(ctx, t, idsOf(both))
	if err != nil {
		return nil, err
	}
	if action != "" {
		return nil, refuse("The read-only service principal may change things (%s): leave it the Reader role alone, wait a minute and try again.", action)
	}
	p.store(values, readerMembers)
	return both, nil
}

// chosen keeps the subscriptions that the person named, by id or name.
func chosen(visible []subscription, wanted []string) ([]subscription, error) {
	if len(wanted) == 0 {
		return visible, nil
	}
	var kept []subscription
	for _, word := range wanted {
		i := slices.IndexFunc(visible, func(s subscription) bool { return strings.EqualFold(s.ID, word) || strings.EqualFold(s.Name, word) })
		if i < 0 {
			return nil, refuse("The service principal does not see a subscription %q. It sees: %s.", word, list(visible))
		}
		if !slices.Contains(kept, visible[i]) {
			kept = append(kept, visible[i])
		}
	}
	return kept, nil
}

func list(subscriptions []subscription) string {
	var words []string
	for _, s := range subscriptions[:min(len(subscriptions), 20)] {
		words = append(words, fmt.Sprintf("%s (%s)", s.Name, s.ID))
	}
	return strings.Join(words, ", ")
}

func idsOf(subscriptions []subscription) []string {
	ids := make([]string, len(subscriptions))
	for i, s := range subscriptions {
		ids[i] = s.ID
	}
	return ids
}

// settings are the names that commands and people use besides the ids.
func settings(tenant string, subscriptions []subscription) map[string]string {
	names := map[string]string{}
	for _, s := range subscriptions {
		names[s.ID] = s.Name
	}
	set := map[string]string{"tenant": tenant}
	providers.SetProjectNames(set, names)
	return set
}
