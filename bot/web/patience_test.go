package web

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"aurora/bot"
	"aurora/store"
)

// slow is a cloud that takes its time.
type slow struct {
	cloud
	takes time.Duration
}

func (s slow) Link(ctx context.Context, t bot.ConnectTicket, form url.Values) (Linked, error) {
	select {
	case <-ctx.Done():
		return Linked{}, context.Cause(ctx)
	case <-time.After(s.takes):
		return s.cloud.Link(ctx, t, form)
	}
}

// pipes is a listener whose connections are made in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, open := <-p
	if !open {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (pipes) Close() error   { return nil }
func (pipes) Addr() net.Addr { return &net.TCPAddr{} }

// sends posts a form to the pages behind a server with the ends that Aurora's has, and gives the answer.
func sends(t *testing.T, h http.Handler, form url.Values) (status int, body string) {
	t.Helper()
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute}
	door := make(pipes, 1)
	served := make(chan error, 1)
	mine, theirs := net.Pipe()
	door <- theirs
	go func() { served <- server.Serve(door) }()
	defer func() {
		close(door)
		_ = mine.Close()
		_ = server.Close()
		<-served
	}()
	browser := rand.Text()
	form.Set("csrf", csrf(browser, "link"))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://aurora.example/connect/link", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "__Host-aurora", Value: browser}) //nolint:gosec // a request's, not an answer's
	if err := r.Write(mine); err != nil {
		t.Fatal(err)
	}
	w, err := http.ReadResponse(bufio.NewReader(mine), r)
	if err != nil {
		t.Fatalf("the answer was cut off: %v", err)
	}
	defer func() { _ = w.Body.Close() }()
	raw, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatalf("the answer was cut off: %v", err)
	}
	return w.StatusCode, string(raw)
}

func TestABigOrganisationIsAnswered(t *testing.T) {
	for _, row := range []struct {
		takes  time.Duration
		status int
		says   string
		rows   int
	}{
		{45 * time.Second, http.StatusOK, "is connected for everyone", 1},
		{4 * time.Minute, http.StatusOK, "is connected for everyone", 1},
		{time.Hour, http.StatusUnprocessableEntity, "within 5 minutes, so nothing was connected", 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			var ticket bot.ConnectTicket
			if err := json.Unmarshal(d.ticket, &ticket); err != nil {
				t.Fatal(err)
			}
			ticket.Shared = true
			d.ticket, _ = json.Marshal(ticket)
			s := &Server{PublicURL: "https://aurora.example", Local: true, Users: d, Tickets: d, Browsers: d, Keeper: d, Connections: d,
				Shared: map[store.Cloud]Linker{store.AWS: slow{takes: row.takes}}, Chats: map[store.Platform]Whisperer{store.Slack: d}, Log: zerolog.Nop()}
			status, body := sends(t, s.Handler(), account("1"))
			if status != row.status || !strings.Contains(body, row.says) || len(d.rows) != row.rows {
				t.Errorf("after %s: %d, %d rows\n%s", row.takes, status, len(d.rows), body)
			}
		})
	}
}
