package policy

// tailscaleCommands is our grammar over the Tailscale API: the words people know from the admin console and the CLI.
// The CLI's own commands that drive a local daemon (up, down, set, ssh, serve, funnel) are not here and so are refused.
func tailscaleCommands() []GrammarCommand {
	device := []GrammarArg{{Name: "device", Pattern: idPattern}}
	key := []GrammarArg{{Name: "key", Pattern: idPattern}}
	common := []GrammarFlag{{Name: "--json"}, {Name: "--tailnet", Value: true, Pattern: namePattern}}
	with := func(more ...GrammarFlag) []GrammarFlag { return append(append([]GrammarFlag{}, more...), common...) }
	list := []GrammarCommand{
		{Name: "device list", Paths: []string{"device list", "devices list", "devices", "device ls", "devices ls", "status", "node list", "nodes list", "nodes", "machine list", "machines list", "machines"}, Effect: Read, Help: "Lists the devices of the tailnet."},
		{Name: "device get", Paths: []string{"device get", "devices get", "device show", "devices show", "device describe", "node get", "machine get"}, Args: device, Effect: Read, Help: "Shows one device."},
		{Name: "device routes", Paths: []string{"device routes", "devices routes", "device routes list", "device routes get", "routes", "routes list", "routes get", "route list", "route get"}, Args: device, Effect: Read, Help: "Shows the routes a device advertises and which are enabled."},
		{Name: "device attributes", Paths: []string{"device attributes", "device posture", "devices attributes"}, Args: device, Effect: Read, Help: "Shows the posture attributes of a device."},
		{Name: "device authorize", Paths: []string{"device authorize", "devices authorize", "device approve", "node authorize", "machine authorize"}, Args: device, Effect: Write, Facets: Permission, Help: "Lets a device into the tailnet."},
		{Name: "device deauthorize", Paths: []string{"device deauthorize", "devices deauthorize", "device unauthorize"}, Args: device, Effect: Disrupt, Facets: Permission, Help: "Shuts a device out of the tailnet."},
		{Name: "device tags set", Paths: []string{"device tags set", "device tags", "device tag", "devices tags", "devices tag", "device set-tags"}, Args: []GrammarArg{device[0], {Name: "tags", Pattern: tagPattern, Repeated: true}}, Effect: Write, Facets: Permission, Help: "Replaces the tags of a device, and with them what it may reach."},
		{Name: "device rename", Paths: []string{"device rename", "devices rename", "device name"}, Args: []GrammarArg{device[0], {Name: "name", Pattern: domainPattern}}, Effect: Write, Help: "Renames a device."},
		{Name: "device key-expiry", Paths: []string{"device key-expiry", "device set-key-expiry", "devices key-expiry"}, Args: []GrammarArg{device[0], {Name: "state", Pattern: "on|off|enabled|disabled"}}, Effect: Write, Facets: Permission, Help: "Turns the expiry of a device's key on or off."},
		{Name: "device expire", Paths: []string{"device expire", "device expire-key", "devices expire"}, Args: device, Effect: Disrupt, Help: "Expires a device's key: it must sign in again."},
		{Name: "device delete", Paths: []string{"device delete", "devices delete", "device remove", "devices remove", "device rm", "node delete", "machine delete", "machine remove"}, Args: device, Effect: Delete, Help: "Removes a device from the tailnet."},
		{Name: "routes set", Paths: []string{"routes set", "route set", "device routes set", "devices routes set"}, Args: []GrammarArg{device[0], {Name: "routes", Pattern: cidrPattern, Repeated: true, Optional: true}}, Effect: Disrupt, Facets: Exposure, Help: "Replaces the enabled routes of a device."},
		{Name: "acl get", Paths: []string{"acl get", "acl show", "acl", "acls get", "policy get", "policy show", "policy-file get"}, Effect: Read, Help: "Shows the policy file."},
		{Name: "acl validate", Paths: []string{"acl validate", "acl test", "policy validate"}, Flags: []GrammarFlag{{Name: "--policy", Value: true, Pattern: policyPattern}}, Effect: Read, Help: "Checks a policy file without saving it."},
		{Name: "acl set", Paths: []string{"acl set", "acl update", "acls set", "policy set"}, Flags: []GrammarFlag{{Name: "--policy", Value: true, Pattern: policyPattern}}, Effect: Disrupt, Facets: Permission | Exposure, Help: "Replaces the policy file: who may reach what."},
		{Name: "dns get", Paths: []string{"dns get", "dns", "dns show", "dns list", "dns status"}, Effect: Read, Help: "Shows nameservers, search paths and preferences."},
		{Name: "dns nameservers get", Paths: []string{"dns nameservers get", "dns nameservers", "dns nameservers list"}, Effect: Read, Help: "Shows the nameservers."},
		{Name: "dns searchpaths get", Paths: []string{"dns searchpaths get", "dns searchpaths", "dns searchpaths list", "dns search-paths"}, Effect: Read, Help: "Shows the search paths."},
		{Name: "dns preferences get", Paths: []string{"dns preferences get", "dns preferences"}, Effect: Read, Help: "Shows whether MagicDNS is on."},
		{Name: "dns split get", Paths: []string{"dns split get", "dns split", "dns split-dns"}, Effect: Read, Help: "Shows split DNS."},
		{Name: "dns nameservers set", Paths: []string{"dns nameservers set"}, Args: []GrammarArg{{Name: "nameservers", Pattern: addrPattern, Repeated: true, Optional: true}}, Effect: Disrupt, Help: "Replaces the nameservers of every device."},
		{Name: "dns searchpaths set", Paths: []string{"dns searchpaths set"}, Args: []GrammarArg{{Name: "domains", Pattern: domainPattern, Repeated: true, Optional: true}}, Effect: Disrupt, Help: "Replaces the search paths of every device."},
		{Name: "dns preferences set", Paths: []string{"dns preferences set"}, Flags: []GrammarFlag{{Name: "--magic-dns", Value: true, Pattern: boolPattern}}, Effect: Disrupt, Help: "Turns MagicDNS on or off."},
		{Name: "key list", Paths: []string{"key list", "keys list", "keys", "auth-key list", "auth-keys list", "authkey list", "key ls"}, Effect: Read, Help: "Lists keys, without their values."},
		{Name: "key get", Paths: []string{"key get", "keys get", "auth-key get", "authkey get", "key show", "keys show"}, Args: key, Effect: Read, Help: "Shows one key, without its value."},
		{Name: "key create", Paths: []string{"key create", "keys create", "auth-key create", "auth-keys create", "authkey create"}, Flags: []GrammarFlag{{Name: "--reusable"}, {Name: "--ephemeral"}, {Name: "--preauthorized"}, {Name: "--tags", Value: true, Pattern: tagPattern + `(?:,` + tagPattern + `)*`}, {Name: "--expiry", Value: true, Pattern: daysPattern}, {Name: "--description", Value: true, Pattern: textPattern}}, Effect: Forbidden, Help: "The answer is a key that lets devices in, and credentials never go to a channel or a model: make it in Tailscale's admin console."},
		{Name: "key delete", Paths: []string{"key delete", "keys delete", "key revoke", "keys revoke", "key remove", "auth-key delete", "authkey delete"}, Args: key, Effect: Delete, Facets: Permission, Help: "Revokes a key."},
		{Name: "settings get", Paths: []string{"settings get", "settings", "settings show", "settings list"}, Effect: Read, Help: "Shows the tailnet's settings."},
		{Name: "user list", Paths: []string{"user list", "users list", "users", "user ls"}, Effect: Read, Help: "Lists the users."},
		{Name: "user get", Paths: []string{"user get", "users get", "user show"}, Args: []GrammarArg{{Name: "user", Pattern: idPattern}}, Effect: Read, Help: "Shows one user."},
		{Name: "contacts get", Paths: []string{"contacts get", "contacts", "contacts list"}, Effect: Read, Help: "Shows the tailnet's contacts."},
		{Name: "webhook list", Paths: []string{"webhook list", "webhooks list", "webhooks"}, Effect: Read, Facets: Masked, Masked: []string{"webhooks[].secret"}, Help: "Lists the webhooks."},
		{Name: "logs configuration", Paths: []string{"logs configuration", "logs audit", "audit-log list", "audit list", "audit-logs"}, Flags: []GrammarFlag{{Name: "--start", Value: true, Pattern: timePattern}, {Name: "--end", Value: true, Pattern: timePattern}}, Effect: Read, Facets: Log, Help: "Shows who changed what."},
		{Name: "logs network", Paths: []string{"logs network", "network-logs list", "network-logs", "flow-logs list"}, Flags: []GrammarFlag{{Name: "--start", Value: true, Pattern: timePattern}, {Name: "--end", Value: true, Pattern: timePattern}}, Effect: Read, Facets: Log, Help: "Shows network flows."},
	}
	for i := range list {
		list[i].Flags = with(list[i].Flags...)
	}
	return list
}
