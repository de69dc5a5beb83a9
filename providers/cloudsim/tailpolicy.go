package cloudsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

func (t *TailnetState) etag() string { return `"` + hexID(t.Policy, 64) + `"` }

// getPolicy gives the policy file as it was written, or as JSON when that is asked for.
func getPolicy(c *tailCall) (any, *tailError) {
	out := rawOutput{contentType: "application/hujson", body: []byte(c.tailnet.Policy), header: map[string]string{"Etag": c.tailnet.etag()}}
	if strings.Contains(c.Header.Get("Accept"), "application/json") {
		out.contentType, out.body = "application/json", standardJSON(out.body)
	}
	return out, nil
}

func setPolicy(c *tailCall) (any, *tailError) {
	if match := c.Header.Get("If-Match"); match != "" && match != c.tailnet.etag() && match != `"ts-default"` {
		return nil, &tailError{http.StatusPreconditionFailed, "precondition failed, invalid old hash"}
	}
	if refused := checkPolicy(c.body); refused != nil {
		return nil, refused
	}
	c.tailnet.Policy = string(c.body)
	return getPolicy(c)
}

// validatePolicy answers 200 whether the policy is good or not: what is wrong stands in the body.
func validatePolicy(c *tailCall) (any, *tailError) {
	if refused := checkPolicy(c.body); refused != nil {
		return map[string]string{"message": refused.message}, nil
	}
	return map[string]string{}, nil
}

// policySections are the top-level members a policy file may have.
var policySections = []string{
	"acls", "groups", "hosts", "tagOwners", "autoApprovers", "nodeAttrs", "ssh", "sshTests", "tests", "postures", "grants", "ipsets",
	"derpMap", "disableIPv4", "randomizeClientPort", "OneCGNATRoute", "defaultSrcPosture", "extraDNSRecords", "services",
}

func checkPolicy(body []byte) *tailError {
	var sections map[string]json.RawMessage
	if err := json.Unmarshal(standardJSON(body), &sections); err != nil {
		return &tailError{http.StatusBadRequest, "invalid policy file: " + err.Error()}
	}
	for _, name := range slices.Sorted(maps.Keys(sections)) {
		known := func(section string) bool { return strings.EqualFold(section, name) }
		if !slices.ContainsFunc(policySections, known) {
			return &tailError{http.StatusBadRequest, fmt.Sprintf("unknown section %q in the policy file", name)}
		}
	}
	return nil
}

// standardJSON takes comments and trailing commas out of HuJSON.
func standardJSON(text []byte) []byte {
	var out []byte
	for i := 0; i < len(text); i++ {
		rest := string(text[i:min(i+2, len(text))])
		switch {
		case text[i] == '"':
			end := endOfString(text, i)
			out = append(out, text[i:end]...)
			i = end - 1
		case rest == "//":
			i = indexFrom(text, i, "\n") - 1
		case rest == "/*":
			i = indexFrom(text, i+2, "*/") + 1
		case text[i] == '}' || text[i] == ']':
			out = append(trimComma(out), text[i])
		default:
			out = append(out, text[i])
		}
	}
	return out
}

func endOfString(text []byte, start int) int {
	for i := start + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// indexFrom gives where what stands at or after start, the text's end when it does not.
func indexFrom(text []byte, start int, what string) int {
	if i := strings.Index(string(text[start:]), what); i >= 0 {
		return start + i
	}
	return len(text)
}

func trimComma(out []byte) []byte {
	trimmed := strings.TrimRight(string(out), " \t\r\n")
	if strings.HasSuffix(trimmed, ",") {
		return []byte(strings.TrimSuffix(trimmed, ","))
	}
	return out
}

func getNameservers(c *tailCall) (any, *tailError) {
	return map[string]any{"dns": listOrEmpty(c.tailnet.DNS.Nameservers)}, nil
}

func setNameservers(c *tailCall) (any, *tailError) {
	var in struct{ DNS []string }
	if refused := c.readBody(&in); refused != nil {
		return nil, refused
	}
	for _, server := range in.DNS {
		if _, err := netip.ParseAddr(server); err != nil && !strings.HasPrefix(server, "https://") {
			return nil, &tailError{http.StatusBadRequest, "invalid nameserver: " + server}
		}
	}
	c.tailnet.DNS.Nameservers = in.DNS
	return map[string]any{"dns": listOrEmpty(in.DNS), "magicDNS": c.tailnet.DNS.MagicDNS}, nil
}

func getSearchPaths(c *tailCall) (any, *tailError) {
	return map[string]any{"searchPaths": listOrEmpty(c.tailnet.DNS.SearchPaths)}, nil
}

func setSearchPaths(c *tailCall) (any, *tailError) {
	var in struct{ SearchPaths []string }
	if refused := c.readBody(&in); refused != nil {
		return nil, refused
	}
	c.tailnet.DNS.SearchPaths = in.SearchPaths
	return getSearchPaths(c)
}

func getPreferences(c *tailCall) (any, *tailError) {
	return map[string]bool{"magicDNS": c.tailnet.DNS.MagicDNS}, nil
}

func setPreferences(c *tailCall) (any, *tailError) {
	var in struct{ MagicDNS *bool }
	if refused := c.readBody(&in); refused != nil || in.MagicDNS == nil {
		return nil, errTailJSON
	}
	if *in.MagicDNS && len(c.tailnet.DNS.Nameservers) == 0 {
		return nil, &tailError{http.StatusBadRequest, "need at least one nameserver to enable MagicDNS"}
	}
	c.tailnet.DNS.MagicDNS = *in.MagicDNS
	return getPreferences(c)
}

func getSplitDNS(c *tailCall) (any, *tailError) {
	if c.tailnet.DNS.SplitDNS == nil {
		return map[string]any{}, nil
	}
	return c.tailnet.DNS.SplitDNS, nil
}

func setSplitDNS(c *tailCall) (any, *tailError) {
	in := map[string][]string{}
	if refused := c.readBody(&in); refused != nil {
		return nil, refused
	}
	c.tailnet.DNS.SplitDNS = in
	return getSplitDNS(c)
}

// updateSplitDNS changes the domains that are named; an empty list takes a domain away.
func updateSplitDNS(c *tailCall) (any, *tailError) {
	in := map[string][]string{}
	if refused := c.readBody(&in); refused != nil {
		return nil, refused
	}
	if c.tailnet.DNS.SplitDNS == nil {
		c.tailnet.DNS.SplitDNS = map[string][]string{}
	}
	for domain, servers := range in {
		c.tailnet.DNS.SplitDNS[domain] = servers
		if len(servers) == 0 {
			delete(c.tailnet.DNS.SplitDNS, domain)
		}
	}
	return getSplitDNS(c)
}

func getSettings(c *tailCall) (any, *tailError) { return c.tailnet.Settings, nil }

// updateSettings changes the settings that are named, which must exist.
func updateSettings(c *tailCall) (any, *tailError) {
	in := map[string]any{}
	if refused := c.readBody(&in); refused != nil {
		return nil, refused
	}
	for name, value := range in {
		old, known := c.tailnet.Settings[name]
		if value != nil && (!known || fmt.Sprintf("%T", old) != fmt.Sprintf("%T", value)) {
			return nil, &tailError{http.StatusBadRequest, "invalid value for setting " + name}
		}
	}
	for name, value := range in {
		if value != nil {
			c.tailnet.Settings[name] = value
		}
	}
	return c.tailnet.Settings, nil
}
