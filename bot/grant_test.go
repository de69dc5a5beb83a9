package bot

import (
	"strings"
	"testing"

	"aurora/providers/policy"
	"aurora/store"

	"github.com/google/go-cmp/cmp"
)

func TestGrantsAreReadAsTheyAreSaid(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]grantWords{
		"aws to everyone up to read":                           {what: "aws", effect: policy.Read},
		"aws to <@U1|bob> up to write":                         {what: "aws", person: "U1", effect: policy.Write},
		"AWS to Operators on a,b, c up to disrupt":             {what: "AWS", role: store.Operator, projects: []string{"a", "b", "c"}, effect: policy.Disrupt},
		"gcp to <#C1|ops> on shop-prod up to delete":           {what: "gcp", channel: "C1", projects: []string{"shop-prod"}, effect: policy.Delete},
		"200000000000 to approver in <#C1> up to write":        {what: "200000000000", role: store.Approver, channel: "C1", effect: policy.Write},
		"aws to <@U1> on 200000000001 in <#C1|ops> up to read": {what: "aws", person: "U1", channel: "C1", projects: []string{"200000000001"}, effect: policy.Read},
		"aws to everyone up to everything":                     {},
		"aws to everyone up to forbidden":                      {},
		"aws to bob up to read":                                {},
		"aws to #ops up to read":                               {},
		"me access to aws":                                     {},
		"aws to everyone in <#C1> in <#C2> up to read":         {},
		"aws to <#C1> in <#C2> up to read":                     {},
		"aws to everyone up to read please":                    {},
		"aws to everyone on up to read":                        {},
		"aws to everyone":                                      {},
		"aws to <@U1> <@U2> up to read":                        {},
		"aws to everyone up to read, write":                    {},
		"the intern everything":                                {},
		"aws to operator on a on b up to read":                 {},
		"aws to admin up to Read":                              {what: "aws", role: store.Admin, effect: policy.Read},
	} {
		args := strings.Fields(text)
		got, ok := readGrant(args, "to")
		if aGrant(args) != (want.what != "") {
			t.Errorf("%q: read %v as %+v", text, ok, got)
			continue
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(grantWords{})); want.what != "" && diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}
