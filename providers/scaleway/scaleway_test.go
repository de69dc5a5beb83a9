package scaleway

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/store"
)

type world struct {
	sim                    *cloudsim.Server
	scaleway               *Connector
	full, read, blind, gap cloudsim.ScalewayKey
	changing, reading      cloudsim.ScalewayKey // what only reads, in a group that may change things, or that reads, too
}

func simulated(t *testing.T) *world {
	t.Helper()
	made := func(n int, readOnly bool, sets ...string) cloudsim.ScalewayKey {
		return cloudsim.ScalewayKey{
			AccessKey: fmt.Sprintf("SCWAURORA%011d", n), SecretKey: fmt.Sprintf("%08d-0000-4000-8000-000000000000", n), ReadOnly: readOnly, PermissionSets: sets,
		}
	}
	w := &world{
		full: made(1, false), read: made(2, true), blind: made(3, true, "AllProductsReadOnly"),
		gap: made(4, true, "AllProductsReadOnly", "IAMReadOnly", "ObjectStorageFullAccess"),
	}
	w.changing, w.reading = made(5, true), made(6, true)
	w.changing.GroupSets, w.reading.GroupSets = []string{"AllProductsFullAccess"}, []string{"ObservabilityReadOnly"}
	w.sim = cloudsim.New(cloudsim.Config{ScalewayKeys: []cloudsim.ScalewayKey{w.full, w.read, w.blind, w.gap, w.changing, w.reading}})
	if err := w.sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.sim.Close)
	var err error
	if w.scaleway, err = New(Config{API: w.sim.Endpoints().Scaleway}); err != nil {
		t.Fatal(err)
	}
	return w
}

func setup(main cloudsim.ScalewayKey, reader ...cloudsim.ScalewayKey) Setup {
	s := Setup{AccessKey: " " + main.AccessKey + "\n", SecretKey: main.SecretKey}
	if len(reader) > 0 {
		s.ReaderAccessKey, s.ReaderSecretKey = reader[0].AccessKey, reader[0].SecretKey
	}
	return s
}

func says(t *testing.T, err error, code providers.Code, words string) {
	t.Helper()
	var p *providers.Problem
	if !errors.As(err, &p) || p.Code != code || !strings.Contains(p.Sentence, words) {
		t.Errorf("error is %v, want %s saying %q", err, code, words)
	}
}

func TestKeysAreFollowedToTheirRights(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	for name, c := range map[string]struct {
		setup    Setup
		readOnly bool
		note     string
	}{
		"both":      {setup(w.full, w.read), false, "read-only key alone"},
		"full":      {setup(w.full), false, "may change things"},
		"read":      {setup(w.read), true, "can only read"},
		"one gap":   {setup(w.gap), false, "may change things"},
		"by group":  {setup(w.changing), false, "may change things"},
		"two reads": {setup(w.reading), true, "can only read"},
		"elsewhere": {Setup{AccessKey: w.full.AccessKey, SecretKey: w.full.SecretKey, Project: "staging", Region: "nl-ams"}, false, "may change"},
	} {
		link, err := w.scaleway.Connect(t.Context(), c.setup)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if link.ReadOnly != c.readOnly || !strings.Contains(link.Note, c.note) || len(link.Projects) != 2 || link.Account != w.sim.World().Scaleway.Organization {
			t.Errorf("%s: %+v", name, link)
		}
		wantFirst, wantZone := w.sim.World().Scaleway.Projects[0].ID, "fr-par-1"
		if name == "elsewhere" {
			wantFirst, wantZone = w.sim.World().Scaleway.Projects[1].ID, "nl-ams-1"
		}
		if link.Projects[0] != wantFirst || link.Settings["zone"] != wantZone {
			t.Errorf("%s: works in %s, %s", name, link.Projects[0], link.Settings["zone"])
		}
		if text := fmt.Sprintf("%+v %v", link, c.setup); strings.Contains(text, w.full.SecretKey) || strings.Contains(text, w.read.SecretKey) {
			t.Errorf("%s: a secret key is printed", name)
		}
	}
}

func TestTheKeyThatEndsFirstIsTold(t *testing.T) {
	t.Parallel()
	keys := []cloudsim.ScalewayKey{simulated(t).full, simulated(t).read}
	soon, later := time.Now().Add(24*time.Hour).UTC().Truncate(time.Second), time.Now().Add(48*time.Hour)
	for name, row := range map[string]struct {
		full, read, want time.Time
	}{
		"never": {}, "the full one": {full: soon, want: soon}, "the reader": {full: later, read: soon, want: soon}, "the full one first": {full: soon, read: later, want: soon},
	} {
		keys[0].Expires, keys[1].Expires = row.full, row.read
		sim := cloudsim.New(cloudsim.Config{ScalewayKeys: keys})
		if err := sim.Start(); err != nil {
			t.Fatal(err)
		}
		defer sim.Close()
		c, err := New(Config{API: sim.Endpoints().Scaleway})
		if err != nil {
			t.Fatal(err)
		}
		link, err := c.Connect(t.Context(), setup(keys[0], keys[1]))
		if err != nil {
			t.Fatal(err)
		}
		if got := (store.Connection{Settings: link.Settings}).Expires(); !got.Equal(row.want) || strings.Contains(link.Note, "works until") == row.want.IsZero() {
			t.Errorf("%s: until %s, want %s: %s", name, got, row.want, link.Note)
		}
	}
}

// fails lets the next look at a list of IAM's fail.
func (w *world) fails(t *testing.T, list string, status int) {
	t.Helper()
	if err := w.sim.Inject(cloudsim.Fault{Action: "iam." + list + ".list", Kind: cloudsim.FaultStatus, Status: status}); err != nil {
		t.Fatal(err)
	}
}

func TestConnectRefusesWithAdvice(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	stranger := cloudsim.ScalewayKey{AccessKey: "SCWSTRANGER000000000", SecretKey: "99999999-0000-4000-8000-000000000000"}
	for name, c := range map[string]struct {
		setup Setup
		says  string
	}{
		"nothing":             {Setup{}, "SCW and 17"},
		"short access key":    {Setup{AccessKey: "SCW1", SecretKey: w.full.SecretKey}, "SCW and 17"},
		"path in access key":  {Setup{AccessKey: "SCW/../../../projects", SecretKey: w.full.SecretKey}, "SCW and 17"},
		"secret is no UUID":   {Setup{AccessKey: w.full.AccessKey, SecretKey: "hunter2"}, "not the secret key"},
		"unknown":             {setup(stranger), "does not accept the API key"},
		"halves of two":       {Setup{AccessKey: stranger.AccessKey, SecretKey: w.full.SecretKey}, "do not belong together"},
		"may not look":        {setup(w.blind), "IAMReadOnly"},
		"reader may not look": {setup(w.full, w.blind), "IAMReadOnly"},
		"reader writes":       {setup(w.read, w.full), "may change things"},
		"reader has a gap":    {setup(w.full, w.gap), "may change things"},
		"reader's group":      {setup(w.full, w.changing), "may change things"},
		"reader is the same":  {setup(w.read, w.read), "are the same"},
		"no such project":     {Setup{AccessKey: w.full.AccessKey, SecretKey: w.full.SecretKey, Project: "lab"}, `no project "lab"`},
		"no such region":      {Setup{AccessKey: w.full.AccessKey, SecretKey: w.full.SecretKey, Region: "us-east-1"}, "not one of Scaleway's regions"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.scaleway.Connect(t.Context(), c.setup)
			says(t, err, providers.CodeRefused, c.says)
		})
	}
	for _, list := range []string{"groups", "policies", "rules"} {
		for _, status := range []int{429, 503} {
			w.fails(t, list, status)
			_, err := w.scaleway.Connect(t.Context(), setup(w.full))
			says(t, err, providers.CodeUnavailable, "cannot be reached")
		}
		w.fails(t, list, 403)
		if link, err := w.scaleway.Connect(t.Context(), setup(w.read)); err != nil || link.ReadOnly || !strings.Contains(link.Note, "cannot see") {
			t.Errorf("without the %s: %+v, %v", list, link, err)
		}
	}
	w.sim.Close()
	_, err := w.scaleway.Connect(t.Context(), setup(w.full))
	says(t, err, providers.CodeUnavailable, "cannot be reached")
}

func (w *world) ask(t *testing.T, s Setup, readOnly bool) providers.SessionAsk {
	t.Helper()
	link, err := w.scaleway.Connect(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return providers.SessionAsk{
		Connection: store.Connection{ID: "c1", Cloud: store.Scaleway, Account: link.Account, Region: link.Region, Projects: link.Projects, Settings: link.Settings},
		Credential: link.Credential, Project: link.Projects[0], Region: link.Region, ReadOnly: readOnly,
	}
}

func TestTheFullKeyCannotBeReachedFromAsk(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	for _, c := range []struct {
		setup    Setup
		readOnly bool
		want     cloudsim.ScalewayKey
	}{{setup(w.full, w.read), true, w.read}, {setup(w.full, w.read), false, w.full}, {setup(w.full), true, w.full}} {
		s, err := w.scaleway.Session(t.Context(), w.ask(t, c.setup, c.readOnly))
		if err != nil {
			t.Fatal(err)
		}
		if s.Env["SCW_ACCESS_KEY"] != c.want.AccessKey || s.Env["SCW_SECRET_KEY"] != c.want.SecretKey || len(s.Secrets) != 1 || s.Secrets[0] != c.want.SecretKey {
			t.Errorf("read only %v: works with %s", c.readOnly, s.Env["SCW_ACCESS_KEY"])
		}
		for _, other := range []cloudsim.ScalewayKey{w.full, w.read} {
			if other.AccessKey != c.want.AccessKey && strings.Contains(fmt.Sprint(s.Env), other.SecretKey) {
				t.Errorf("read only %v: the other key is there", c.readOnly)
			}
		}
	}
	broken := w.ask(t, setup(w.full, w.read), true)
	broken.Credential = store.NewCredential(map[string]string{"access_key": w.full.AccessKey, "secret_key": w.full.SecretKey, "reader_access_key": "SCW"})
	_, err := w.scaleway.Session(t.Context(), broken)
	says(t, err, providers.CodeExpired, "connect again")
}

func TestAnotherRegionHasAZoneOfItsOwn(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	ask := w.ask(t, setup(w.full), true)
	ask.Region = "pl-waw"
	s, err := w.scaleway.Session(t.Context(), ask)
	if err != nil || s.Env["SCW_DEFAULT_REGION"] != "pl-waw" || s.Env["SCW_DEFAULT_ZONE"] != "pl-waw-1" {
		t.Errorf("%v, %v", s.Env, err)
	}
}

func TestOnlyARefusedKeyBreaksTheConnection(t *testing.T) {
	t.Parallel()
	w := simulated(t)
	s, err := w.scaleway.Session(t.Context(), w.ask(t, setup(w.full), true))
	if err != nil {
		t.Fatal(err)
	}
	for printed, want := range map[string]bool{
		`{"message":"authentication is denied","type":"denied_authentication"}`: true,
		"scaleway-sdk-go: denied authentication: key not_found":                 true,
		"scaleway-sdk-go: insufficient permissions: write instance":             false,
		"Get https://api.scaleway.com: connection refused":                      false,
	} {
		if p := s.Rejected(providers.Output{ExitCode: 1, Stderr: []byte(printed)}); (p != nil && p.Broken) != want {
			t.Errorf("%s: %v", printed, p)
		}
	}
}

func TestRevokeDeletesWhatWasMadeForAurora(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		made    bool
		fault   bool
		says    string
		deleted int
		failed  bool
	}{
		"ours":        {true, false, "is deleted at Scaleway", 2, false},
		"theirs":      {false, false, "still works at Scaleway", 0, false},
		"out of luck": {true, true, "did not delete", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := simulated(t)
			s := setup(w.full, w.read)
			s.ForAurora = c.made
			link, err := w.scaleway.Connect(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			if c.fault {
				if err := w.sim.Inject(cloudsim.Fault{Action: "iam.api-keys.delete", Kind: cloudsim.FaultStatus, Times: -1}); err != nil {
					t.Fatal(err)
				}
			}
			left, err := w.scaleway.Revoke(t.Context(), link.Credential)
			if !strings.Contains(left, c.says) || (err != nil) != c.failed || strings.Contains(left+fmt.Sprint(err), w.full.SecretKey) {
				t.Errorf("%q, %v", left, err)
			}
			if n := w.sim.Executed("iam.api-keys.delete"); n != c.deleted {
				t.Errorf("%d keys were deleted", n)
			}
		})
	}
}
