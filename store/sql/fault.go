package sql

import (
	"context"
	dbsql "database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"aurora/store"

	"github.com/jackc/pgx/v5/pgconn"
	driversqlite "modernc.org/sqlite"
	sqlitecode "modernc.org/sqlite/lib"
)

// fault marks errors that mean the database is away with store.ErrUnavailable. A caller who gave up himself gets the
// reason of his own context; one whose deadline passed gets both, for the database did not answer in time.
func fault(ctx context.Context, err error) error {
	switch {
	case err == nil, errors.Is(err, store.ErrUnavailable):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", store.ErrUnavailable, ctx.Err())
	case isAway(err):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}

func isAway(err error) bool {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return isAwayCode(pg.Code)
	}
	if lite, ok := errors.AsType[*driversqlite.Error](err); ok {
		return isAwayFile(lite.Code() & 0xff)
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	for _, lost := range []error{driver.ErrBadConn, dbsql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, lost) {
			return true
		}
	}
	// Neither package exports these two.
	return strings.Contains(err.Error(), "conn closed") || strings.Contains(err.Error(), "database is closed")
}

// isAwayCode knows the states in which another try, later or on another server, may succeed.
func isAwayCode(code string) bool {
	switch code {
	case "25006", // read only: the server has become a standby
		"53100", "53200", "53300", "53400", // disk full, out of memory, too many connections, limit
		"55P03",                            // lock not available in time
		"57014",                            // statement timeout
		"57P01", "57P02", "57P03", "57P05": // shutting down, crashed, starting, idle session ended
		return true
	}
	return strings.HasPrefix(code, "08") || strings.HasPrefix(code, "58")
}

func isAwayFile(code int) bool {
	switch code {
	case sqlitecode.SQLITE_BUSY, sqlitecode.SQLITE_LOCKED, sqlitecode.SQLITE_IOERR, sqlitecode.SQLITE_FULL,
		sqlitecode.SQLITE_CANTOPEN, sqlitecode.SQLITE_READONLY, sqlitecode.SQLITE_NOMEM, sqlitecode.SQLITE_PROTOCOL:
		return true
	}
	return false
}

func isDeadlock(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pg.Code == "40P01" || pg.Code == "40001")
}
