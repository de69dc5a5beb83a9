package cloudsim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// AWSOrganisation is an AWS organisation: its accounts in the order in which Organizations lists them.
type AWSOrganisation struct {
	ID        string            `json:"id"`
	Manager   string            `json:"manager"`             // the management account
	Delegated []string          `json:"delegated,omitempty"` // accounts that may ask in its place
	Members   []OrganisedMember `json:"members"`             // the manager among them
}

// OrganisedMember is one account of an organisation.
type OrganisedMember struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Status string `json:"status"` // ACTIVE, SUSPENDED or PENDING_CLOSURE
}

// OrganisationManager is the management account of what [Server.Organise] makes.
const OrganisationManager = "200000000000"

// MemberAccount is the id of the n-th account, from 1, of what [Server.Organise] makes.
func MemberAccount(n int) string { return strconv.Itoa(200000000000 + n) }

var organizationsOps = map[string]awsOp{
	"organizations:ListAccounts": {run: listOrganisedAccounts},
}

// Organise makes an AWS organisation of n active member accounts and a suspended one, besides the one that manages it. Each
// has the roles aurora-read and aurora-operate, which trust nobody before [Server.TrustOrganisation], and a machine.
func (s *Server) Organise(n int) {
	s.Change(func(w *World) {
		org := AWSOrganisation{ID: "o-" + strings.ToLower(shortID("organisation", 10)), Manager: OrganisationManager}
		org.Members = append(org.Members, OrganisedMember{OrganisationManager, "acme-management", "ACTIVE"})
		w.AWS = append(w.AWS, organisedAccount(OrganisationManager, 0))
		for i := range n + 1 {
			m := OrganisedMember{MemberAccount(i + 1), fmt.Sprintf("acme-team-%d", i+1), "ACTIVE"}
			if i == n {
				m.Status = "SUSPENDED"
			}
			org.Members = append(org.Members, m)
			w.AWS = append(w.AWS, organisedAccount(m.ID, i+1))
		}
		w.Organisations = append(w.Organisations, org)
	})
}

func organisedAccount(id string, n int) Account {
	in := defaultInstance(fmt.Sprintf("i-0c1b2c3d4e5f%05d", n), "us-east-1", fmt.Sprintf("team-%d-web", n), "running")
	return Account{ID: id, Instances: []Instance{in}, Roles: []Role{
		{Name: "aurora-read", Trust: trustDocument(AuroraPrincipal, "unset-"+randomUpper(20)), Managed: []string{readOnlyAccess}, MaxSession: 3600},
		{Name: "aurora-operate", Trust: trustDocument(AuroraPrincipal, "unset-"+randomUpper(20)), Managed: []string{administratorAccess}, MaxSession: 3600},
	}}
}

// TrustOrganisation rolls the template of the roles out: in every account of every organisation they demand the external id.
func (s *Server) TrustOrganisation(externalID string) {
	document := trustDocument(AuroraPrincipal, externalID)
	s.Change(func(w *World) {
		for _, org := range w.Organisations {
			for _, m := range org.Members {
				account := w.account(m.ID)
				for i := range account.Roles {
					account.Roles[i].Trust = document
				}
			}
		}
	})
}

func (w *World) organisationOf(account string) *AWSOrganisation {
	for i, org := range w.Organisations {
		if slices.ContainsFunc(org.Members, func(m OrganisedMember) bool { return m.ID == account }) {
			return &w.Organisations[i]
		}
	}
	return nil
}

type organisedAccountOut struct {
	ID              string `json:"Id"`
	Arn             string
	Email           string
	Name            string
	Status          string
	State           string
	JoinedMethod    string
	JoinedTimestamp float64
}

const mostOrganised = 20 // accounts a page

func listOrganisedAccounts(c *awsCall) (any, *awsError) {
	var in struct {
		MaxResults *int
		NextToken  string
	}
	if refused := c.decode(&in); refused != nil {
		return nil, refused
	}
	if c.region != "us-east-1" { // the service is at one place, and signatures must say so
		return nil, &awsError{http.StatusForbidden, "InvalidSignatureException", "Credential should be scoped to a valid region."}
	}
	org := c.aws.server.world.organisationOf(c.who.account)
	if org == nil {
		return nil, &awsError{http.StatusBadRequest, "AWSOrganizationsNotInUseException", "Your account is not a member of an organization."}
	}
	if org.Manager != c.who.account && !slices.Contains(org.Delegated, c.who.account) {
		return nil, &awsError{http.StatusBadRequest, "AccessDeniedException", "You don't have permissions to access this resource."}
	}
	size := mostOrganised
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	from, refused := organisedFrom(org, in.NextToken)
	if size < 1 || size > mostOrganised || refused {
		return nil, &awsError{http.StatusBadRequest, "InvalidInputException", "You specified an invalid value."}
	}
	return organisedPage(org, from, size), nil
}

func organisedFrom(org *AWSOrganisation, token string) (from int, refused bool) {
	if token == "" {
		return 0, false
	}
	text, ok := strings.CutPrefix(token, org.ID+"/")
	from, err := strconv.Atoi(text)
	return from, !ok || err != nil || from <= 0 || from >= len(org.Members)
}

func organisedPage(org *AWSOrganisation, from, size int) any {
	var out struct {
		Accounts  []organisedAccountOut
		NextToken string `json:",omitempty"`
	}
	to := min(from+size, len(org.Members))
	for _, m := range org.Members[from:to] {
		out.Accounts = append(out.Accounts, organisedAccountOut{
			ID: m.ID, Arn: "arn:aws:organizations::" + org.Manager + ":account/" + org.ID + "/" + m.ID, Email: m.Name + "@acme.example", Name: m.Name,
			Status: m.Status, State: m.Status, JoinedMethod: "CREATED", JoinedTimestamp: float64(worldBegan.Unix()),
		})
	}
	if to < len(org.Members) {
		out.NextToken = org.ID + "/" + strconv.Itoa(to)
	}
	return out
}
