package tailscale

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

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

func createKey(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	life, err := expiry(call.Flags["--expiry"])
	if err != nil {
		return nil, err
	}
	in := api.CreateKeyRequest{ExpirySeconds: int64(life.Seconds()), Description: call.Flags["--description"]}
	device := &in.Capabilities.Devices.Create
	device.Reusable = call.Flags["--reusable"] == "true"
	device.Ephemeral = call.Flags["--ephemeral"] == "true"
	device.Preauthorized = call.Flags["--preauthorized"] == "true"
	device.Tags = []string{}
	for tag := range strings.SplitSeq(call.Flags["--tags"], ",") {
		switch {
		case tag == "":
		case !tagPattern.MatchString(tag):
			return nil, fmt.Errorf("%q is %w for --tags", tag, errBadArgument)
		default:
			device.Tags = append(device.Tags, tag)
		}
	}
	return c.Keys().CreateAuthKey(ctx, in)
}

// expiry reads 90d, 12h, 30m, 600s or a bare number of days; a day when nothing is said. 90 days is Tailscale's most.
func expiry(text string) (time.Duration, error) {
	if text == "" {
		return 24 * time.Hour, nil
	}
	unit := 24 * time.Hour
	digits := strings.TrimRight(text, "dhms")
	switch text[len(digits):] {
	case "h":
		unit = time.Hour
	case "m":
		unit = time.Minute
	case "s":
		unit = time.Second
	}
	n, err := strconv.Atoi(digits)
	life := time.Duration(n) * unit
	if err != nil || n < 1 || life > 90*24*time.Hour {
		return 0, fmt.Errorf("%q is %w for --expiry: write up to 90d", text, errBadArgument)
	}
	return life, nil
}

func deleteKey(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	id, err := argument(call, "key", idPattern)
	if err != nil {
		return nil, err
	}
	return done{true, id}, c.Keys().Delete(ctx, id)
}
