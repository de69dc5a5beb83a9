package redis

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadsURLs(t *testing.T) {
	t.Parallel()
	type want struct {
		Addrs          []string
		User, Password string
		DB             int
		TLS            bool
		Master         string
		SentinelUser   string
		SentinelPass   string
	}
	for url, w := range map[string]want{
		"redis://localhost":               {Addrs: []string{"localhost:6379"}},
		"redis://h:7000/3":                {Addrs: []string{"h:7000"}, DB: 3},
		"redis://:p%40%2Fw@h/":            {Addrs: []string{"h:6379"}, Password: "p@/w"},
		"rediss://u:a:b@c@h:1/0":          {Addrs: []string{"h:1"}, User: "u", Password: "a:b@c", TLS: true},
		"redis://[::1]:7000":              {Addrs: []string{"[::1]:7000"}},
		"redis://[::1]":                   {Addrs: []string{"[::1]:6379"}},
		"redis+sentinel://h1,h2:7/m":      {Addrs: []string{"h1:26379", "h2:7"}, Master: "m"},
		"redis+sentinel://:pw@h1:1/m/2":   {Addrs: []string{"h1:1"}, Password: "pw", Master: "m", DB: 2},
		"rediss+sentinel://u:p@h1:1/m/0":  {Addrs: []string{"h1:1"}, User: "u", Password: "p", Master: "m", TLS: true},
		"redis+sentinel://[::1]:1,h2/m/0": {Addrs: []string{"[::1]:1", "h2:26379"}, Master: "m"},
		"redis+sentinel://h1/m/0?sentinel_user=su&sentinel_password=s%26p": {
			Addrs: []string{"h1:26379"}, Master: "m", SentinelUser: "su", SentinelPass: "s&p"},
	} {
		opts, err := parse(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		got := want{opts.Addrs, opts.Username, opts.Password, opts.DB, opts.TLSConfig != nil, opts.MasterName,
			opts.SentinelUsername, opts.SentinelPassword}
		if diff := cmp.Diff(w, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", url, diff)
		}
	}
}

func TestRefusesURLs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                                    "must begin with redis://",
		"localhost:6379":                      "must begin with redis://",
		"http://:hunter2@h":                   "scheme",
		"unix:///run/redis.sock":              "scheme",
		"redis://":                            "a host is missing",
		"redis://:hunter2@":                   "a host is missing",
		"redis://h1,h2":                       "several hosts need redis+sentinel://",
		"redis://:hunter2@h:port":             "a port is not a number",
		"redis://:hunter2@h:0":                "a port is not a number",
		"redis://:hunter2@h:70000":            "a port is not a number",
		"redis://:hunt/er2@h:6379":            "a port is not a number",
		"redis://:hunter2%@h":                 "%XX",
		"redis://:hunter2@h/x":                "number of the database",
		"redis://:hunter2@h/-1":               "number of the database",
		"redis://:hunter2@h/1/2":              "number of the database",
		"redis://:hunter2@h/0?timeout=1":      `option "timeout"`,
		"redis://h/0?sentinel_password=x":     `option "sentinel_password"`,
		"redis://h/0?%zz":                     "cannot be read",
		"redis+sentinel://:hunter2@h1":        "name the master",
		"redis+sentinel://:hunter2@h1/":       "name the master",
		"redis+sentinel://:hunter2@h1//0":     "name the master",
		"redis+sentinel://h1,/m":              "a host is missing",
		"redis+sentinel://:hunter2@h1/m/zero": "number of the database",
	} {
		_, err := parse(url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q and no password", url, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"redis://u:p@h:1/0", "redis+sentinel://:p@h1,h2:2/m/0?sentinel_user=x", "redis://[::1]:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, url string) {
		opts, err := parse(url)
		if err == nil && (len(opts.Addrs) == 0 || opts.MasterName == "" && len(opts.Addrs) > 1) {
			t.Errorf("%q was read as %v", url, opts.Addrs)
		}
	})
}

func TestKeysDoNotRunTogether(t *testing.T) {
	t.Parallel()
	seen := map[string][]string{}
	for _, parts := range [][]string{{"a", "b:c"}, {"a:b", "c"}, {"a", "b", "c"}, {"a:b:c"}, {"a%3Ab", "c"}, {"a", "b", ""}, {"a", "b"}} {
		k := key(parts...)
		if other, ok := seen[k]; ok {
			t.Errorf("%q and %q share the key %s", parts, other, k)
		}
		seen[k] = parts
	}
}
