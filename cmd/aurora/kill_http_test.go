package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// killHTTP starts a proxy on loopback through which one replica reaches one HTTP server, and gives its address. label
// names a request that is a moment to be killed at; "" lets it pass.
func killHTTP(t testing.TB, r *replica, k *killPoints, server string, label func(*http.Request, []byte) string) string {
	t.Helper()
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true}
	p := &httpProxy{replica: r, points: k, host: target.Host, label: label, transport: transport}
	front := httptest.NewServer(p)
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
		transport.CloseIdleConnections()
	})
	return front.URL
}

type httpProxy struct {
	replica   *replica
	points    *killPoints
	host      string
	label     func(*http.Request, []byte) string
	transport *http.Transport
}

// ServeHTTP passes a request on and its answer back, whole. The Host stays the proxy's: AWS signs it.
func (p *httpProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	label := p.label(r, body)
	p.pass(label, "before")
	out := r.Clone(r.Context())
	out.URL.Scheme, out.URL.Host, out.RequestURI = "http", p.host, ""
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer, err := p.transport.RoundTrip(out)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	said, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	p.pass(label, "after")
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	_, _ = w.Write(said)
}

func (p *httpProxy) pass(label, when string) {
	if p.replica.dead() || label != "" && !p.points.reach(p.replica, when+" "+label) {
		panic(http.ErrAbortHandler) // closes the connection unanswered
	}
}

// slackMoments are the calls that people see something of, and the search for what stands there already.
var slackMoments = []string{"chat.postMessage", "chat.update", "chat.postEphemeral", "conversations.replies"}

func slackLabel(r *http.Request, _ []byte) string {
	if method := path.Base(r.URL.Path); slices.Contains(slackMoments, method) {
		return "slack " + method
	}
	return ""
}

func modelLabel(r *http.Request, _ []byte) string {
	if strings.HasSuffix(r.URL.Path, "/chat/completions") {
		return "model"
	}
	return ""
}

var awsAction = regexp.MustCompile(`(?:^|&)Action=(\w+)`)

func cloudLabel(r *http.Request, body []byte) string {
	if found := awsAction.FindSubmatch(body); found != nil {
		return "cloud " + string(found[1])
	}
	return "cloud " + r.Method + " " + r.URL.Path
}

// loopbackListener listens on a free port until the test ends.
func loopbackListener(t testing.TB) net.Listener {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}
