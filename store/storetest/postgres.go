package storetest

import (
	"context"
	dbsql "database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"aurora/store/sql"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// The roles of every database that this package makes: one owns the tables, the other is what serve connects as.
const (
	OwnerRole = "aurora_owner"
	ServeRole = "aurora_serve"
)

// Postgres makes a fresh, migrated database on a PostgreSQL server that this test process starts once and that ends with
// it, and gives the URLs of its owner and of serve. The server does not wait for the disk. Without PostgreSQL on the
// machine the test is skipped, or fails where CI=true.
func Postgres(t testing.TB) (ownerURL, serveURL string) {
	t.Helper()
	return quickServer().database(t, "migrated")
}

// PostgresDurable is Postgres on a server that waits for the disk at each commit, for what is measured.
func PostgresDurable(t testing.TB) (ownerURL, serveURL string) {
	t.Helper()
	return durableServer().database(t, "migrated")
}

// PostgresEmpty is Postgres without any tables.
func PostgresEmpty(t testing.TB) (ownerURL, serveURL string) {
	t.Helper()
	return quickServer().database(t, "template1")
}

// PostgresAdmin gives the superuser's URL of the database at another URL that this package gave.
func PostgresAdmin(t testing.TB, of string) string {
	t.Helper()
	u, err := url.Parse(of)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(superuser)
	return u.String()
}

const superuser = "postgres"

type postgresServer struct {
	port int
	err  error // why there is no server
	made atomic.Int64
}

var (
	quickServer   = sync.OnceValue(func() *postgresServer { return startPostgres("off") })
	durableServer = sync.OnceValue(func() *postgresServer { return startPostgres("on") })
)

var errNoPostgres = errors.New("there is no PostgreSQL on this machine: apt-get install postgresql")

func (s *postgresServer) database(t testing.TB, template string) (ownerURL, serveURL string) {
	t.Helper()
	if errors.Is(s.err, errNoPostgres) && os.Getenv("CI") != "true" {
		t.Skip(s.err)
	}
	if s.err != nil {
		t.Fatal(s.err)
	}
	name := fmt.Sprintf("aurora_%d", s.made.Add(1))
	if err := s.admin("CREATE DATABASE " + name + " TEMPLATE " + template + " OWNER " + OwnerRole); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.admin("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return s.url(OwnerRole, name), s.url(ServeRole, name)
}

func (s *postgresServer) url(role, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", role, s.port, database)
}

func (s *postgresServer) admin(statements ...string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pool, err := dbsql.Open("pgx", s.url(superuser, "postgres"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	for _, statement := range statements {
		if _, err := pool.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

func startPostgres(fsync string) *postgresServer {
	s := &postgresServer{}
	bin, err := postgresBin()
	if err != nil {
		return &postgresServer{err: err}
	}
	for range 3 { // somebody may take the free port first
		if s.err = s.start(bin, fsync); s.err == nil {
			s.err = s.prepare()
			return s
		}
	}
	return s
}

// postgresBin finds the directory of initdb and postgres: on PATH, or where Debian keeps them.
func postgresBin() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			if _, err := os.Stat(filepath.Join(filepath.Dir(real), "postgres")); err == nil {
				return filepath.Dir(real), nil
			}
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errNoPostgres
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// The server is the child of a shell that reads the test process's pipe: however that process ends, the pipe closes, the
// server is stopped and its files go.
const supervisor = `dir=$1; shift
"$@" >"$dir/log" 2>&1 &
server=$!
cat >/dev/null
kill -QUIT "$server"
wait "$server"
rm -rf -- "$dir"`

func (s *postgresServer) start(bin, fsync string) error {
	who, err := unprivileged()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "aurora-postgres-")
	if err != nil {
		return err
	}
	if who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			return err
		}
	}
	if s.port, err = unusedPort(); err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.CommandContext(context.Background(), filepath.Join(bin, "initdb"), "-D", data, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	initdb.Dir, initdb.SysProcAttr = dir, &syscall.SysProcAttr{Credential: who}
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	server := exec.CommandContext(context.Background(), "/bin/sh", "-c", supervisor, "sh", dir, filepath.Join(bin, "postgres"), "-D", data,
		"-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
		"-c", "max_connections=600", "-c", "fsync="+fsync, "-c", "full_page_writes="+fsync, "-c", "synchronous_commit="+fsync)
	server.Dir, server.SysProcAttr = dir, &syscall.SysProcAttr{Credential: who, Setsid: true}
	if _, err := server.StdinPipe(); err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	go func() { _ = server.Wait() }() // ends with the process
	return s.await(filepath.Join(dir, "log"))
}

// unprivileged is who runs the server: PostgreSQL refuses to run as root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root and there is no user postgres to run it as: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

func unusedPort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// await asks the starting server until it answers: it gives no other sign.
func (s *postgresServer) await(log string) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := s.admin("SELECT 1")
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(log)
			return fmt.Errorf("PostgreSQL does not answer: %w\n%s", err, strings.TrimSpace(string(said)))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// prepare makes the roles and one migrated database that the others are copied from.
func (s *postgresServer) prepare() error {
	err := s.admin(
		"CREATE ROLE "+OwnerRole+" LOGIN NOSUPERUSER NOBYPASSRLS",
		"CREATE ROLE "+ServeRole+" LOGIN NOSUPERUSER NOBYPASSRLS",
		"CREATE DATABASE migrated OWNER "+OwnerRole,
	)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = sql.Migrate(ctx, s.url(OwnerRole, "migrated"), ServeRole)
	return err
}
