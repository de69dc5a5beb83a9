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
	mostChecks   = 16
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
// external id, and neither may be without it. Accounts that do not have the role yet are left out and named in the note.
func (c *Connector) ConnectOrganisation(ctx context.Context, s OrganisationSetup) (Link, error) {
	s, err := s.filled()
	if err != nil {
		return Link{}, err
	}
	w := organisation{connector: c, setup: s, partition: partitionOf(s.Region)}
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
	found, missing, err := w.checkAll(ctx, accounts)
	if err != nil {
		return Link{}, err
	}
	return w.link(first, named, found, missing), nil
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

// checkAll asks STS about every account, a few at a time, and gives those that can be used and those without the role.
func (w organisation) checkAll(ctx context.Context, accounts []member) (found, missing []member, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	usable := make([]bool, len(accounts))
	room := make(chan struct{}, mostChecks)
	var wg sync.WaitGroup
	for i, m := range accounts {
		wg.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			ok, err := w.checkOne(ctx, m)
			usable[i] = ok
			if err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	for i, m := range accounts {
		if usable[i] {
			found = append(found, m)
		} else {
			missing = append(missing, m)
		}
	}
	if len(found) == 0 {
		return nil, nil, refuse("The role %s can be assumed in none of the %d accounts: roll the template out to them first.", w.setup.ReadRole, len(accounts))
	}
	return found, missing, nil
}

func (w organisation) checkOne(ctx context.Context, m member) (bool, error) {
	_, err := w.connector.assume(ctx, w.role(w.setup.ReadRole, m.id), w.setup.ExternalID, w.who(), true)
	if err != nil && !denied(err) {
		return false, unreachable(err)
	}
	for _, name := range []string{w.setup.ReadRole, w.setup.OperateRole} {
		_, open := w.connector.assume(ctx, w.role(name, m.id), "", w.who(), true)
		if open == nil {
			return false, refuse("The role %s in account %s can be assumed without the external id, so anybody who knows its name could use Aurora to get in. "+
				"Roll the template out there again, wait a minute and try again.", name, m.id)
		}
		if !denied(open) {
			return false, unreachable(open)
		}
	}
	return err == nil, nil
}

func (w organisation) link(first string, named bool, found, missing []member) Link {
	s := w.setup
	link := Link{Account: first, Region: s.Region, Settings: map[string]string{
		"read_role": s.ReadRole, "operate_role": s.OperateRole, settingNamed: fmt.Sprint(named),
	}}
	names := map[string]string{}
	for _, m := range found {
		link.Projects = append(link.Projects, m.id)
		if m.name != "" {
			names[m.id] = m.name
		}
	}
	providers.SetProjectNames(link.Settings, names)
	link.Credential = store.NewCredential(map[string]string{
		"external_id": s.ExternalID, "read_role": s.ReadRole, "operate_role": s.OperateRole, "partition": w.partition,
	})
	link.Note = fmt.Sprintf("It reaches %d accounts.", len(found))
	if len(missing) > 0 {
		ids := make([]string, 0, len(missing))
		for _, m := range missing {
			ids = append(ids, m.id)
		}
		more := ""
		if len(ids) > 10 {
			more = fmt.Sprintf(" and %d more", len(ids)-10)
			ids = ids[:10]
		}
		link.Note += fmt.Sprintf(" %d have no role %s that trusts this External ID, so they are left out: %s%s. Connect again when they have it.",
			len(missing), s.ReadRole, strings.Join(ids, ", "), more)
	}
	return link
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
