package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// spareAddress finds an address of this machine that is free now and can be named before it is listened on. The range
// lies below the ports systems give out by themselves, so that nobody else is handed it meanwhile.
func spareAddress(ctx context.Context) (string, error) {
	const lowest, many, tries = 20_000, 12_000, 50
	var lc net.ListenConfig
	var last error
	for range tries {
		addr := fmt.Sprintf("127.0.0.1:%d", lowest+rand.N(many)) //nolint:gosec // guards nothing
		l, err := lc.Listen(ctx, "tcp", addr)
		if err == nil {
			return addr, l.Close()
		}
		last = err
	}
	return "", errors.Join(errors.New("no port of 127.0.0.1 is free"), last)
}
