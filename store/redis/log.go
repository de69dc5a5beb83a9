package redis

import (
	"context"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
)

// LogTo hands the client library's own messages (a master that changed, a connection that could not be made) to write
// instead of standard error. It holds for the whole process: cmd calls it once, before Open.
func LogTo(write func(message string)) { goredis.SetLogger(lines(write)) }

type lines func(message string)

// Printf is what the library calls.
func (l lines) Printf(_ context.Context, format string, values ...any) {
	l(fmt.Sprintf(format, values...))
}
