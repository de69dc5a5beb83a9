package redis

import (
	"context"
)

// Publish hurries whoever listens to a topic, on any replica. Nothing may depend on it arriving.
func (d *DB) Publish(ctx context.Context, topic, payload string) error {
	ctx, done := limit(ctx)
	defer done()
	return d.fail("publish", d.client.Publish(ctx, key("wake", topic), payload).Err())
}

// Subscribe gives what is published on a topic from now on. A reader who is slow, or a connection that is lost for a
// while, misses some. The channel is closed when ctx ends.
func (d *DB) Subscribe(ctx context.Context, topic string) <-chan string {
	out := make(chan string, 16)
	sub := d.client.Subscribe(ctx, key("wake", topic))
	wait, done := limit(ctx)
	_, _ = sub.Receive(wait) // the server's "subscribed", so that nothing published from here on is missed; else it reconnects
	done()
	go func() {
		defer close(out)
		defer func() { _ = sub.Close() }()
		messages := sub.Channel()
		for {
			select {
			case <-ctx.Done():
				return
			case m, ok := <-messages:
				if !ok {
					return
				}
				offer(out, m.Payload)
			}
		}
	}()
	return out
}

// offer drops the payload when nobody has read the ones before.
func offer(out chan<- string, payload string) {
	select {
	case out <- payload:
	default:
	}
}
