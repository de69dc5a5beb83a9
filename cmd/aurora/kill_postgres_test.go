package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// killPostgres starts a proxy through which one replica reaches PostgreSQL, and gives the database's URL by way of it. A
// transaction that wrote something of a delivery is a moment: before its COMMIT is passed on, and after the server has
// answered it but the replica has not heard. A claim that got a thread is one, too.
func killPostgres(t testing.TB, r *replica, k *killPoints, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	l := loopbackListener(t)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go servePostgres(r, k, client, server)
		}
	}()
	u.Host = l.Addr().String()
	return u.String()
}

func servePostgres(r *replica, k *killPoints, client net.Conn, server string) {
	defer func() { _ = client.Close() }()
	var dialer net.Dialer
	up, err := dialer.DialContext(r.ctx, "tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	link := &pgLink{replica: r, points: k, statements: map[string]string{}}
	var both sync.WaitGroup
	both.Go(func() {
		_ = link.ask(client, up)
		_, _ = client.Close(), up.Close()
	})
	both.Go(func() {
		_ = link.answer(up, client)
		_, _ = client.Close(), up.Close()
	})
	both.Wait()
}

// pgLink is one connection, understood just far enough to know what a COMMIT would commit.
type pgLink struct {
	replica *replica
	points  *killPoints

	mu         sync.Mutex
	statements map[string]string // prepared, by name
	bound      string            // the statement bound last
	open       bool              // in a transaction
	wrote      []string          // what it wrote of a delivery
	awaited    string            // a moment that comes with the server's answer
	ifRows     bool              // only when the answer has a row
}

var errKilled = errors.New("the replica was killed")

// ask passes on what the replica sends.
func (l *pgLink) ask(from io.Reader, to io.Writer) error {
	in, out := bufio.NewReader(from), bufio.NewWriter(to)
	if err := passStartup(in, out); err != nil {
		return err
	}
	for {
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		kind, message, err := readMessage(in)
		if err != nil {
			return err
		}
		if label := l.hear(kind, message[5:]); label != "" && !l.points.reach(l.replica, "before "+label) {
			return errKilled
		}
		if _, err := out.Write(message); err != nil {
			return err
		}
	}
}

// passStartup passes on the one message that has no kind.
func passStartup(in *bufio.Reader, out *bufio.Writer) error {
	size, err := in.Peek(4)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(out, in, int64(binary.BigEndian.Uint32(size))); err != nil {
		return err
	}
	return out.Flush()
}

func readMessage(in *bufio.Reader) (kind byte, message []byte, err error) {
	head, err := in.Peek(5)
	if err != nil {
		return 0, nil, err
	}
	message = make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
	_, err = io.ReadFull(in, message)
	return message[0], message, err
}

// hear follows what the replica says and names the moment, if it is one.
func (l *pgLink) hear(kind byte, body []byte) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch kind {
	case 'P': // Parse
		name, rest, _ := bytes.Cut(body, []byte{0})
		query, _, _ := bytes.Cut(rest, []byte{0})
		l.statements[string(name)] = string(query)
	case 'B': // Bind
		_, rest, _ := bytes.Cut(body, []byte{0})
		name, _, _ := bytes.Cut(rest, []byte{0})
		l.bound = l.statements[string(name)]
	case 'E': // Execute
		l.note(l.bound)
	case 'Q': // Query
		return l.simple(string(bytes.TrimRight(body, "\x00")))
	}
	return ""
}

func (l *pgLink) simple(query string) string {
	word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(query)), " ")
	switch strings.TrimRight(word, ";") {
	case "begin":
		l.open, l.wrote = true, nil
	case "rollback":
		l.open, l.wrote = false, nil
	case "commit":
		label := ""
		if len(l.wrote) > 0 {
			label = "commit " + strings.Join(l.wrote, "+")
		}
		l.open, l.wrote, l.awaited, l.ifRows = false, nil, label, false
		return label
	default:
		l.note(query)
	}
	return ""
}

// pgWrites are the statements that make a commit worth being killed at, by a piece of their text. Renewed leases and
// looks for lost work are none.
var pgWrites = []struct{ text, label string }{
	{"INSERT INTO inbox", "inbox"}, {"UPDATE inbox SET turn_id", "joined"}, {"UPDATE inbox SET settled_at", "settled"},
	{"INSERT INTO turns", "turn"}, {"UPDATE turns SET state", "turn ended"}, {"UPDATE turns SET stopped_at", "stop"},
	{"INSERT INTO steps", "step"}, {"INSERT INTO results", "result"},
	{"INSERT INTO intents", "intent"}, {"UPDATE intents SET id", "intent again"}, {"UPDATE intents SET outcome = $1, ended_at = now() WHERE id = $2", "outcome"},
	{"INSERT INTO outbox", "post"}, {"UPDATE outbox SET tried", "post tried"}, {"UPDATE outbox SET sent", "post sent"},
	{"INSERT INTO audit", "audit"},
}

func (l *pgLink) note(query string) {
	if !l.open && strings.HasPrefix(query, "UPDATE threads SET runner = $1, fence") {
		l.awaited, l.ifRows = "claim", true
		return
	}
	for _, w := range pgWrites {
		if l.open && strings.Contains(query, w.text) && !slices.Contains(l.wrote, w.label) {
			l.wrote = append(l.wrote, w.label)
		}
	}
}

// answer passes on what the server says. What belongs to a moment is held until the server has said it all.
func (l *pgLink) answer(from io.Reader, to io.Writer) error {
	in, out := bufio.NewReader(from), bufio.NewWriter(to)
	rows := false
	for {
		if in.Buffered() == 0 && !l.waits() {
			if err := out.Flush(); err != nil {
				return err
			}
		}
		kind, message, err := readMessage(in)
		if err != nil {
			return err
		}
		rows = rows || kind == 'D'
		if kind == 'Z' {
			if label := l.settled(rows); label != "" && !l.points.reach(l.replica, "after "+label) {
				return errKilled
			}
			rows = false
		}
		if _, err := out.Write(message); err != nil {
			return err
		}
	}
}

func (l *pgLink) waits() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.awaited != ""
}

// settled gives the moment that the end of an answer is.
func (l *pgLink) settled(rows bool) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	label := l.awaited
	l.awaited = ""
	if l.ifRows && !rows {
		return ""
	}
	return label
}
