package cloudsim

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
)

// tailRoutes are the methods of the Tailscale API that are simulated.
var tailRoutes = []tailRoute{
	{"GET", "/tailnet/{tailnet}/devices", "devices.list", "devices:core", listDevices},
	{"GET", "/device/{device}", "devices.get", "devices:core", getDevice},
	{"DELETE", "/device/{device}", "devices.delete", "devices:core", deleteDevice},
	{"POST", "/device/{device}/authorized", "devices.authorize", "devices:core", authorizeDevice},
	{"POST", "/device/{device}/tags", "devices.tags", "devices:core", tagDevice},
	{"POST", "/device/{device}/name", "devices.name", "devices:core", nameDevice},
	{"POST", "/device/{device}/key", "devices.key", "devices:core", keyDevice},
	{"POST", "/device/{device}/expire", "devices.expire", "devices:core", expireDevice},
	{"GET", "/device/{device}/routes", "devices.routes.get", "devices:routes", getRoutes},
	{"POST", "/device/{device}/routes", "devices.routes.set", "devices:routes", setRoutes},
	{"GET", "/tailnet/{tailnet}/keys", "keys.list", "auth_keys", listKeys},
	{"POST", "/tailnet/{tailnet}/keys", "keys.create", "auth_keys", createKey},
	{"GET", "/tailnet/{tailnet}/keys/{key}", "keys.get", "auth_keys", getKey},
	{"DELETE", "/tailnet/{tailnet}/keys/{key}", "keys.delete", "auth_keys", deleteKey},
	{"GET", "/tailnet/{tailnet}/acl", "acl.get", "policy_file", getPolicy},
	{"POST", "/tailnet/{tailnet}/acl", "acl.set", "policy_file", setPolicy},
	{"POST", "/tailnet/{tailnet}/acl/validate", "acl.validate", "policy_file", validatePolicy},
	{"GET", "/tailnet/{tailnet}/dns/nameservers", "dns.nameservers.get", "dns", getNameservers},
	{"POST", "/tailnet/{tailnet}/dns/nameservers", "dns.nameservers.set", "dns", setNameservers},
	{"GET", "/tailnet/{tailnet}/dns/searchpaths", "dns.searchpaths.get", "dns", getSearchPaths},
	{"POST", "/tailnet/{tailnet}/dns/searchpaths", "dns.searchpaths.set", "dns", setSearchPaths},
	{"GET", "/tailnet/{tailnet}/dns/preferences", "dns.preferences.get", "dns", getPreferences},
	{"POST", "/tailnet/{tailnet}/dns/preferences", "dns.preferences.set", "dns", setPreferences},
	{"GET", "/tailnet/{tailnet}/dns/split-dns", "dns.splitdns.get", "dns", getSplitDNS},
	{"PUT", "/tailnet/{tailnet}/dns/split-dns", "dns.splitdns.set", "dns", setSplitDNS},
	{"PATCH", "/tailnet/{tailnet}/dns/split-dns", "dns.splitdns.update", "dns", updateSplitDNS},
	{"GET", "/tailnet/{tailnet}/settings", "settings.get", "feature_settings", getSettings},
	{"PATCH", "/tailnet/{tailnet}/settings", "settings.update", "feature_settings", updateSettings},
}

func deviceDocument(d Device, all bool) map[string]any {
	doc := map[string]any{
		"id": d.ID, "nodeId": d.NodeID, "name": d.Name, "hostname": d.Hostname, "user": d.User, "os": d.OS, "addresses": d.Addresses,
		"authorized": d.Authorized, "keyExpiryDisabled": d.NoExpiry, "created": d.Created.Format(time.RFC3339), "lastSeen": d.LastSeen.Format(time.RFC3339),
		"expires": d.Expires.Format(time.RFC3339), "clientVersion": "1.80.2", "updateAvailable": false, "isExternal": d.External, "isEphemeral": false,
		"blocksIncomingConnections": false, "machineKey": "mkey:" + hexID(d.ID, 64), "nodeKey": "nodekey:" + hexID("node"+d.ID, 64),
	}
	if len(d.Tags) > 0 {
		doc["tags"] = d.Tags
	}
	if all {
		doc["advertisedRoutes"], doc["enabledRoutes"] = listOrEmpty(d.Advertised), listOrEmpty(d.Enabled)
	}
	return doc
}

func listOrEmpty(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func (c *tailCall) allFields() bool { return c.URL.Query().Get("fields") == "all" }

func listDevices(c *tailCall) (any, *tailError) {
	list := []any{}
	for _, d := range c.tailnet.Devices {
		list = append(list, deviceDocument(d, c.allFields()))
	}
	return map[string]any{"devices": list}, nil
}

func (c *tailCall) device() (*Device, *tailError) {
	d := c.tailnet.device(c.params["device"])
	if d == nil {
		return nil, errTailDevice
	}
	return d, nil
}

func getDevice(c *tailCall) (any, *tailError) {
	d, refused := c.device()
	if refused != nil {
		return nil, refused
	}
	return deviceDocument(*d, c.allFields()), nil
}

func deleteDevice(c *tailCall) (any, *tailError) {
	d, refused := c.device()
	if refused != nil {
		return nil, refused
	}
	id := d.NodeID
	c.tailnet.Devices = slices.DeleteFunc(c.tailnet.Devices, func(d Device) bool { return d.NodeID == id })
	return nil, nil
}

// changeDevice reads the body and applies it to the device.
func changeDevice[T any](c *tailCall, apply func(*Device, T) *tailError) (any, *tailError) {
	d, refused := c.device()
	if refused != nil {
		return nil, refused
	}
	var in T
	if refused := c.readBody(&in); refused != nil {
		return nil, refused
	}
	return nil, apply(d, in)
}

func authorizeDevice(c *tailCall) (any, *tailError) {
	type body struct{ Authorized *bool }
	return changeDevice(c, func(d *Device, in body) *tailError {
		if in.Authorized == nil {
			return errTailJSON
		}
		d.Authorized = *in.Authorized
		return nil
	})
}

func tagDevice(c *tailCall) (any, *tailError) {
	type body struct{ Tags []string }
	return changeDevice(c, func(d *Device, in body) *tailError {
		if refused := c.tailnet.checkTags(in.Tags); refused != nil {
			return refused
		}
		d.Tags, d.NoExpiry = in.Tags, len(in.Tags) > 0 // a tagged device's key does not expire
		return nil
	})
}

// checkTags refuses tags the policy file does not know.
func (t *TailnetState) checkTags(tags []string) *tailError {
	for _, tag := range tags {
		if !strings.HasPrefix(tag, "tag:") || !strings.Contains(t.Policy, `"`+tag+`"`) {
			return &tailError{http.StatusBadRequest, "requested tags [" + strings.Join(tags, " ") + "] are invalid or not permitted"}
		}
	}
	return nil
}

var deviceNameShape = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$`)

func nameDevice(c *tailCall) (any, *tailError) {
	type body struct{ Name string }
	return changeDevice(c, func(d *Device, in body) *tailError {
		short, _, _ := strings.Cut(in.Name, ".")
		if !deviceNameShape.MatchString(short) {
			return &tailError{http.StatusBadRequest, "invalid device name"}
		}
		d.Name = short + ".tail1234.ts.net"
		return nil
	})
}

func keyDevice(c *tailCall) (any, *tailError) {
	type body struct{ KeyExpiryDisabled bool }
	return changeDevice(c, func(d *Device, in body) *tailError {
		d.NoExpiry = in.KeyExpiryDisabled
		return nil
	})
}

func expireDevice(c *tailCall) (any, *tailError) {
	d, refused := c.device()
	if refused != nil {
		return nil, refused
	}
	d.Expires, d.NoExpiry = time.Now().UTC(), false
	return nil, nil
}

func routesOf(d Device) map[string]any {
	return map[string]any{"advertisedRoutes": listOrEmpty(d.Advertised), "enabledRoutes": listOrEmpty(d.Enabled)}
}

func getRoutes(c *tailCall) (any, *tailError) {
	d, refused := c.device()
	if refused != nil {
		return nil, refused
	}
	return routesOf(*d), nil
}

func setRoutes(c *tailCall) (any, *tailError) {
	type body struct{ Routes []string }
	_, refused := changeDevice(c, func(d *Device, in body) *tailError {
		for _, route := range in.Routes {
			if _, err := netip.ParsePrefix(route); err != nil {
				return &tailError{http.StatusBadRequest, "invalid route: " + route}
			}
		}
		d.Enabled = in.Routes
		return nil
	})
	if refused != nil {
		return nil, refused
	}
	return getRoutes(c)
}
