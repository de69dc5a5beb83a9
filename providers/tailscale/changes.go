package tailscale

import (
	"context"
	"net/http"
	"net/netip"
	"regexp"

	"aurora/providers/policy"

	api "tailscale.com/client/tailscale/v2"
)

// onDevice makes a verb of a change to one device.
func onDevice(change func(ctx context.Context, c *api.Client, id string, call policy.Call) error) verb {
	return func(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
		id, err := argument(call, "device", idPattern)
		if err != nil {
			return nil, err
		}
		return done{true, id}, change(ctx, c, id, call)
	}
}

func authorizeDevice(to bool) verb {
	return onDevice(func(ctx context.Context, c *api.Client, id string, _ policy.Call) error {
		return c.Devices().SetAuthorized(ctx, id, to)
	})
}

func tagDevice(ctx context.Context, c *api.Client, id string, call policy.Call) error {
	tags, err := arguments(call, "tags", tagPattern.MatchString)
	if err != nil {
		return err
	}
	return c.Devices().SetTags(ctx, id, tags)
}

func nameDevice(ctx context.Context, c *api.Client, id string, call policy.Call) error {
	name, err := argument(call, "name", namePattern)
	if err != nil {
		return err
	}
	return c.Devices().SetName(ctx, id, name)
}

var onOff = regexp.MustCompile(`^(?:on|off|enabled|disabled)$`)

func keyExpiry(ctx context.Context, c *api.Client, id string, call policy.Call) error {
	state, err := argument(call, "state", onOff)
	if err != nil {
		return err
	}
	return c.Devices().SetKey(ctx, id, api.DeviceKey{KeyExpiryDisabled: state == "off" || state == "disabled"})
}

func expireDevice(ctx context.Context, c *api.Client, id string, _ policy.Call) error {
	_, err := request(ctx, c, http.MethodPost, nil, "device", id, "expire")
	return err
}

func deleteDevice(ctx context.Context, c *api.Client, id string, _ policy.Call) error {
	return c.Devices().Delete(ctx, id)
}

func setRoutes(ctx context.Context, c *api.Client, id string, call policy.Call) error {
	routes, err := arguments(call, "routes", func(s string) bool { _, err := netip.ParsePrefix(s); return err == nil })
	if err != nil {
		return err
	}
	return c.Devices().SetSubnetRoutes(ctx, id, orEmpty(routes))
}

func deleteKey(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	id, err := argument(call, "key", idPattern)
	if err != nil {
		return nil, err
	}
	return done{true, id}, c.Keys().Delete(ctx, id)
}
