package aws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/providers"
	"aurora/providers/cloudsim"
	"aurora/store"

	"github.com/aws/aws-sdk-go-v2/credentials"
)

func simulated(t *testing.T) (*cloudsim.Server, *Connector) {
	t.Helper()
	key := cloudsim.AWSKey{ID: "AKIA" + strings.Repeat("A", 16), Secret: strings.Repeat("s", 40)}
	sim := cloudsim.New(cloudsim.Config{AWSKey: key})
	if err := sim.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	c, err := New(Config{
		Identity: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, ""),
		Endpoint: sim.Endpoints().AWS, STSEndpoint: sim.Endpoints().AWS,
	})
	if err != nil {
		t.Fatal(err)
	}
	return sim, c
}

func trust(t *testing.T, sim *cloudsim.Server, role, id string) {
	t.Helper()
	if err := sim.SetTrust(role, id); err != nil {
		t.Fatal(err)
	}
}

func sentence(t *testing.T, err error, code providers.Code, words string) {
	t.Helper()
	var p *providers.Problem
	if !errors.As(err, &p) || p.Code != code || !strings.Contains(p.Sentence, words) {
		t.Errorf("error is %v, want %s saying %q", err, code, words)
	}
}

func TestARoleIsLinkedOnlyWithOurExternalID(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	id := NewExternalID()
	trust(t, sim, cloudsim.RoleReadOnly, id)
	link, err := c.Connect(context.Background(), Setup{RoleARN: " " + cloudsim.RoleReadOnly + "\n", Region: "us-east-1", ExternalID: id, SessionFor: "user_1"})
	if err != nil {
		t.Fatal(err)
	}
	if link.Account != cloudsim.ProdAccount || link.Credential.Get("external_id") != id || link.Settings["role_arn"] != cloudsim.RoleReadOnly {
		t.Errorf("link is %+v", link)
	}
	if strings.Contains(fmt.Sprintf("%+v", link), id) {
		t.Error("the link prints the external id")
	}
	for name, s := range map[string]struct {
		setup Setup
		says  string
	}{
		"trusts another id":      {Setup{RoleARN: cloudsim.RoleReadOnly, Region: "us-east-1", ExternalID: NewExternalID(), SessionFor: "u"}, "cannot be assumed with the external id"},
		"trusts without one":     {Setup{RoleARN: cloudsim.RoleOpen, Region: "us-east-1", ExternalID: id, SessionFor: "u"}, "without the right external id"},
		"does not exist":         {Setup{RoleARN: "arn:aws:iam::111122223333:role/Nobody", Region: "us-east-1", ExternalID: id, SessionFor: "u"}, "cannot be assumed"},
		"not an ARN":             {Setup{RoleARN: "AuroraReadOnly", Region: "us-east-1", ExternalID: id, SessionFor: "u"}, "not the ARN"},
		"a user":                 {Setup{RoleARN: "arn:aws:iam::111122223333:user/x", Region: "us-east-1", ExternalID: id, SessionFor: "u"}, "not the ARN"},
		"eleven digits":          {Setup{RoleARN: "arn:aws:iam::11112222333:role/x", Region: "us-east-1", ExternalID: id, SessionFor: "u"}, "not the ARN"},
		"unknown partition":      {Setup{RoleARN: "arn:evil:iam::111122223333:role/x", Region: "us-east-1", ExternalID: id, SessionFor: "u"}, "not the ARN"},
		"something behind":       {Setup{RoleARN: cloudsim.RoleReadOnly + " --x", Region: "us-east-1", ExternalID: id, SessionFor: "u"}, "not the ARN"},
		"region with a host":     {Setup{RoleARN: cloudsim.RoleReadOnly, Region: "us-east-1.evil.example", ExternalID: id, SessionFor: "u"}, "not the name of an AWS region"},
		"no such region":         {Setup{RoleARN: cloudsim.RoleReadOnly, Region: "eu-west-9", ExternalID: id, SessionFor: "u"}, "does not know the region eu-west-9"},
		"reader elsewhere":       {Setup{RoleARN: cloudsim.RoleReadOnly, ReaderARN: cloudsim.RoleStaging, Region: "us-east-1", ExternalID: id, SessionFor: "u"}, "in the same account"},
		"reader is no ARN":       {Setup{RoleARN: cloudsim.RoleReadOnly, ReaderARN: "aurora-read", Region: "us-east-1", ExternalID: id, SessionFor: "u"}, "not the ARN"},
		"reader is open":         {Setup{RoleARN: cloudsim.RoleReadOnly, ReaderARN: cloudsim.RoleOpen, Region: "us-east-1", ExternalID: id, SessionFor: "u"}, "without the right external id"},
		"no region":              {Setup{RoleARN: cloudsim.RoleReadOnly, Region: "", ExternalID: id, SessionFor: "u"}, "not the name of an AWS region"},
		"a person's external id": {Setup{RoleARN: cloudsim.RoleReadOnly, Region: "us-east-1", ExternalID: "hello", SessionFor: "u"}, "not one that Aurora made"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Connect(context.Background(), s.setup)
			sentence(t, err, providers.CodeRefused, s.says)
		})
	}
}

func TestAnSTSThatIsAwayProvesNothing(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	id := NewExternalID()
	trust(t, sim, cloudsim.RoleReadOnly, id)
	sim.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := c.Connect(ctx, Setup{RoleARN: cloudsim.RoleReadOnly, Region: "us-east-1", ExternalID: id, SessionFor: "u"})
	sentence(t, err, providers.CodeUnavailable, "cannot be reached")
}

func TestExternalIDsAreOurs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := NewExternalID()
		if !validID(id) || len(id) != 43 || seen[id] {
			t.Fatalf("external id %q", id)
		}
		seen[id] = true
	}
}

func sessionAsk(id string, generation int64, turn string, readOnly bool) providers.SessionAsk {
	return providers.SessionAsk{
		Connection: store.Connection{ID: "c1", Cloud: store.AWS, Account: cloudsim.ProdAccount, Generation: generation, Region: "us-east-1"},
		Credential: store.NewCredential(map[string]string{"external_id": id, "role_arn": cloudsim.RoleAdmin}),
		Region:     "us-east-1", UserID: "user/ä 1", Turn: turn, ReadOnly: readOnly,
	}
}

func TestSessionsAreSharedAsFarAsTheyMay(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	id := NewExternalID()
	trust(t, sim, cloudsim.RoleAdmin, id)
	get := func(ask providers.SessionAsk) string {
		s, err := c.Session(context.Background(), ask)
		if err != nil {
			t.Error(err)
			return ""
		}
		return s.Env["AWS_ACCESS_KEY_ID"]
	}
	var wg sync.WaitGroup
	keys := make([]string, 20)
	for i := range keys {
		wg.Go(func() { keys[i] = get(sessionAsk(id, 1, fmt.Sprint("turn", i), true)) })
	}
	wg.Wait()
	for _, k := range keys {
		if k != keys[0] {
			t.Fatal("one user's reads got different sessions")
		}
	}
	if n := sim.Executed("sts:AssumeRole"); n != 1 {
		t.Errorf("STS was asked %d times", n)
	}
	different := map[string]bool{keys[0]: true}
	for _, ask := range []providers.SessionAsk{sessionAsk(id, 2, "t1", true), sessionAsk(id, 1, "t1", false), sessionAsk(id, 1, "t2", false)} {
		k := get(ask)
		if different[k] {
			t.Error("another generation, mode or turn got the same session")
		}
		different[k] = true
	}
	for _, e := range sim.Requests("sts:AssumeRole") {
		if e.Principal != cloudsim.AuroraPrincipal {
			t.Errorf("assumed by %q", e.Principal)
		}
	}
}

func TestASessionEndsFiveMinutesEarly(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	id := NewExternalID()
	trust(t, sim, cloudsim.RoleAdmin, id)
	now := time.Now()
	c.cache.now = func() time.Time { return now }
	for _, step := range []struct {
		ahead time.Duration
		asked int
	}{{0, 1}, {54 * time.Minute, 1}, {56 * time.Minute, 2}} {
		c.cache.now = func() time.Time { return now.Add(step.ahead) }
		if _, err := c.Session(context.Background(), sessionAsk(id, 1, "t", true)); err != nil {
			t.Fatal(err)
		}
		if n := sim.Executed("sts:AssumeRole"); n != step.asked {
			t.Errorf("after %s STS was asked %d times, want %d", step.ahead, n, step.asked)
		}
	}
}

func TestARevokedRoleIsTold(t *testing.T) {
	t.Parallel()
	_, c := simulated(t)
	_, err := c.Session(context.Background(), sessionAsk(NewExternalID(), 1, "t", true))
	sentence(t, err, providers.CodeExpired, "/aurora connect aws for everyone")
	other := sessionAsk(NewExternalID(), 1, "t", true)
	other.Connection.Account = cloudsim.StagingAccount
	_, err = c.Session(context.Background(), other)
	sentence(t, err, providers.CodeExpired, "cannot be used")
}

func TestSessionNamesAreValid(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"user_1", "turn_2", "aurora-user_1-turn_2"},
		{"a b/c", "日本", "aurora-a-b-c--"},
		{strings.Repeat("u", 90), strings.Repeat("t", 90), "aurora-" + strings.Repeat("u", 28) + "-" + strings.Repeat("t", 28)},
	} {
		if got := sessionName(c[0], c[1]); got != c[2] || len(got) > 64 {
			t.Errorf("got %q, want %q", got, c[2])
		}
	}
}

func TestTheSessionPolicyFits(t *testing.T) {
	t.Parallel()
	if n := len(denySecrets) + len("arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess"); n > 2048 {
		t.Errorf("%d characters", n)
	}
}

func TestAskAssumesTheReadOnlyRoleAlone(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	id := NewExternalID()
	trust(t, sim, cloudsim.RoleAdmin, id)
	trust(t, sim, cloudsim.RoleReadOnly, id)
	link, err := c.Connect(t.Context(), Setup{RoleARN: cloudsim.RoleAdmin, ReaderARN: cloudsim.RoleReadOnly, Region: "us-east-1", ExternalID: id, SessionFor: "u"})
	if err != nil {
		t.Fatal(err)
	}
	for readOnly, want := range map[bool]string{true: cloudsim.RoleReadOnly, false: cloudsim.RoleAdmin} {
		sim.Forget()
		ask := sessionAsk(id, 1, "t", readOnly)
		ask.Credential, ask.Connection.Settings = link.Credential, link.Settings
		if _, err := c.Session(t.Context(), ask); err != nil {
			t.Fatal(err)
		}
		asked := sim.Requests("sts:AssumeRole")
		if len(asked) != 1 || asked[0].Resources[0] != want || asked[0].Source != "aurora-user-1" {
			t.Errorf("read only %v: %+v", readOnly, asked)
		}
	}
}

func TestATrustPolicyWithoutTagsIsEnough(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	id := NewExternalID()
	bare := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":%q},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":%q}}}]}`,
		cloudsim.AuroraPrincipal, id)
	if err := sim.SetTrustDocument(cloudsim.RoleAdmin, []byte(bare)); err != nil {
		t.Fatal(err)
	}
	link, err := c.Connect(t.Context(), Setup{RoleARN: cloudsim.RoleAdmin, Region: "us-east-1", ExternalID: id, SessionFor: "u"})
	if err != nil || link.Settings[settingNamed] != "false" || !strings.Contains(link.Note, "sts:TagSession") {
		t.Fatalf("%+v, %v", link, err)
	}
	for _, named := range []string{"false", "true"} { // the second as if the policy had lost them since
		ask := sessionAsk(id, 1, "turn "+named, false)
		ask.Connection.Settings = map[string]string{settingNamed: named}
		if _, err := c.Session(t.Context(), ask); err != nil {
			t.Errorf("named %s: %v", named, err)
		}
	}
	if err := sim.SetTrustDocument(cloudsim.RoleAdmin, []byte(TrustPolicy(cloudsim.AuroraPrincipal, id))); err != nil {
		t.Fatal(err)
	}
	if link, err = c.Connect(t.Context(), Setup{RoleARN: cloudsim.RoleAdmin, Region: "us-east-1", ExternalID: id, SessionFor: "u"}); err != nil || link.Settings[settingNamed] != "true" || link.Note != "" {
		t.Errorf("with the trust policy that the page shows: %+v, %v", link, err)
	}
}

func TestThrottledSTSProvesNothing(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t)
	id := NewExternalID()
	trust(t, sim, cloudsim.RoleAdmin, id)
	if err := sim.Inject(cloudsim.Fault{Action: "sts:AssumeRole", Kind: cloudsim.FaultStatus, Status: 400, Code: "ThrottlingException", Times: -1}); err != nil {
		t.Fatal(err)
	}
	_, err := c.Connect(t.Context(), Setup{RoleARN: cloudsim.RoleAdmin, Region: "us-east-1", ExternalID: id, SessionFor: "u"})
	sentence(t, err, providers.CodeUnavailable, "cannot be reached")
}
