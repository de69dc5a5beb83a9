package tailscale

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"aurora/providers/policy"

	api "tailscale.com/client/tailscale/v2"
)

// verb runs one typed command and gives what is printed as JSON.
type verb func(ctx context.Context, c *api.Client, call policy.Call) (any, error)

// verbs are the typed commands by the name that policy's grammar gives them.
var verbs = map[string]verb{
	"device list":         listDevices,
	"device get":          getDevice,
	"device routes":       getRoutes,
	"device attributes":   getAttributes,
	"device authorize":    authorizeDevice(true),
	"device deauthorize":  authorizeDevice(false),
	"device tags set":     onDevice(tagDevice),
	"device rename":       onDevice(nameDevice),
	"device key-expiry":   onDevice(keyExpiry),
	"device expire":       onDevice(expireDevice),
	"device delete":       onDevice(deleteDevice),
	"routes set":          onDevice(setRoutes),
	"acl get":             getPolicy,
	"acl validate":        validatePolicy,
	"acl set":             setPolicy,
	"dns get":             getDNS,
	"dns nameservers get": getNameservers,
	"dns searchpaths get": getSearchPaths,
	"dns preferences get": getPreferences,
	"dns split get":       getSplitDNS,
	"dns nameservers set": setNameservers,
	"dns searchpaths set": setSearchPaths,
	"dns preferences set": setPreferences,
	"key list":            listKeys,
	"key get":             getKey,
	"key delete":          deleteKey,
	"settings get":        getSettings,
	"user list":           listUsers,
	"user get":            getUser,
	"contacts get":        getContacts,
	"webhook list":        listWebhooks,
	"logs configuration":  logs("configuration"),
	"logs network":        logs("network"),
}

// errBadArgument says that an argument is not what the API takes. Policy checks the same; nothing is put into a path
// that was not checked here too.
var errBadArgument = errors.New("not a valid argument")

var (
	tailnetName = regexp.MustCompile(`^(?:-|[A-Za-z0-9][A-Za-z0-9._@-]{0,250})$`)
	idPattern   = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)
	tagPattern  = regexp.MustCompile(`^tag:[a-zA-Z][a-zA-Z0-9-]{0,60}$`)
	namePattern = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9-]{1,63})*$`)
)

// done is what a command prints that has nothing to say.
type done struct {
	OK bool   `json:"ok"`
	ID string `json:"id,omitempty"`
}

func argument(call policy.Call, name string, pattern *regexp.Regexp) (string, error) {
	values := call.Args[name]
	if len(values) != 1 || !pattern.MatchString(values[0]) {
		return "", fmt.Errorf("%q is %w for %s", values, errBadArgument, name)
	}
	return values[0], nil
}

func arguments(call policy.Call, name string, valid func(string) bool) ([]string, error) {
	for _, v := range call.Args[name] {
		if !valid(v) {
			return nil, fmt.Errorf("%q is %w for %s", v, errBadArgument, name)
		}
	}
	return slices.Clone(call.Args[name]), nil
}

func listDevices(ctx context.Context, c *api.Client, _ policy.Call) (any, error) {
	devices, err := c.Devices().List(ctx)
	return map[string]any{"devices": orEmpty(devices)}, err
}

func getDevice(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	id, err := argument(call, "device", idPattern)
	if err != nil {
		return nil, err
	}
	return c.Devices().Get(ctx, id)
}

func getRoutes(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	id, err := argument(call, "device", idPattern)
	if err != nil {
		return nil, err
	}
	return c.Devices().SubnetRoutes(ctx, id)
}

func getAttributes(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	id, err := argument(call, "device", idPattern)
	if err != nil {
		return nil, err
	}
	return c.Devices().GetPostureAttributes(ctx, id)
}

func listKeys(ctx context.Context, c *api.Client, _ policy.Call) (any, error) {
	keys, err := c.Keys().List(ctx, true)
	return map[string]any{"keys": orEmpty(keys)}, err
}

func getKey(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	id, err := argument(call, "key", idPattern)
	if err != nil {
		return nil, err
	}
	return c.Keys().Get(ctx, id)
}

func getSettings(ctx context.Context, c *api.Client, _ policy.Call) (any, error) {
	return c.TailnetSettings().Get(ctx)
}

func listUsers(ctx context.Context, c *api.Client, _ policy.Call) (any, error) {
	users, err := c.Users().List(ctx, nil, nil)
	return map[string]any{"users": orEmpty(users)}, err
}

func getUser(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	id, err := argument(call, "user", idPattern)
	if err != nil {
		return nil, err
	}
	return c.Users().Get(ctx, id)
}

func getContacts(ctx context.Context, c *api.Client, _ policy.Call) (any, error) {
	return c.Contacts().Get(ctx)
}

func listWebhooks(ctx context.Context, c *api.Client, _ policy.Call) (any, error) {
	hooks, err := c.Webhooks().List(ctx)
	return map[string]any{"webhooks": orEmpty(hooks)}, err
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
