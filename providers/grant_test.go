package providers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"aurora/providers/policy"
	"aurora/store"
)

// Everything that limits a right, and what each of its values lets through at most. The oracle takes the least of them and
// knows nothing of how the code combines them.
type limitOf struct {
	name string
	set  func(*Ask, *ledger)
	most policy.Effect // 0: nothing at all
}

const (
	all     = policy.Delete
	nothing = policy.Effect(0)
)

func rightsTable() [][]limitOf {
	return [][]limitOf{
		{
			{"ask", func(a *Ask, _ *ledger) { a.Caller.Mode = store.Ask }, policy.Read},
			{"agent", func(a *Ask, _ *ledger) { a.Caller.Mode = store.Agent }, all},
			{"incident", func(a *Ask, _ *ledger) { a.Caller.Mode = store.Incident }, policy.Read},
			{"no mode", func(a *Ask, _ *ledger) { a.Caller.Mode = "" }, nothing},
		}, {
			{"viewer", func(a *Ask, _ *ledger) { a.Caller.User.Role = store.Viewer }, policy.Read},
			{"operator", func(a *Ask, _ *ledger) { a.Caller.User.Role = store.Operator }, all},
			{"approver", func(a *Ask, _ *ledger) { a.Caller.User.Role = store.Approver }, all},
			{"admin", func(a *Ask, _ *ledger) { a.Caller.User.Role = store.Admin }, policy.Read},
			{"no such role", func(a *Ask, _ *ledger) { a.Caller.User.Role = "root" }, nothing},
		}, {
			{"no channel rule", func(*Ask, *ledger) {}, all},
			{"channel reads", func(a *Ask, _ *ledger) { a.Caller.ChannelRule = &policy.ChannelRule{MaxEffect: policy.Read} }, policy.Read},
			{"channel writes", func(a *Ask, _ *ledger) { a.Caller.ChannelRule = &policy.ChannelRule{MaxEffect: policy.Write} }, policy.Write},
			{"channel of gcp", func(a *Ask, _ *ledger) { a.Caller.ChannelRule = &policy.ChannelRule{Providers: []string{"gcp"}} }, nothing},
		}, {
			{"prefers all", func(*Ask, *ledger) {}, all},
			{"prefers aws", func(a *Ask, _ *ledger) { a.Caller.User.Prefer = []store.Cloud{store.AWS, store.GCP} }, all},
			{"prefers gcp", func(a *Ask, _ *ledger) { a.Caller.User.Prefer = []store.Cloud{store.GCP} }, nothing},
		}, {
			granting("read to everyone", policy.Read, store.Grant{MaxEffect: "read"}),
			granting("write to him", policy.Write, store.Grant{UserID: "usr_1", MaxEffect: "write"}),
			granting("disrupt here", policy.Disrupt, store.Grant{Channel: "C1", MaxEffect: "disrupt"}, store.Grant{MaxEffect: "read"}),
			granting("delete elsewhere", policy.Read, store.Grant{Channel: "C2", MaxEffect: "delete"}, store.Grant{MaxEffect: "read"}),
			granting("delete on another account", nothing, store.Grant{Project: "200000000002", MaxEffect: "delete"}),
			granting("delete on this account", all, store.Grant{Project: "200000000001", MaxEffect: "delete"}),
			granting("delete to another", nothing, store.Grant{UserID: "usr_2", MaxEffect: "delete"}),
			granting("garbage", nothing, store.Grant{MaxEffect: "everything"}),
			granting("none", nothing),
		}, {
			{"active", func(*Ask, *ledger) {}, all},
			{"left", func(a *Ask, _ *ledger) { a.Caller.User.Active = false }, nothing},
		},
	}
}

func granting(name string, most policy.Effect, grants ...store.Grant) limitOf {
	return limitOf{name, func(_ *Ask, l *ledger) { l.grants = grants }, most}
}

var orgRules = map[string]policy.Effect{
	"":                           all,
	"no-deletes":                 policy.Disrupt,
	"no-changes-in-200000000001": policy.Read,
}

const orgRulesFile = `
rules:
  - name: no-deletes
    match: {effect: [delete]}
    then: deny
    reason: Nothing is deleted here.
    examples: [{command: aws ec2 terminate-instances --instance-ids i-1}]
    counter_examples: [{command: aws ec2 stop-instances --instance-ids i-1}]
`

func loadOrgRules(t *testing.T, name string) *policy.Engine {
	t.Helper()
	text := orgRulesFile
	if strings.HasPrefix(name, "no-changes") {
		text = strings.NewReplacer("no-deletes", name, "effect: [delete]", "effect: [write, disrupt, delete], account: ['200000000001']",
			"[{command: aws ec2 terminate-instances --instance-ids i-1}]", "[{command: aws ec2 stop-instances --instance-ids i-1, account: '200000000001'}]",
			"[{command: aws ec2 stop-instances --instance-ids i-1}]", "[{command: aws ec2 describe-instances, account: '200000000001'}]").Replace(text)
	}
	var rules *policy.Rules
	if name != "" {
		var err error
		if rules, err = policy.LoadRules([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	engine, err := policy.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// TestTheStrictestLimitWins asks for a read, a write, a disruption and a deletion under every combination of mode, role,
// channel rule, preference, grant, activity and organisation's rule.
func TestTheStrictestLimitWins(t *testing.T) {
	t.Parallel()
	commands := map[string]policy.Effect{
		"aws ec2 describe-instances": policy.Read, "aws ec2 start-instances --instance-ids i-1": policy.Write,
		"aws ec2 stop-instances --instance-ids i-1": policy.Disrupt, "aws ec2 terminate-instances --instance-ids i-1": policy.Delete,
	}
	for rule, ruleMost := range orgRules {
		t.Run("rule "+rule, func(t *testing.T) {
			t.Parallel()
			engine, n := loadOrgRules(t, rule), 0
			for _, combination := range product(rightsTable()) {
				for line, effect := range commands {
					ask, l := spanning(line)
					most, names := ruleMost, []string{}
					for _, limit := range combination {
						limit.set(&ask, l)
						most, names = min(most, limit.most), append(names, limit.name)
					}
					e := &Executor{Config{Policy: engine, Connections: l, Intents: l, Auditor: l, Now: time.Now}}
					p := e.Judge(t.Context(), ask)
					got := p.Ruling.Decision
					want := policy.Refuse
					if effect <= most {
						want = policy.Allow
						if effect > policy.Write {
							want = policy.Confirm
						}
					}
					if n++; got != want || (got == policy.Refuse) != (p.Code != "") {
						t.Fatalf("%s under %s: %s (%s %s), want %s", line, strings.Join(names, ", "), got, p.Code, p.Error, want)
					}
				}
			}
			if n < 17000 {
				t.Errorf("only %d combinations", n)
			}
		})
	}
}

func product(table [][]limitOf) [][]limitOf {
	combinations := [][]limitOf{nil}
	for _, row := range table {
		var next [][]limitOf
		for _, c := range combinations {
			for _, limit := range row {
				next = append(next, append(slices.Clone(c), limit))
			}
		}
		combinations = next
	}
	return combinations
}

// spanning is an ask for account 1 of an organisation's connection to three.
func spanning(line string) (Ask, *ledger) {
	l := &ledger{connections: []store.Connection{organisationsOwn("con_o", 3)}}
	return Ask{
		Turn: "t", Step: 1, Call: "c", Line: line, Typed: true, Project: "200000000001",
		Caller: Caller{
			Org: store.Organisation{ID: "org_1"}, User: store.User{ID: "usr_1", OrgID: "org_1", Active: true}, Place: store.Place{Channel: "C1"},
		},
	}, l
}

func organisationsOwn(id string, accounts int) store.Connection {
	c := store.Connection{ID: id, OrgID: "org_1", Cloud: store.AWS, Account: "200000000000", Region: "us-east-1", Status: store.ConnectionActive}
	for i := range accounts {
		c.Projects = append(c.Projects, fmt.Sprint(200000000001+i))
	}
	return c
}

func TestWhoseConnectionIsTaken(t *testing.T) {
	t.Parallel()
	own := store.Connection{ID: "con_p", OrgID: "org_1", UserID: "usr_1", Cloud: store.AWS, Account: "111122223333", Status: store.ConnectionActive}
	const read, stop = "aws ec2 describe-instances", "aws ec2 stop-instances --instance-ids i-1"
	everywhere, here := store.Grant{MaxEffect: "read"}, store.Grant{Channel: "C1", MaxEffect: "read"}
	for name, row := range map[string]struct {
		line     string
		project  string
		accounts int
		grants   []store.Grant
		want     string // connections of the targets, or the code
	}{
		"a read looks everywhere":                      {read, "", 3, []store.Grant{everywhere}, "con_p con_o con_o con_o"},
		"a read goes to what the channel was granted":  {read, "", 3, []store.Grant{here}, "con_o con_o con_o"},
		"and only on what it was granted":              {read, "", 3, []store.Grant{{Channel: "C1", Project: "200000000002", MaxEffect: "read"}}, "con_o"},
		"a read in 300 accounts names one":             {read, "", 300, []store.Grant{here}, "ambiguous"},
		"unless few of them are granted":               {read, "", 300, []store.Grant{{Channel: "C1", Project: "200000000007", MaxEffect: "read"}}, "con_o"},
		"a read in his own account":                    {read, "111122223333", 3, []store.Grant{here}, "con_p"},
		"account 301":                                  {read, "200000000301", 300, []store.Grant{everywhere}, "refused"},
		"a change goes to his own connection":          {stop, "", 3, []store.Grant{here}, "con_p"},
		"a change with a grant and an own connection":  {stop, "", 1, []store.Grant{{MaxEffect: "disrupt"}}, "ambiguous"},
		"a change in a named account":                  {stop, "200000000001", 3, []store.Grant{{MaxEffect: "disrupt"}}, "con_o"},
		"a change without a grant that goes so far":    {stop, "200000000001", 3, []store.Grant{{MaxEffect: "write"}}, "refused"},
		"a change with a grant in another channel":     {stop, "200000000001", 3, []store.Grant{{Channel: "C9", MaxEffect: "delete"}}, "refused"},
		"a grant on one account is none on its sister": {stop, "200000000001", 3, []store.Grant{{Project: "200000000002", MaxEffect: "delete"}}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ask, l := spanning(row.line)
			l.connections, l.grants = []store.Connection{organisationsOwn("con_o", row.accounts), own}, row.grants
			ask.Project, ask.Caller.Mode, ask.Caller.User.Role = row.project, store.Agent, store.Operator
			e := &Executor{Config{Policy: newPolicy(), Connections: l, Intents: l, Auditor: l, Now: time.Now}}
			p := e.Judge(t.Context(), ask)
			var got []string
			for _, target := range p.Targets {
				got = append(got, target.Connection.ID)
			}
			if p.Code != "" {
				got = []string{string(p.Code)}
			}
			if strings.Join(got, " ") != row.want {
				t.Errorf("got %v (%s), want %s", got, p.Error, row.want)
			}
		})
	}
}
