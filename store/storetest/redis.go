package storetest

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a server may take to do what a test waits for.
const patience = 20 * time.Second

// RedisServer is a real redis-server on loopback, with a password and without persistence. It dies with the test.
type RedisServer struct {
	URL      string // redis://:password@127.0.0.1:port/0
	Addr     string
	Password string

	process *process
}

// Redis starts a redis-server. Where there is none the test is skipped, or fails when CI=true.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	return startRedis(t, rand.Text(), "")
}

// Kill ends the server at once, as a crash would.
func (s *RedisServer) Kill(t testing.TB) {
	t.Helper()
	s.process.kill(t)
}

// Pause freezes the server: it keeps its connections and answers nothing. Resume wakes it.
func (s *RedisServer) Pause(t testing.TB) {
	t.Helper()
	s.process.signal(t, syscall.SIGSTOP)
}

// Resume ends a Pause.
func (s *RedisServer) Resume(t testing.TB) {
	t.Helper()
	s.process.signal(t, syscall.SIGCONT)
}

// Do sends one command and gives the reply's lines, joined by spaces; for a test that must see or change what Redis
// holds behind Aurora's back. Words are separated by spaces; quote as redis-cli does.
func (s *RedisServer) Do(t testing.TB, command string) string {
	t.Helper()
	reply, err := ask(s.Addr, s.Password, command)
	if err != nil {
		t.Fatalf("ask redis-server %q: %v", command, err)
	}
	return reply
}

func startRedis(t testing.TB, password, extra string) *RedisServer {
	t.Helper()
	binary := serverBinary(t, "redis-server", "install it with: apt-get install redis-server")
	s := &RedisServer{Password: password}
	retryPorts(t, func(port int) error {
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		s.URL = fmt.Sprintf("redis://:%s@%s/0", password, s.Addr)
		config := fmt.Sprintf("port %d\nbind 127.0.0.1\nrequirepass %s\nmasterauth %s\nsave \"\"\nappendonly no\ndir %s\n%s",
			port, password, password, t.TempDir(), extra)
		cmd := exec.CommandContext(context.Background(), binary, "-") // the configuration comes on standard input: no password in the process list
		cmd.Stdin = strings.NewReader(config)
		s.process = start(t, cmd)
		return s.process.until(func() bool {
			reply, err := ask(s.Addr, password, "PING")
			return err == nil && reply == "PONG"
		})
	})
	return s
}

// Sentinels is a Redis master with two replicas, watched by three Sentinels.
type Sentinels struct {
	URL      string // redis+sentinel://:password@s1,s2,s3/aurora/0
	Password string

	servers   []*RedisServer
	sentinels []string
}

const masterName = "aurora"

// Sentinel starts the set-up and waits until the Sentinels know both replicas.
func Sentinel(t testing.TB) *Sentinels {
	t.Helper()
	s := &Sentinels{Password: rand.Text()}
	master := startRedis(t, s.Password, "repl-diskless-sync-delay 0\n")
	_, port, _ := net.SplitHostPort(master.Addr)
	s.servers = []*RedisServer{master}
	for range 2 {
		s.servers = append(s.servers, startRedis(t, s.Password, "repl-diskless-sync-delay 0\nreplicaof 127.0.0.1 "+port+"\n"))
	}
	for range 3 {
		s.sentinels = append(s.sentinels, startSentinel(t, port, s.Password))
	}
	s.URL = fmt.Sprintf("redis+sentinel://:%s@%s/%s/0", s.Password, strings.Join(s.sentinels, ","), masterName)
	for _, addr := range s.sentinels {
		waitFor(t, "a Sentinel to know the set-up", func() bool {
			state, err := ask(addr, "", "SENTINEL MASTER "+masterName)
			return err == nil && strings.Contains(state, " num-slaves 2 ") && strings.Contains(state, " num-other-sentinels 2 ")
		})
	}
	waitFor(t, "the replicas to be in step", func() bool {
		info, err := ask(master.Addr, s.Password, "INFO replication")
		return err == nil && strings.Count(info, "state=online") == 2
	})
	return s
}

func startSentinel(t testing.TB, masterPort, password string) string {
	t.Helper()
	binary := serverBinary(t, "redis-server", "install it with: apt-get install redis-server")
	var addr string
	retryPorts(t, func(port int) error {
		addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		file := filepath.Join(t.TempDir(), "sentinel.conf") // Sentinel rewrites its configuration, so it needs a file
		config := fmt.Sprintf("port %d\nbind 127.0.0.1\nsentinel monitor %s 127.0.0.1 %s 2\nsentinel auth-pass %s %s\n"+
			"sentinel down-after-milliseconds %s 700\nsentinel failover-timeout %s 3000\n",
			port, masterName, masterPort, masterName, password, masterName, masterName)
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		process := start(t, exec.CommandContext(context.Background(), binary, file, "--sentinel"))
		return process.until(func() bool {
			reply, err := ask(addr, "", "PING")
			return err == nil && reply == "PONG"
		})
	})
	return addr
}

// Master is the server the Sentinels name at present.
func (s *Sentinels) Master(t testing.TB) *RedisServer {
	t.Helper()
	addr := s.masterAddr()
	for _, server := range s.servers {
		if server.Addr == addr {
			return server
		}
	}
	t.Fatalf("the Sentinels name %q as master, which is none of the servers", addr)
	return nil
}

// Replicas are all servers but the master, killed ones included.
func (s *Sentinels) Replicas(t testing.TB) []*RedisServer {
	t.Helper()
	master := s.Master(t)
	var out []*RedisServer
	for _, server := range s.servers {
		if server != master {
			out = append(out, server)
		}
	}
	return out
}

// Failover kills the master and returns when the Sentinels have made another server the master.
func (s *Sentinels) Failover(t testing.TB) {
	t.Helper()
	old := s.Master(t)
	old.Kill(t)
	waitFor(t, "the Sentinels to name another master", func() bool {
		addr := s.masterAddr()
		if addr == "" || addr == old.Addr {
			return false
		}
		role, err := ask(addr, s.Password, "ROLE")
		return err == nil && strings.HasPrefix(role, "master")
	})
}

func (s *Sentinels) masterAddr() string {
	for _, addr := range s.sentinels {
		reply, err := ask(addr, "", "SENTINEL GET-MASTER-ADDR-BY-NAME "+masterName)
		if host, port, ok := strings.Cut(reply, " "); err == nil && ok {
			return net.JoinHostPort(host, port)
		}
	}
	return ""
}

// ask speaks just enough of Redis's protocol for the set-up, so that it does not rest on the client under test.
func ask(addr, password, command string) (string, error) {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(3 * time.Second))
	in := bufio.NewReader(conn)
	if password != "" {
		if _, err := fmt.Fprintf(conn, "AUTH %s\r\n", password); err != nil {
			return "", err
		}
		if _, err := reply(in); err != nil {
			return "", err
		}
	}
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		return "", err
	}
	return reply(in)
}

func reply(in *bufio.Reader) (string, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return "", err
	}
	kind, rest := line[0], strings.TrimSpace(line[1:])
	switch kind {
	case '-':
		return "", fmt.Errorf("redis: %s", rest)
	case '$':
		return bulk(in, rest)
	case '*':
		return array(in, rest)
	}
	return rest, nil
}

func bulk(in *bufio.Reader, size string) (string, error) {
	n, err := strconv.Atoi(size)
	if err != nil || n < 0 {
		return "", err
	}
	raw := make([]byte, n+2)
	for read := 0; read < len(raw); {
		k, err := in.Read(raw[read:])
		if err != nil {
			return "", err
		}
		read += k
	}
	return string(raw[:n]), nil
}

func array(in *bufio.Reader, size string) (string, error) {
	n, err := strconv.Atoi(size)
	if err != nil {
		return "", err
	}
	var words []string
	for range n {
		word, err := reply(in)
		if err != nil {
			return "", err
		}
		words = append(words, word)
	}
	return strings.Join(words, " "), nil
}
