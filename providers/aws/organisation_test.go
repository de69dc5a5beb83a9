package aws

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/store"
)

const teams = 300

func organised(t *testing.T) (*cloudsim.Server, *Connector, string) {
	t.Helper()
	sim, c := simulated(t)
	id := NewExternalID()
	sim.Organise(teams)
	sim.TrustOrganisation(id)
	return sim, c, id
}

func everyone(id string) OrganisationSetup {
	return OrganisationSetup{Manager: cloudsim.OrganisationManager, Region: "us-east-1", ExternalID: id, SessionFor: "usr_1"}
}

func TestOneConnectReachesThreeHundredAccounts(t *testing.T) {
	t.Parallel()
	sim, c, id := organised(t)
	link, err := c.ConnectOrganisation(t.Context(), everyone(id))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(link.Note, "Agent mode") {
		t.Errorf("the note is %q", link.Note)
	}
	if len(link.Projects) != teams+1 || slices.Contains(link.Projects, cloudsim.MemberAccount(teams+1)) {
		t.Errorf("%d accounts", len(link.Projects)) // 300, and the one that manages them; the suspended one is out
	}
	if n := sim.Executed("organizations:ListAccounts"); n != 16 {
		t.Errorf("the accounts were asked for in %d pages", n)
	}
	conn := store.Connection{ID: "c1", Cloud: store.AWS, Account: link.Account, Projects: link.Projects, Settings: link.Settings}
	if name := providers.ProjectNames(conn)[cloudsim.MemberAccount(7)]; name != "acme-team-7" {
		t.Errorf("account 7 is called %q", name)
	}
	for _, row := range []struct {
		account  string
		readOnly bool
		role     string
	}{
		{cloudsim.MemberAccount(7), true, "arn:aws:iam::200000000007:role/aurora-read"},
		{cloudsim.MemberAccount(7), false, "arn:aws:iam::200000000007:role/aurora-operate"},
		{cloudsim.MemberAccount(300), true, "arn:aws:iam::200000000300:role/aurora-read"},
	} {
		sim.Forget()
		_, err := c.Session(t.Context(), providers.SessionAsk{Connection: conn, Credential: link.Credential, Project: row.account, UserID: "usr_1", Turn: "t", ReadOnly: row.readOnly})
		if err != nil {
			t.Fatal(err)
		}
		if asked := sim.Requests("sts:AssumeRole"); len(asked) != 1 || asked[0].Resources[0] != row.role {
			t.Errorf("%+v: %+v", row, asked)
		}
	}
	_, err = c.Session(t.Context(), providers.SessionAsk{Connection: conn, Credential: link.Credential, Project: cloudsim.MemberAccount(301), ReadOnly: true})
	sentence(t, err, providers.CodeRefused, "not among those that were connected")
}

func TestAccountsWithoutTheRoleAreLeftOutAndNamed(t *testing.T) {
	t.Parallel()
	sim, c, id := organised(t)
	if err := sim.SetTrust("arn:aws:iam::200000000009:role/aurora-read", NewExternalID()); err != nil {
		t.Fatal(err)
	}
	if err := sim.SetTrust("arn:aws:iam::200000000005:role/aurora-operate", NewExternalID()); err != nil {
		t.Fatal(err)
	}
	link, err := c.ConnectOrganisation(t.Context(), everyone(id))
	if err != nil {
		t.Fatal(err)
	}
	if len(link.Projects) != teams || !strings.Contains(link.Note, "left out: 200000000009") || !strings.Contains(link.Note, "nothing in 1 of them, where the role aurora-operate cannot be assumed: 200000000005.") {
		t.Errorf("%d accounts, note %q", len(link.Projects), link.Note)
	}
	conn := store.Connection{ID: "c1", Cloud: store.AWS, Account: link.Account, Projects: link.Projects, Settings: link.Settings}
	_, err = c.Session(t.Context(), providers.SessionAsk{Connection: conn, Credential: link.Credential, Project: cloudsim.MemberAccount(5)})
	sentence(t, err, providers.CodeExpired, "roll the template")
	if p, _ := err.(*providers.Problem); p == nil || p.Broken { //nolint:errorlint // it is handed out as it is
		t.Error("one account without the role breaks the connection of all")
	}
}

func TestAnOrganisationThatIsNotSafeIsNotLinked(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*cloudsim.Server, *OrganisationSetup)
		says   string
	}{
		"one account opens without the id": {func(s *cloudsim.Server, _ *OrganisationSetup) {
			_ = s.SetTrust("arn:aws:iam::200000000123:role/aurora-operate", "")
		}, "aurora-operate in account 200000000123 can be assumed without the external id"},
		"one opens with any id": {func(s *cloudsim.Server, o *OrganisationSetup) {
			loosen(s, cloudsim.MemberAccount(123), "aurora-operate", `"StringEquals":{"sts:ExternalId":"`+o.ExternalID, `"StringLike":{"sts:ExternalId":"*`)
		}, "aurora-operate in account 200000000123 can be assumed with another external id"},
		"one reads with any other": {func(s *cloudsim.Server, _ *OrganisationSetup) {
			loosen(s, cloudsim.MemberAccount(44), "aurora-read", "StringEquals", "StringNotEquals")
		}, "aurora-read in account 200000000044 can be assumed with"},
		"not the manager":     {func(_ *cloudsim.Server, o *OrganisationSetup) { o.Manager = cloudsim.MemberAccount(3) }, "does not list its accounts"},
		"not an account":      {func(_ *cloudsim.Server, o *OrganisationSetup) { o.Manager = "2000" }, "12 digits"},
		"nothing given":       {func(_ *cloudsim.Server, o *OrganisationSetup) { o.Manager = "" }, "paste the account ids"},
		"role is a path":      {func(_ *cloudsim.Server, o *OrganisationSetup) { o.ReadRole = "team/aurora-read" }, "name of an IAM role"},
		"one role for both":   {func(_ *cloudsim.Server, o *OrganisationSetup) { o.OperateRole = "aurora-read" }, "two names"},
		"an id not ours":      {func(_ *cloudsim.Server, o *OrganisationSetup) { o.ExternalID = "hello" }, "not one that Aurora made"},
		"trusts another id":   {func(_ *cloudsim.Server, o *OrganisationSetup) { o.ExternalID = NewExternalID() }, "cannot be assumed"},
		"pasted account oops": {func(_ *cloudsim.Server, o *OrganisationSetup) { o.Accounts = []string{"1234"} }, "12 digits"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, c := simulated(t)
			id := NewExternalID()
			sim.Organise(teams)
			sim.TrustOrganisation(id)
			setup := everyone(id)
			row.change(sim, &setup)
			_, err := c.ConnectOrganisation(context.Background(), setup)
			sentence(t, err, providers.CodeRefused, row.says)
		})
	}
}

// loosen edits the trust policy of a role.
func loosen(sim *cloudsim.Server, account, name, old, fresh string) {
	sim.Change(func(w *cloudsim.World) {
		for _, a := range w.AWS {
			for i, r := range a.Roles {
				if a.ID == account && r.Name == name {
					a.Roles[i].Trust = json.RawMessage(strings.Replace(string(r.Trust), old, fresh, 1))
				}
			}
		}
	})
}

func TestPastedAccountsNeedNoManager(t *testing.T) {
	t.Parallel()
	sim, c, id := organised(t)
	setup := everyone(id)
	setup.Manager, setup.Accounts = "", []string{cloudsim.MemberAccount(2), cloudsim.MemberAccount(1), cloudsim.MemberAccount(2)}
	link, err := c.ConnectOrganisation(t.Context(), setup)
	if err != nil || !slices.Equal(link.Projects, []string{cloudsim.MemberAccount(1), cloudsim.MemberAccount(2)}) {
		t.Fatalf("%v, %v", link.Projects, err)
	}
	if n := sim.Executed("organizations:ListAccounts"); n != 0 {
		t.Error("Organizations was asked")
	}
	raw, err := json.Marshal(link)
	if err != nil || strings.Contains(string(raw), id) {
		t.Error("the link shows the external id")
	}
}

func TestAListOfAccountsOutlivesThrottling(t *testing.T) {
	t.Parallel()
	sim, c, id := organised(t)
	if err := sim.Inject(cloudsim.Fault{Action: "organizations:ListAccounts", Kind: cloudsim.FaultStatus, Status: 400, Code: "TooManyRequestsException", Times: 2}); err != nil {
		t.Fatal(err)
	}
	if link, err := c.ConnectOrganisation(t.Context(), everyone(id)); err != nil || len(link.Projects) != teams+1 {
		t.Errorf("%d accounts, %v", len(link.Projects), err)
	}
}
