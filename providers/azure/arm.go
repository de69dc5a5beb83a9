package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"aurora/providers"
)

const (
	mostPages         = 50
	mostSubscriptions = 1000
)

// subscription is one that a principal can see.
type subscription struct {
	ID    string `json:"subscriptionId"`
	Name  string `json:"displayName"`
	State string `json:"state"`
}

// subscriptions lists those that can be worked in.
func (c *Connector) subscriptions(ctx context.Context, t token) ([]subscription, error) {
	seen, err := pages[subscription](ctx, c, t, c.config.ARM+"/subscriptions?api-version=2020-01-01")
	if err != nil {
		return nil, err
	}
	var all []subscription
	for _, s := range seen {
		if id := strings.ToLower(s.ID); guid.MatchString(id) && s.State != "Disabled" && s.State != "Deleted" {
			all = append(all, subscription{id, providers.Clean(s.Name), s.State})
		}
	}
	if len(all) > mostSubscriptions {
		return nil, refuse("The service principal sees more than %d subscriptions: give it a role on those that Aurora is for.", mostSubscriptions)
	}
	slices.SortFunc(all, func(a, b subscription) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	return all, nil
}

// pages reads a list of Resource Manager's to its end.
func pages[T any](ctx context.Context, c *Connector, t token, address string) ([]T, error) {
	var all []T
	for range mostPages {
		var page struct {
			Value    []T    `json:"value"`
			NextLink string `json:"nextLink"`
		}
		if err := c.get(ctx, t, address, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Value...)
		if page.NextLink == "" {
			return all, nil
		}
		address = page.NextLink
	}
	return nil, refuse("Azure lists more for the service principal than Aurora reads (%d pages): give it a role on those subscriptions alone that Aurora is for.", mostPages)
}

// get asks Resource Manager. The address must be its own: a page's link to the next is the other side's words.
func (c *Connector) get(ctx context.Context, t token, address string, into any) error {
	if !strings.HasPrefix(address, c.config.ARM+"/") {
		return unreachable(errors.New("resource manager answers with the address of a stranger"))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return fmt.Errorf("ask resource manager: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+t.value)
	resp, err := c.http.Do(req)
	if err != nil {
		return unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }() // read below
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostBytes))
	switch {
	case err != nil || resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return unreachable(fmt.Errorf("resource manager answers with status %d", resp.StatusCode))
	case resp.StatusCode != http.StatusOK:
		return refuse("Azure Resource Manager refuses the service principal (%s): give it the Reader role on the subscriptions that Aurora is for, wait a minute and try again.", errorCode(body, resp.StatusCode))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return unreachable(errors.New("resource manager's answer cannot be read"))
	}
	return nil
}

func errorCode(body []byte, status int) string {
	var answer struct{ Error struct{ Code string } }
	if json.Unmarshal(body, &answer) != nil || answer.Error.Code == "" {
		return fmt.Sprintf("HTTP %d", status)
	}
	return providers.Clean(answer.Error.Code)
}
