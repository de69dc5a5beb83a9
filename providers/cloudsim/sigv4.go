package cloudsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// signed is what an AWS Signature Version 4 header says.
type signed struct {
	keyID, date, region, service string
	headers                      []string // lower case, as listed
	signature                    string
	token                        string
	at                           time.Time // X-Amz-Date
}

const (
	sigAlgorithm = "AWS4-HMAC-SHA256"
	amzDate      = "20060102T150405Z"
	maxSkew      = 15 * time.Minute
)

// readSignature takes the Authorization header apart. ok is false when there is none or it is not whole.
func readSignature(r *http.Request) (signed, bool) {
	fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), sigAlgorithm+" ")
	if !ok {
		return signed{}, false
	}
	var s signed
	for _, part := range strings.Split(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if len(scope) != 5 || scope[4] != "aws4_request" {
				return signed{}, false
			}
			s.keyID, s.date, s.region, s.service = scope[0], scope[1], scope[2], scope[3]
		case "SignedHeaders":
			s.headers = strings.Split(value, ";")
		case "Signature":
			s.signature = value
		}
	}
	var err error
	s.at, err = time.Parse(amzDate, r.Header.Get("X-Amz-Date"))
	s.token = r.Header.Get("X-Amz-Security-Token")
	complete := s.keyID != "" && s.signature != "" && slices.Contains(s.headers, "host")
	return s, err == nil && complete && s.at.Format("20060102") == s.date
}

// verify computes the signature from the secret and compares.
func (s signed) verify(r *http.Request, body []byte, secret string) bool {
	if s.token != "" && !slices.Contains(s.headers, "x-amz-security-token") {
		return false // else the token could be swapped
	}
	payload := r.Header.Get("X-Amz-Content-Sha256")
	sum := hexSum(body)
	switch {
	case payload == "":
		payload = sum
	case payload == "UNSIGNED-PAYLOAD" && s.service == "s3":
	case payload != sum:
		return false
	}
	scope := strings.Join([]string{s.date, s.region, s.service, "aws4_request"}, "/")
	toSign := strings.Join([]string{sigAlgorithm, s.at.Format(amzDate), scope, hexSum([]byte(s.canonical(r, payload)))}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.date, s.region, s.service, "aws4_request"} {
		key = hmacSum(key, part)
	}
	want := hex.EncodeToString(hmacSum(key, toSign))
	return subtle.ConstantTimeCompare([]byte(want), []byte(s.signature)) == 1
}

func (s signed) canonical(r *http.Request, payload string) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	if s.service != "s3" {
		path = escapePath(path) // every service but S3 escapes what is already escaped
	}
	var headers strings.Builder
	for _, name := range s.headers {
		headers.WriteString(name + ":" + headerValue(r, name) + "\n")
	}
	return strings.Join([]string{r.Method, path, canonicalQuery(r.URL.RawQuery), headers.String(), strings.Join(s.headers, ";"), payload}, "\n")
}

func headerValue(r *http.Request, name string) string {
	values := slices.Clone(r.Header.Values(name))
	switch name {
	case "host":
		values = []string{r.Host}
	case "content-length":
		values = []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	for i, v := range values {
		values[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(values, ",")
}

func canonicalQuery(raw string) string {
	if raw == "" {
		return ""
	}
	var pairs []string
	for _, pair := range strings.Split(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		pairs = append(pairs, escapeAgain(name)+"="+escapeAgain(value))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// escapeAgain brings one part of a query to the one spelling signatures are made of.
func escapeAgain(part string) string {
	plain, err := url.QueryUnescape(strings.ReplaceAll(part, "+", "%2B"))
	if err != nil {
		return part
	}
	return escapeStrict(plain, false)
}

func escapePath(path string) string { return escapeStrict(path, true) }

// escapeStrict percent-encodes everything but the unreserved characters of RFC 3986, and slashes when kept.
func escapeStrict(text string, keepSlash bool) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-_.~", c) >= 0
		if plain || (keepSlash && c == '/') {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
	}
	return b.String()
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func hmacSum(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
