package sql_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"aurora/store"
	"aurora/store/sql"
)

// proxy stands between Aurora and the server and can cut every connection.
type proxy struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	cut      bool
	open     []net.Conn
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	p := &proxy{listener: l, target: target}
	go p.serve()
	t.Cleanup(func() { p.set(true); _ = l.Close() })
	return p
}

func (p *proxy) serve() {
	for {
		in, err := p.listener.Accept()
		if err != nil {
			return
		}
		out, err := (&net.Dialer{}).DialContext(background, "tcp", p.target)
		p.mu.Lock()
		if err != nil || p.cut {
			_ = in.Close()
			p.mu.Unlock()
			continue
		}
		p.open = append(p.open, in, out)
		p.mu.Unlock()
		go pipe(in, out)
		go pipe(out, in)
	}
}

func pipe(from, to net.Conn) {
	_, _ = io.Copy(to, from)
	_ = to.Close()
}

func (p *proxy) set(cut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = cut
	if cut {
		for _, c := range p.open {
			_ = c.Close()
		}
		p.open = nil
	}
}

func TestLostConnectionIsUnavailable(t *testing.T) {
	t.Parallel()
	e := postgresEngine(t)
	u, err := url.Parse(e.url)
	must(t, err)
	p := startProxy(t, u.Host)
	u.Host = p.listener.Addr().String()
	db := openDB(t, sql.Config{URL: u.String()})
	receive(t, db, event("k1", "thread", ada))
	c := claim(t, db, "r1")
	p.set(true)
	for what, err := range map[string]error{
		"Ready":  db.Ready(t.Context()),
		"Renew":  db.Renew(t.Context(), c),
		"Settle": db.Settle(t.Context(), c, 1, nil),
		"Audit":  db.Audit(t.Context(), auditEntry(1)),
		"Person": second(db.Person(t.Context(), ada)),
	} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrUnavailable", what, err)
		}
	}
	if faults := db.CheckRole(t.Context()); len(faults) != 1 || !strings.Contains(faults[0], "could not be checked") {
		t.Errorf("CheckRole says %q", faults)
	}
	p.set(false)
	must(t, db.Renew(t.Context(), c)) // and it comes back by itself
}

func second[T any](_ T, err error) error { return err }

func TestKilledBackendIsUnavailableOrRetried(t *testing.T) {
	t.Parallel()
	e := postgresEngine(t)
	db := openDB(t, sql.Config{URL: e.url, MaxConns: 1})
	for range 5 {
		e.exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'aurora' AND datname = current_database()`)
		if err := db.Audit(t.Context(), auditEntry(1)); err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%v, want ErrUnavailable", err)
		}
	}
	must(t, db.Audit(t.Context(), auditEntry(1)))
	if report := verify(t, db); len(report.Faults) > 0 {
		t.Errorf("%q", report.Faults)
	}
}

func TestOpenSaysThatNobodyIsThere(t *testing.T) {
	t.Parallel()
	for _, u := range []string{"postgres://aurora:hunter2@127.0.0.1:1/aurora", filepath.Join(t.TempDir(), "no", "such", "dir", "aurora.db")} {
		_, err := sql.Open(t.Context(), sql.Config{URL: u})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", u, err)
		}
		if strings.HasPrefix(u, "postgres") {
			want(t, err, store.ErrUnavailable)
		}
	}
}

func TestCallerWhoGivesUpIsToldSo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db := e.open(t, "r1")
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		err := db.Audit(gone, auditEntry(1))
		if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("cancelled: %v", err)
		}
		late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
		defer cancel()
		err = db.Audit(late, auditEntry(1))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("out of time: %v", err)
		}
	})
}

func TestClosedDatabaseIsUnavailable(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, e *engine) {
		db, err := sql.Open(t.Context(), sql.Config{URL: e.url})
		must(t, err)
		must(t, db.Close())
		want(t, db.Ready(t.Context()), store.ErrUnavailable)
	})
}

func TestDatabaseFileIsPrivate(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are no file modes on Windows")
	}
	e := sqliteEngine(t)
	receive(t, e.open(t, "r1"), event("k1", "thread", ada))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(e.url + suffix)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s%s has mode %v", filepath.Base(e.url), suffix, info.Mode())
		}
	}
}
