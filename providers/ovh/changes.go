package ovh

import (
	"context"
	"encoding/json"
)

// change makes the verb that does something to a thing and needs nothing said besides.
func change(arg, what string, path ...string) verb {
	return func(ctx context.Context, c client, cmd command) (any, error) {
		return cmd.change(ctx, c, arg, what, nil, path...)
	}
}

func (cmd command) change(ctx context.Context, c client, arg, what string, body any, path ...string) (any, error) {
	id, err := cmd.argument(arg)
	if err != nil {
		return nil, err
	}
	at, err := cmd.place(path, "")
	if err != nil {
		return nil, err
	}
	raw, err := c.post(ctx, body, append(at, id, what)...)
	return said(raw, id), err
}

// said is the answer, or that it was done where the API has nothing to say.
func said(raw json.RawMessage, id string) any {
	if len(raw) == 0 || string(raw) == "null" {
		return done{true, id}
	}
	return raw
}

func rebootInstance(ctx context.Context, c client, cmd command) (any, error) {
	kind := "soft"
	if cmd.Flags["--hard"] == "true" {
		kind = "hard"
	}
	return cmd.change(ctx, c, "instance", "reboot", map[string]string{"type": kind}, "cloud", "project", "", "instance")
}

func createSnapshot(ctx context.Context, c client, cmd command) (any, error) {
	name, err := cmd.argument("name")
	if err != nil {
		return nil, err
	}
	return cmd.change(ctx, c, "instance", "snapshot", map[string]string{"snapshotName": name}, "cloud", "project", "", "instance")
}
