package aws

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"aurora/providers"
	"aurora/store"
)

// What the roles are called in every account of an organisation, unless the admin calls them otherwise.
const (
	DefaultReadRole    = "aurora-read"
	DefaultOperateRole = "aurora-operate"
)

// mostAccounts bounds one connection; mostChecks is how many accounts are asked about at once.
const (
	mostAccounts = 2000
	mostChecks   = 32
)

// OrganisationSetup is what an admin gives to link many accounts at once: the same two roles in each of them, which trust
// one external id.
type OrganisationSetup struct {
	Manager     string   // the account that manages the organisation, or administers it for it; may be empty with Accounts
	Accounts    []string // the accounts, when Organizations is not to be asked
	ReadRole    string   // a role's name; DefaultReadRole when empty
	OperateRole string   // a role's name; DefaultOperateRole when empty
	Region      string
	ExternalID  string
	SessionFor  string // user id, for the session's name in CloudTrail
}

var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	roleName  = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
)

// ConnectOrganisation lists the accounts and checks the roles in each: the read-only one must be assumable with our
// external id, and neither may be without it or with another. Accounts that do not have that role yet are left out, and
// named in the note, as are those whose role for Agent mode cannot be assumed.
func (c *Connector) ConnectOrganisation(ctx context.Context, s OrganisationSetup) (Link, error) {
	s, err := s.filled()
	if err != nil {
		return Link{}, err
	}
	w := organisation{connector: c, setup: s, partition: partitionOf(s.Region), other: NewExternalID()}
	first := s.Manager
	if first == "" {
		first = s.Accounts[0]
	}
	named, err := c.check(ctx, w.role(s.ReadRole, first), Setup{ExternalID: s.ExternalID, SessionFor: s.SessionFor}, s.Region)
	if err != nil {
		return Link{}, err
	}
	accounts, err := w.accounts(ctx)
	if err != nil {
		return Link{}, err
	}
	seen, err := w.checkAll(ctx, accounts)
	if err != nil {
		return Link{}, err
	}
	return w.link(first, named, seen), nil
}

func (s OrganisationSetup) filled() (OrganisationSetup, error) {
	if s.ReadRole == "" {
		s.ReadRole = DefaultReadRole
	}
	if s.OperateRole == "" {
		s.OperateRole = DefaultOperateRole
	}
	for _, name := range []string{s.ReadRole, s.OperateRole} {
		if !roleName.MatchString(name) {
			return s, refuse("%q is not the name of an IAM role: give the name alone, such as aurora-read.", name)
		}
	}
	if s.ReadRole == s.OperateRole {
		return s, refuse("Reading and changing need two roles: give them two names.")
	}
	if !regionName.MatchString(s.Region) {
		return s, refuse("%q is not the name of an AWS region: give one such as eu-west-1.", s.Region)
	}
	if !validID(s.ExternalID) || len(s.ExternalID) < 32 {
		return s, refuse("The external id is not one that Aurora made: start again with /aurora connect aws for everyone.")
	}
	if s.Manager == "" && len(s.Accounts) == 0 {
		return s, refuse("Give the account that manages your organisation, or paste the account ids.")
	}
	for _, id := range append([]string{s.Manager}, s.Accounts...) {
		if id != "" && !accountID.MatchString(id) {
			return s, refuse("%q is not an AWS account id: those have 12 digits.", id)
		}
	}
	if len(s.Accounts) > mostAccounts {
		return s, refuse("That are %d accounts; one connection takes %d at most.", len(s.Accounts), mostAccounts)
	}
	return s, nil
}

// member is one account.
type member struct{ id, name string }

// organisation is the linking of many accounts.
type organisation struct {
	connector *Connector
	setup     OrganisationSetup
	partition string
	other     string // an external id that no role may trust
}

func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func roleIn(partition, account, name string) role {
	return role{arn: "arn:" + partition + ":iam::" + account + ":role/" + name, partition: partition, account: account}
}

func (w organisation) role(name, account string) role { return roleIn(w.partition, account, name) }

func (w organisation) who() bearer { return bearer{user: w.setup.SessionFor, turn: "connect"} }

// accounts are those that were pasted, else those that Organizations lists.
func (w organisation) accounts(ctx context.Context) ([]member, error) {
	if len(w.setup.Accounts) > 0 {
		list := make([]member, 0, len(w.setup.Accounts))
		for _, id := range slices.Compact(slices.Sorted(slices.Values(w.setup.Accounts))) {
			list = append(list, member{id: id})
		}
		return list, nil
	}
	keys, err := w.connector.assume(ctx, w.role(w.setup.ReadRole, w.setup.Manager), w.setup.ExternalID, w.who(), true)
	if err != nil {
		return nil, unreachable(err)
	}
	return w.connector.listAccounts(ctx, keys, w.partition)
}

// roles are an account with the roles of it that can be assumed.
type roles struct {
	member
	reads, operates bool
}

// checkAll asks STS about every account, a few at a time.
func (w organisation) checkAll(ctx context.Context, accounts []member) ([]roles, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	seen := make([]roles, len(accounts))
	room := make(chan struct{}, mostChecks)
	var wg sync.WaitGroup
	for i, m := range accounts {
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			var err error
			if seen[i], err = w.checkOne(ctx, m); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if !slices.ContainsFunc(seen, func(r roles) bool { return r.reads }) {
		return nil, refuse("The role %s can be assumed in none of the %d accounts: roll the template out to them first.", w.setup.ReadRole, len(accounts))
	}
	return seen, nil
}

func (w organisation) checkOne(ctx context.Context, m member) (r roles, err error) {
	r.member = m
	if r.reads, err = w.checkRole(ctx, w.setup.ReadRole, m.id); err == nil {
		r.operates, err = w.checkRole(ctx, w.setup.OperateRole, m.id)
	}
	return r, err
}

// checkRole tells whether a role can be assumed, and refuses one that can be by others than us.
func (w organisation) checkRole(ctx context.Context, name, account string) (ours bool, err error) {
	for _, id := range []string{w.setup.ExternalID, "", w.other} {
		how := "without the external id"
		if id != "" {
			how = "with another external id"
		}
		_, err := w.connector.assume(ctx, w.role(name, account), id, w.who(), true)
		switch {
		case err != nil && !denied(err):
			return false, unreachable(err)
		case id == w.setup.ExternalID:
			ours = err == nil
		case err == nil:
			return false, refuse("The role %s in account %s can be assumed %s, so anybody who knows its name could use Aurora to get in. "+
				"Roll the template out there again, wait a minute and try again.", name, account, how)
		}
	}
	return ours, nil
}

func (w organisation) link(first string, named bool, seen []roles) Link {
	s := w.setup
	link := Link{Account: first, Region: s.Region, Settings: map[string]string{
		"read_role": s.ReadRole, "operate_role": s.OperateRole, settingNamed: fmt.Sprint(named),
	}}
	names := map[string]string{}
	var missing, reading []string
	for _, r := range seen {
		if !r.reads {
			missing = append(missing, r.id)
			continue
		}
		link.Projects = append(link.Projects, r.id)
		if r.name != "" {
			names[r.id] = r.name
		}
		if !r.operates {
			reading = append(reading, r.id)
		}
	}
	providers.SetProjectNames(link.Settings, names)
	link.Credential = store.NewCredential(map[string]string{
		"external_id": s.ExternalID, "read_role": s.ReadRole, "operate_role": s.OperateRole, "partition": w.partition,
	})
	link.Note = w.note(len(link.Projects), missing, reading)
	return link
}

// note tells what was reached, what was left out, and where Agent mode has nothing to work with.
func (w organisation) note(found int, missing, reading []string) string {
	note := fmt.Sprintf("It reaches %d accounts.", found)
	if len(missing) > 0 {
		note += fmt.Sprintf(" %d have no role %s that trusts this External ID, so they are left out: %s. Connect again when they have it.",
			len(missing), w.setup.ReadRole, someOf(missing))
	}
	switch len(reading) {
	case 0:
	case found:
		note += fmt.Sprintf(" Agent mode can do nothing in them: the role %s can be assumed in none.", w.setup.OperateRole)
	default:
		note += fmt.Sprintf(" Agent mode can do nothing in %d of them, where the role %s cannot be assumed: %s.", len(reading), w.setup.OperateRole, someOf(reading))
	}
	return note
}

// someOf names the first ten.
func someOf(ids []string) string {
	if len(ids) <= 10 {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:10], ", "), len(ids)-10)
}

// roleFor is the role that a run assumes. A connection that spans accounts has the same two in each.
func roleFor(ask providers.SessionAsk) (role, error) {
	conn, cred := ask.Connection, ask.Credential
	if !conn.Spans() {
		arn := cred.Get("role_arn")
		if reader := cred.Get("reader_role_arn"); reader != "" && ask.ReadOnly {
			arn = reader
		}
		r, err := parseRole(arn)
		if err == nil && r.account != conn.Account {
			err = errors.New("the role is in another account")
		}
		return r, err
	}
	account := conn.AccountIn(ask.Project)
	if !slices.Contains(conn.Projects, account) {
		return role{}, refuse("Account %s is not among those that were connected.", account)
	}
	name := cred.Get("operate_role")
	if ask.ReadOnly {
		name = cred.Get("read_role")
	}
	r, err := parseRole(roleIn(cred.Get("partition"), account, name).arn)
	if err != nil {
		return role{}, fmt.Errorf("put the role's name together: %w", err)
	}
	return r, nil
}
