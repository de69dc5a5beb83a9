package redis

import (
	"context"
	"encoding/json"
)

// TicketByHash looks at a ticket whose id only is known as store.HashNonce gives it, as clicks are kept. It does not
// spend it. store.ErrNotFound when it is unknown, spent or over.
func (d *DB) TicketByHash(ctx context.Context, hash string) (json.RawMessage, error) {
	ctx, done := limit(ctx)
	defer done()
	raw, err := d.client.Get(ctx, key("ticket", hash)).Bytes()
	return raw, d.fail("look up the button", err)
}
