package providers

import (
	"context"
	"strings"
	"testing"

	"aurora/providers/policy"
	"aurora/store"
)

// TestMaskedMembersCannotBeAskedFor tries filters that would tell a password by whether there is an answer.
func TestMaskedMembersCannotBeAskedFor(t *testing.T) {
	t.Parallel()
	engine, err := policy.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, `echo '[]'`)
	b.connect(store.GCP, "g1", "ada@example.com", "shop")
	b.Policy = engine
	for flag, open := range map[string]bool{
		`--filter=name=web`: true,
		`--filter=name~^web AND (state=ACTIVE OR state:DEPLOY*)`: true,
		`--filter=name:(web pay) NOT state="OFF LINE" -region=x`: true,
		`--filter=labels.team = 'payments'`:                      true,
		`--filter=serviceConfig.timeoutSeconds>60`:               true,
		`--sort-by=~name,updateTime`:                             true,
		`--sort-by=serviceConfig.uri`:                            true,
		`--filter=environmentVariables.DB_PASSWORD~^a`:           false,
		`--filter=ENVIRONMENT_VARIABLES.db_password~^a`:          false,
		`--filter=environmentVariables:hunter`:                   false,
		`--filter=serviceConfig:hunter`:                          false,
		`--filter=serviceConfig.environmentVariables.A:*`:        false,
		`--filter=name=web OR environmentVariables[].A=x`:        false,
		`--filter="environmentVariables".A~x`:                    false,
		`--filter=environment"Variables".A~x`:                    false,
		`--filter=name=a"b" environment"Variables".A~x`:          false,
		`--filter=name="x\" hunter b="y"`:                        false,
		`--filter=hunter`:                                        false,
		`--filter=name=web hunter`:                               false,
		`--filter=name=web "hunter"`:                             false,
		`--filter=-hunter`:                                       false,
		`--filter=name=web(environmentVariables.A~x)`:            false,
		`--filter=[].environmentVariables.A~x`:                   false,
		`--filter=format("{0}",environmentVariables)~x`:          false,
		`--filter=name.firstof(environmentVariables.A)~x`:        false,
		`--sort-by=environmentVariables.DB_PASSWORD`:             false,
		`--sort-by=~serviceConfig`:                               false,
		`--sort-by=name.extract("x")`:                            false,
	} {
		a := ask("", store.Ask)
		a.Argv = []string{"gcloud", "functions", "list", flag}
		p := b.Judge(context.Background(), a)
		if (p.Code == "") != open || !open && !strings.Contains(p.Error, "secret") {
			t.Errorf("%s: %q %s", flag, p.Code, p.Error)
		}
	}
	a := ask("", store.Ask)
	a.Argv = []string{"gcloud", "compute", "zones", "list", "--filter=europe"}
	if p := b.Judge(context.Background(), a); p.Code != "" {
		t.Errorf("a filter where nothing is secret: %s", p.Error)
	}
}

func FuzzPlainFilter(f *testing.F) {
	for _, filter := range []string{`name=web`, `a:(b c) AND NOT d~"e f"`, `hunter`, `a="b`} {
		f.Add(filter)
	}
	f.Fuzz(func(t *testing.T, filter string) {
		if plainFilter(filter) && strings.Trim(filter, " ()-") != "" && !strings.ContainsAny(filter, ":=<>~") && strings.Trim(filter, "ANDORT ()-\t\n\f\r") != "" {
			t.Errorf("%q compares nothing", filter)
		}
	})
}
