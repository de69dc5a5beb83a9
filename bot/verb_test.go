package bot

import (
	"slices"
	"strings"
	"testing"

	"aurora/store"
)

func TestOnlyAVerbsExactShapeIsOneInAMention(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"help":                                  "help",
		"HELP":                                  "help",
		"  help  ":                              "help",
		"help me with the checkout service":     "",
		"status":                                "status",
		"status of the checkout service?":       "",
		"stop":                                  "stop",
		"stop instance i-1":                     "",
		"connect aws":                           "connect",
		"connect Google":                        "connect",
		"connect aws 111122223333":              "connect",
		"connect":                               "",
		"connect the dots":                      "",
		"connect aws and gcp please":            "",
		"disconnect tailscale":                  "disconnect",
		"mode":                                  "mode",
		"mode agent":                            "mode",
		"Mode ASK":                              "mode",
		"mode agent please":                     "",
		"mode incident":                         "",
		"use gcp shop-prod":                     "use",
		"use gcp":                               "",
		"use gcp all":                           "use",
		"use azure “Pay As You Go”":             "use",
		"use aws to find it":                    "",
		"use azure \"prod\" to find it":         "",
		"use the force":                         "",
		"prefer aws,gcp":                        "prefer",
		"prefer aws gcp":                        "prefer",
		"prefer all":                            "prefer",
		"prefer tea":                            "",
		"run aws ec2 describe-instances":        "run",
		"run tailscale device list":             "run",
		"run":                                   "",
		"run the backup job":                    "",
		"run sh -c id":                          "",
		"run\taws s3 ls":                        "run",
		"explain aws s3 ls":                     "explain",
		"explain why checkout is slow":          "",
		"whoami":                                "whoami",
		"freeze":                                "freeze",
		"freeze there is an intruder":           "freeze",
		"unfreeze":                              "unfreeze",
		"unfreeze now":                          "",
		"role <@U1> operator":                   "role",
		"role <@U1|ada> Admin":                  "role",
		"role ada operator":                     "",
		"role <@U1> king":                       "",
		"channel max read":                      "channel",
		"channel clear":                         "channel",
		"channel is noisy":                      "",
		"audit":                                 "audit",
		"audit the security groups":             "",
		"":                                      "",
		"confirm":                               "",
		"yes":                                   "",
		"list my instances":                     "",
		"please run aws ec2 describe-instances": "",
	} {
		v, spec, ok := mentionedVerb(text)
		if got := spec.name; got != want || ok != (want != "") || ok && v.Name != want {
			t.Errorf("%q is taken for %q (%v), want %q", text, got, ok, want)
		}
	}
}

func TestAVerbKeepsItsWordsAsWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Verb{
		"run  aws ec2  describe-instances --filters 'a  b'": {Name: "run", Args: []string{"aws", "ec2", "describe-instances", "--filters", "'a", "b'"}, Rest: "aws ec2  describe-instances --filters 'a  b'"},
		"  Mode   Agent ": {Name: "mode", Args: []string{"Agent"}, Rest: "Agent"},
		"stop":            {Name: "stop"},
		"":                {},
	} {
		got := parseVerb(text)
		if got.Name != want.Name || got.Rest != want.Rest || !slices.Equal(got.Args, want.Args) {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
	}
}

func TestAMistypedVerbNamesTheNearest(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"stauts": "status", "hlep": "help", "conect": "connect", "disconect": "disconnect", "freze": "freeze", "rnu": "run", "xyzzyx": "", "": "", "modes": "mode",
	} {
		_, near, ok := findVerb(name)
		if ok || near != want {
			t.Errorf("%q is near %q (known: %v), want %q", name, near, ok, want)
		}
	}
	for _, spec := range verbSpecs() {
		if got, near, ok := findVerb(spec.name); !ok || near != "" || got.name != spec.name {
			t.Errorf("%s is not found", spec.name)
		}
		if spec.usage == "" || spec.about == "" || spec.fits == nil {
			t.Errorf("%s is not described", spec.name)
		}
	}
}

func TestCloudsByTheNamesPeopleUse(t *testing.T) {
	t.Parallel()
	for words, want := range map[string][]store.Cloud{
		"aws,gcp": {store.AWS, store.GCP}, "Amazon": {store.AWS}, "az scw ovhcloud": {store.Azure, store.Scaleway, store.OVH},
		"all": store.Clouds(), "aws,nowhere": nil, "": nil, "GCLOUD": {store.GCP},
	} {
		if got := cloudsNamed([]string{words}); !slices.Equal(got, want) {
			t.Errorf("%q names %v, want %v", words, got, want)
		}
	}
}

func TestAPersonIsNamedByAMentionAlone(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"<@U1>": "U1", "<@U1|ada>": "U1", "@ada": "", "U1": "", "<#C1>": "", "<@U1": "", "<@>": ""} {
		if got := personNamed(word); got != want {
			t.Errorf("%q names %q, want %q", word, got, want)
		}
	}
}

func TestStatusSaysUntilWhenAConnectionWorks(t *testing.T) {
	t.Parallel()
	c := store.Connection{Cloud: store.Scaleway, Account: "acme", Settings: map[string]string{store.SettingExpires: "2026-12-01T08:30:00Z"}}
	if line := connectionLine(c, nil); !strings.Contains(line, "works until 2026-12-01") {
		t.Error(line)
	}
	if line := connectionLine(store.Connection{Cloud: store.AWS}, nil); strings.Contains(line, "until") {
		t.Error(line)
	}
}
