package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

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
	var all []subscription
	next := c.config.ARM + "/subscriptions?api-version=2020-01-01"
	for range mostPages {
		var page struct {
			Value    []subscription `json:"value"`
			NextLink string         `json:"nextLink"`
		}
		if err := c.get(ctx, t, next, &page); err != nil {
			return nil, err
		}
		for _, s := range page.Value {
			if id := strings.ToLower(s.ID); guid.MatchString(id) && s.State != "Disabled" && s.State != "Deleted" {
				all = append(all, subscription{id, providers.Clean(s.Name), s.State})
			}
		}
		if page.NextLink == "" || len(all) > mostSubscriptions {
			break
		}
		next = page.NextLink
	}
	if len(all) > mostSubscriptions {
		return nil, refuse("The service principal sees more than %d subscriptions: give it a role on those that Aurora is for.", mostSubscriptions)
	}
	slices.SortFunc(all, func(a, b subscription) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	return all, nil
}

// permission is one role's actions at a scope.
type permission struct {
	Actions     []string `json:"actions"`
	DataActions []string `json:"dataActions"`
}

// harmless are actions of the built-in readers' roles that do not end in /read and change nothing in the subscription.
var harmless = []string{"microsoft.support/*", "microsoft.operationalinsights/workspaces/search/action", "microsoft.operationalinsights/workspaces/analytics/query/action"}

// changes gives an action by which the principal could change something in one of the subscriptions; empty when there is
// none.
func (c *Connector) changes(ctx context.Context, t token, ids []string) (string, error) {
	found := make([]string, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, id := range ids {
		group.Go(func() error {
			var page struct{ Value []permission }
			at := c.config.ARM + "/subscriptions/" + url.PathEscape(id) + "/providers/Microsoft.Authorization/permissions?api-version=2015-07-01"
			if err := c.get(ctx, t, at, &page); err != nil {
				return err
			}
			found[i] = change(page.Value)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	for _, action := range found {
		if action != "" {
			return action, nil
		}
	}
	return "", nil
}

func change(permissions []permission) string {
	for _, p := range permissions {
		for _, action := range slices.Concat(p.Actions, p.DataActions) {
			if lower := strings.ToLower(action); !strings.HasSuffix(lower, "/read") && !slices.Contains(harmless, lower) {
				return providers.Clean(action)
			}
		}
	}
	return ""
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
