package tailscale

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"aurora/providers/policy"

	api "tailscale.com/client/tailscale/v2"
)

func getPolicy(ctx context.Context, c *api.Client, _ policy.Call) (any, error) {
	raw, err := c.PolicyFile().Raw(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{"hujson": raw.HuJSON, "etag": raw.ETag}, nil
}

func validatePolicy(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	return done{OK: true}, c.PolicyFile().Validate(ctx, call.Flags["--policy"])
}

// setPolicy replaces the policy file only when it is still the one that stands there as the command starts.
func setPolicy(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	if call.Flags["--policy"] == "" {
		return nil, fmt.Errorf("nothing is %w for --policy", errBadArgument)
	}
	old, err := c.PolicyFile().Raw(ctx)
	if err != nil {
		return nil, err
	}
	return done{OK: true}, c.PolicyFile().Set(ctx, call.Flags["--policy"], old.ETag)
}

func getDNS(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	all := map[string]any{}
	for name, get := range map[string]verb{
		"nameservers": getNameservers, "searchPaths": getSearchPaths, "preferences": getPreferences, "splitDNS": getSplitDNS,
	} {
		part, err := get(ctx, c, call)
		if err != nil {
			return nil, err
		}
		all[name] = part
	}
	return all, nil
}

func getNameservers(ctx context.Context, c *api.Client, _ policy.Call) (any, error) {
	list, err := c.DNS().Nameservers(ctx)
	return orEmpty(list), err
}

func getSearchPaths(ctx context.Context, c *api.Client, _ policy.Call) (any, error) {
	list, err := c.DNS().SearchPaths(ctx)
	return orEmpty(list), err
}

func getPreferences(ctx context.Context, c *api.Client, _ policy.Call) (any, error) {
	return c.DNS().Preferences(ctx)
}

func getSplitDNS(ctx context.Context, c *api.Client, _ policy.Call) (any, error) {
	return c.DNS().SplitDNS(ctx)
}

func setNameservers(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	list, err := arguments(call, "nameservers", func(s string) bool { _, err := netip.ParseAddr(s); return err == nil })
	if err != nil {
		return nil, err
	}
	return done{OK: true}, c.DNS().SetNameservers(ctx, orEmpty(list))
}

func setSearchPaths(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	list, err := arguments(call, "domains", namePattern.MatchString)
	if err != nil {
		return nil, err
	}
	return done{OK: true}, c.DNS().SetSearchPaths(ctx, orEmpty(list))
}

func setPreferences(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
	on := call.Flags["--magic-dns"]
	if on != "true" && on != "false" {
		return nil, fmt.Errorf("%q is %w for --magic-dns", on, errBadArgument)
	}
	return done{OK: true}, c.DNS().SetPreferences(ctx, api.DNSPreferences{MagicDNS: on == "true"})
}

// logs reads one of the tailnet's logs; the last hour when no times are given.
func logs(kind string) verb {
	return func(ctx context.Context, c *api.Client, call policy.Call) (any, error) {
		now := time.Now().UTC()
		start, err := moment(call.Flags["--start"], now.Add(-time.Hour))
		if err != nil {
			return nil, err
		}
		end, err := moment(call.Flags["--end"], now)
		if err != nil {
			return nil, err
		}
		query := url.Values{"start": {start.Format(time.RFC3339)}, "end": {end.Format(time.RFC3339)}}
		return request(ctx, c, http.MethodGet, query, "tailnet", c.Tailnet, "logging", kind)
	}
}

func moment(text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is %w for a time: write 2026-03-02 or 2026-03-02T15:04:05Z", text, errBadArgument)
}

// request asks for what the library has no method for, signed in as the library is. Every part of the path is escaped.
func request(ctx context.Context, c *api.Client, method string, query url.Values, path ...string) (any, error) {
	at := *c.BaseURL
	at.Path, at.RawPath = "/api/v2", ""
	at.Path = c.BaseURL.Path + at.Path
	for _, part := range path {
		at = *at.JoinPath(url.PathEscape(part))
	}
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, at.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask tailscale: %w", err)
	}
	if c.APIKey != "" {
		req.SetBasicAuth(c.APIKey, "")
	}
	c.Devices() // signs c.HTTP in on first use
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask tailscale: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end below
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read tailscale answer: %w", err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		refused := api.APIError{}
		_ = json.Unmarshal(body, &refused) // without a message the status must do
		refused.Status = resp.StatusCode
		return nil, refused
	}
	if !json.Valid(body) {
		return done{OK: true}, nil
	}
	return json.RawMessage(body), nil
}
