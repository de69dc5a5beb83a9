package cloudsim

import (
	"encoding/json"
	"testing"
)

func TestPolicyAnswers(t *testing.T) {
	t.Parallel()
	const stop, instance = "ec2:StopInstances", "arn:aws:ec2:us-east-1:111122223333:instance/i-1"
	keys := map[string][]string{"aws:username": {"ada"}, "ec2:resourcetag/team": {"checkout"}, "aws:tagkeys": {"a", "b"}, "aws:requestedregion": {"us-east-1"}}
	rows := []struct {
		name, statement string
		want            ruling
	}{
		{"exact", `{"Effect":"Allow","Action":"ec2:StopInstances","Resource":"*"}`, allowed},
		{"case of the action", `{"Effect":"Allow","Action":"EC2:stopinstances","Resource":"*"}`, allowed},
		{"star", `{"Effect":"Allow","Action":["ec2:St*"],"Resource":"arn:aws:ec2:*:111122223333:instance/*"}`, allowed},
		{"other action", `{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}`, silent},
		{"other resource", `{"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:us-east-1:111122223333:instance/i-2"}`, silent},
		{"not action", `{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`, allowed},
		{"not action hits", `{"Effect":"Allow","NotAction":"ec2:*","Resource":"*"}`, silent},
		{"not resource", `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:ec2:*:*:instance/i-1"}`, silent},
		{"deny", `{"Effect":"Deny","Action":"ec2:Stop*","Resource":"*"}`, denied},
		{"deny that does not apply", `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`, silent},
		{"condition holds", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"ec2:ResourceTag/team":["checkout","web"]}}}`, allowed},
		{"condition fails", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"ec2:ResourceTag/team":"web"}}}`, silent},
		{"not equals any", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:username":["eve","mallory"]}}}`, allowed},
		{"not equals one", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:username":["eve","ada"]}}}`, silent},
		{"missing key", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}`, silent},
		{"missing key, if exists", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqualsIfExists":{"sts:ExternalId":"x"}}}`, allowed},
		{"null", `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Null":{"sts:ExternalId":"true"}}}`, denied},
		{"for all values", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b","c"]}}}`, allowed},
		{"for all values, one too many", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}}`, silent},
		{"variable", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:username":"${aws:username}"}}}`, allowed},
		{"unknown variable", `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:username":"${aws:nothing}"}}}`, silent},
	}
	for _, row := range rows {
		document := `{"Version":"2012-10-17","Statement":[` + row.statement + `]}`
		p, err := parsePolicy(json.RawMessage(document), identityPolicy)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		if got := p.answer(question{action: stop, resource: instance, keys: keys}); got != row.want {
			t.Errorf("%s: ruling %d, want %d", row.name, got, row.want)
		}
	}
}

func TestPolicyRefusesWhatIAMRefuses(t *testing.T) {
	t.Parallel()
	rows := map[string]string{
		"no JSON":           `{`,
		"no statement":      `{"Version":"2012-10-17"}`,
		"unknown version":   `{"Version":"2020-01-01","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		"unknown element":   `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Colour":"red"}]}`,
		"wrong effect":      `{"Statement":[{"Effect":"Maybe","Action":"*","Resource":"*"}]}`,
		"no action":         `{"Statement":[{"Effect":"Allow","Resource":"*"}]}`,
		"no vendor":         `{"Statement":[{"Effect":"Allow","Action":"StopInstances","Resource":"*"}]}`,
		"no resource":       `{"Statement":[{"Effect":"Allow","Action":"*"}]}`,
		"principal":         `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}]}`,
		"unknown condition": `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Sounds":{"a":"b"}}}]}`,
		"two values":        `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}{}`,
	}
	for name, document := range rows {
		if _, err := parsePolicy(json.RawMessage(document), identityPolicy); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := parsePolicy(json.RawMessage(`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`), trustPolicy); err == nil {
		t.Error("a trust policy without a principal is taken")
	}
}

func TestManagedPoliciesParse(t *testing.T) {
	t.Parallel()
	for name := range managedPolicies {
		if _, ok := managed([]string{name}); !ok {
			t.Errorf("%s does not parse", name)
		}
	}
	if _, ok := managed([]string{"arn:aws:iam::aws:policy/Nothing"}); ok {
		t.Error("a policy that does not exist was found")
	}
}

func TestDefaultWorldRepeats(t *testing.T) {
	t.Parallel()
	a, b := DefaultWorld(), DefaultWorld()
	for _, w := range []*World{&a, &b} {
		for i := range w.AWS {
			w.AWS[i].Roles = nil // their external ids are meant to be unknown
		}
	}
	if string(mustJSON(a)) != string(mustJSON(b)) {
		t.Error("two default worlds differ")
	}
}

func FuzzPolicy(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"${aws:username}*"}}`, "ec2:StopInstances")
	f.Fuzz(func(t *testing.T, document, action string) {
		p, err := parsePolicy(json.RawMessage(document), identityPolicy)
		if err != nil {
			return
		}
		q := question{action: action, resource: "*", keys: map[string][]string{"aws:username": {"${aws:username}"}}}
		if first := p.answer(q); first != p.answer(q) {
			t.Error("the same question has two answers")
		}
	})
}

func FuzzStandardJSON(f *testing.F) {
	f.Add("// a\n{\"a\": [1, 2,], /* b */ \"c\": \"//\",}")
	f.Add("/*")
	f.Fuzz(func(t *testing.T, text string) {
		if json.Valid([]byte(text)) {
			var want, got any
			if json.Unmarshal([]byte(text), &want) != nil || json.Unmarshal(standardJSON([]byte(text)), &got) != nil {
				t.Fatalf("valid JSON became invalid: %q", text)
			}
			if string(mustJSON(want)) != string(mustJSON(got)) {
				t.Errorf("%q became %s", text, mustJSON(got))
			}
			return
		}
		standardJSON([]byte(text))
	})
}

func FuzzFilter(f *testing.F) {
	f.Add(`(status eq "RUNNING") AND labels.team:checkout`)
	f.Fuzz(func(_ *testing.T, filter string) {
		_, _ = filterDocuments([]map[string]any{{"status": "RUNNING", "labels": map[string]string{"team": "checkout"}}}, filter)
	})
}
