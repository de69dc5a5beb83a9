package main

import (
	"html"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// surfer is a browser without scripts: it keeps cookies, follows redirects, and sends along what a form hides.
type surfer struct {
	t   *testing.T
	jar http.CookieJar
	at  *url.URL // of the last page
}

func newSurfer(t *testing.T) *surfer {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &surfer{t: t, jar: jar}
}

// jars are the browsers of visit, one a test.
var jars sync.Map

func jarOf(t *testing.T) http.CookieJar {
	t.Helper()
	kept, had := jars.LoadOrStore(t, newSurfer(t).jar)
	if !had {
		t.Cleanup(func() { jars.Delete(t) })
	}
	return kept.(http.CookieJar)
}

var (
	hiddenShape = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
	onwardShape = regexp.MustCompile(`<a id="go" href="([^"]+)"`)
)

// load asks for a page as somebody who follows a link does, and goes on by itself where the page says so.
func (b *surfer) load(method, address string, form url.Values) page {
	b.t.Helper()
	got := b.fetch(method, address, form)
	if onward := onwardShape.FindStringSubmatch(got.raw); onward != nil && got.status == http.StatusOK {
		return b.load(http.MethodGet, html.UnescapeString(onward[1]), nil)
	}
	return got
}

func (b *surfer) fetch(method, address string, form url.Values) page {
	b.t.Helper()
	request, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Mode", "navigate")
	request.Header.Set("Sec-Fetch-Site", "none")
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	answer, err := (&http.Client{Jar: b.jar, Timeout: patience}).Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.at = answer.Request.URL
	return page{answer.StatusCode, answer.Header, html.UnescapeString(string(body)), string(body)}
}

// submit fills in the form of a page and sends it.
func (b *surfer) submit(address string, form url.Values) page {
	b.t.Helper()
	sent := url.Values{}
	maps.Copy(sent, form)
	if token := hiddenShape.FindStringSubmatch(b.fetch(http.MethodGet, address, nil).raw); token != nil {
		sent.Set("csrf", token[1])
	}
	return b.load(http.MethodPost, address, sent)
}

// press sends a form of the page that the browser is at.
func (b *surfer) press(form url.Values) page {
	b.t.Helper()
	return b.submit(b.at.String(), form)
}
