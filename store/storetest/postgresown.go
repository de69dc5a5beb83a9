package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// PostgresServer is a PostgreSQL of one test's own, with one migrated database, which can be ended, started again and,
// when it is one of a pair, promoted. What it has acknowledged outlives its end: it does not wait for the disk, but the
// machine stays up.
type PostgresServer struct {
	ServeURL string // as serve connects

	postgresServer
	bin, dir string
}

// OwnPostgres starts one. It ends with the test, or with the test's process.
func OwnPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	s := newOwnPostgres(t)
	s.tool(t, "initdb", "-D", s.data(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	s.configure(t)
	s.Start(t)
	if err := s.prepare(); err != nil {
		t.Fatal(err)
	}
	s.ServeURL = s.url(ServeRole, "migrated")
	return s
}

func newOwnPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	bin, err := postgresBin()
	if errors.Is(err, errNoPostgres) {
		missing(t, "PostgreSQL", "install it with: apt-get install postgresql")
	}
	if err != nil {
		t.Fatal(err)
	}
	s := &PostgresServer{bin: bin}
	if s.dir, err = os.MkdirTemp("", "aurora-postgres-"); err != nil {
		t.Fatal(err)
	}
	if who := s.who(t); who != nil {
		if err := os.Chown(s.dir, int(who.Uid), int(who.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	s.endWithTest(t)
	return s
}

// keeper ends the server and takes its files away when the pipe from the test closes, however the test ended.
const keeper = `dir=$1; ctl=$2
cat >/dev/null
"$ctl" -D "$dir/data" stop -m immediate -s
rm -rf -- "$dir"`

func (s *PostgresServer) endWithTest(t testing.TB) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", keeper, "sh", s.dir, filepath.Join(s.bin, "pg_ctl"))
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Credential: s.who(t), Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = pipe.Close()
		_ = cmd.Wait() // the server may be stopped already
	})
}

func (s *PostgresServer) who(t testing.TB) *syscall.Credential {
	t.Helper()
	who, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	return who
}

func (s *PostgresServer) data() string { return filepath.Join(s.dir, "data") }

func (s *PostgresServer) configure(t testing.TB) {
	t.Helper()
	s.port = freePort(t)
	config := fmt.Sprintf("port = %d\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 200\nfsync = off\nfull_page_writes = off\n", s.port)
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(config)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tool runs a program of PostgreSQL's as the user the server runs as.
func (s *PostgresServer) tool(t testing.TB, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), filepath.Join(s.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = s.dir, &syscall.SysProcAttr{Credential: s.who(t)}
	if out, err := cmd.CombinedOutput(); err != nil {
		said, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		t.Fatalf("%s: %v\n%s\n%s", name, err, out, said)
	}
}

// Start starts the server and waits until it takes connections.
func (s *PostgresServer) Start(t testing.TB) {
	t.Helper()
	s.tool(t, "pg_ctl", "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-s", "-w", "start")
}

// Crash ends the server at once, without a word to its clients and without a checkpoint.
func (s *PostgresServer) Crash(t testing.TB) {
	t.Helper()
	s.tool(t, "pg_ctl", "-D", s.data(), "-s", "-m", "immediate", "stop")
}

// Restart crashes the server and starts it again; it returns when connections are taken.
func (s *PostgresServer) Restart(t testing.TB) {
	t.Helper()
	s.tool(t, "pg_ctl", "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-s", "-w", "-m", "immediate", "restart")
}

// PostgresPair is a primary and a standby that has everything the primary has acknowledged. ServeURL names both, for
// whichever may be written.
type PostgresPair struct {
	ServeURL         string
	Primary, Standby *PostgresServer
}

// NewPostgresPair starts both.
func NewPostgresPair(t testing.TB) *PostgresPair {
	t.Helper()
	one, two := OwnPostgres(t), newOwnPostgres(t)
	two.tool(t, "pg_basebackup", "-d", one.url(superuser, "postgres"), "-D", two.data(), "-R", "-X", "stream", "-c", "fast", "--no-sync")
	two.configure(t) // the last line about a setting is the one that counts
	two.Start(t)
	if err := one.admin("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the standby to be in step", func() bool {
		return one.admin("DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync') THEN RAISE 'not yet'; END IF; END $$") == nil
	})
	hosts := fmt.Sprintf("127.0.0.1:%d,127.0.0.1:%d", one.port, two.port)
	both := strings.Replace(one.ServeURL, fmt.Sprintf("127.0.0.1:%d", one.port), hosts, 1) + "&target_session_attrs=read-write"
	return &PostgresPair{ServeURL: both, Primary: one, Standby: two}
}

// Asynchronous lets no commit wait for the standby any more.
func (p *PostgresPair) Asynchronous(t testing.TB) {
	t.Helper()
	if err := p.Primary.admin("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()"); err != nil {
		t.Fatal(err)
	}
}

// Promote makes the standby the primary. The old one must have ended before.
func (p *PostgresPair) Promote(t testing.TB) {
	t.Helper()
	p.Standby.tool(t, "pg_ctl", "-D", p.Standby.data(), "-s", "-w", "promote")
}
