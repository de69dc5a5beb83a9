package providers_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"aurora/providers"
	"aurora/store"
)

// FuzzCallback: whatever a browser brings back, a code comes out only of an answer with one code, no error and no foreign
// issuer, and no sentence repeats what came.
func FuzzCallback(f *testing.F) {
	for _, q := range []string{
		"code=4%2Fx", "code=a&iss=https://accounts.google.com", "code=a&iss=https://evil.example", "error=access_denied", "error=x&code=a", "code=a&code=b",
		"", "code=", "iss=&code=a", "code=a&iss=https://accounts.google.com&iss=https://evil.example", "code=a&iss=https://accounts.google.com/x", "%zz",
	} {
		f.Add(q)
	}
	server := providers.AuthServer{Name: "Google", Issuer: "https://accounts.google.com"}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		code, err := server.Code(q)
		var p *providers.Problem
		if err != nil {
			if code != "" || !errors.As(err, &p) || len(q.Get("code")) > 12 && strings.Contains(p.Sentence, q.Get("code")) {
				t.Errorf("%q, %v", code, err)
			}
			return
		}
		issuer := q.Get("iss")
		if code == "" || len(q["code"]) != 1 || len(q["iss"]) > 1 || q.Get("error") != "" || issuer != "" && !strings.HasPrefix(issuer, "https://accounts.google.com") {
			t.Errorf("%s gave %q", raw, code)
		}
	})
}

func TestAFurtherSignInKeepsWhatTheOldOneHasBesides(t *testing.T) {
	t.Parallel()
	values := func(pairs ...string) store.Credential {
		all := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			all[pairs[i]] = pairs[i+1]
		}
		return store.NewCredential(all)
	}
	old := values("kind", "oauth", "subject", "1", "client_id", "c", "read_access_token", "old-read", "wide_access_token", "old-wide")
	for name, row := range map[string]struct {
		fresh      store.Credential
		read, wide string
	}{
		"the same person": {values("kind", "oauth", "subject", "1", "client_id", "c", "wide_access_token", "new-wide"), "old-read", "new-wide"},
		"another person":  {values("kind", "oauth", "subject", "2", "client_id", "c", "wide_access_token", "new-wide"), "", "new-wide"},
		"another client":  {values("kind", "oauth", "subject", "1", "client_id", "d", "read_access_token", "new-read"), "new-read", ""},
		"another kind":    {values("kind", "service_account", "subject", "1", "client_id", "c"), "", ""},
	} {
		got := providers.MergeCredential(old, row.fresh)
		if got.Get("read_access_token") != row.read || got.Get("wide_access_token") != row.wide {
			t.Errorf("%s: %q and %q", name, got.Get("read_access_token"), got.Get("wide_access_token"))
		}
	}
	if got := providers.MergeCredential(store.Credential{}, old); got.Get("read_access_token") != "old-read" {
		t.Error("the first sign-in is lost")
	}
}
