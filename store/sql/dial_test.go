package sql

import (
	"context"
	dbsql "database/sql"
	"errors"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"aurora/store"
)

func TestAHostThatDiesIsNoticed(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	pg, err := parsePostgres("postgres://aurora@" + l.Addr().String() + "/aurora")
	if err != nil {
		t.Fatal(err)
	}
	c, err := pg.DialFunc(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	for option, want := range map[int]int{
		tcpUserTimeout: int(unanswered.Milliseconds()), syscall.TCP_KEEPIDLE: int(quietAfter.Seconds()), syscall.TCP_KEEPINTVL: int(quietEvery.Seconds()),
	} {
		got := 0
		if bad := raw.Control(func(fd uintptr) { got, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, option) }); bad != nil || err != nil {
			t.Fatal(bad, err)
		}
		if got != want {
			t.Errorf("option %d is %d, want %d", option, got, want)
		}
	}
}

// A server that is frozen, or cut off behind a proxy, takes statements and never answers.
func TestAServerThatNeverAnswersIsUnavailable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := conn{run: mute{}, speech: postgres, patience: statementPatience}
		_, err := c.exec(t.Context(), `SELECT 1`)
		if took := time.Since(began); !errors.Is(err, store.ErrUnavailable) || took != statementPatience {
			t.Errorf("exec: %v after %s", err, took)
		}
		if _, err := c.has(t.Context(), `SELECT 1`); !errors.Is(err, store.ErrUnavailable) || time.Since(began) != 2*statementPatience {
			t.Errorf("read: %v", err)
		}
	})
}

// mute is a server that takes statements and never answers.
type mute struct{}

func (mute) ExecContext(ctx context.Context, _ string, _ ...any) (dbsql.Result, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (mute) QueryContext(ctx context.Context, _ string, _ ...any) (*dbsql.Rows, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
