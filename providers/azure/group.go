package azure

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// groupName is what Azure takes for the id of a management group.
var groupName = regexp.MustCompile(`^[A-Za-z0-9_().-]{1,90}$`)

// mostDescendants is how many management groups and subscriptions below one are looked at.
const mostDescendants = 10_000

// below keeps the subscriptions that stand below a management group, however deep; an empty group keeps all.
func (c *Connector) below(ctx context.Context, t token, group string, visible []subscription) ([]subscription, error) {
	if group == "" {
		return visible, nil
	}
	if !groupName.MatchString(group) || strings.HasSuffix(group, ".") {
		return nil, refuse("%q is not the id of a management group.", group)
	}
	inside, err := c.descendants(ctx, t, group)
	if err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(slices.Clone(visible), func(s subscription) bool { return !inside[s.ID] })
	if len(kept) == 0 {
		return nil, refuse("The service principal sees no subscription below the management group %s: give it its role on that group, wait a minute and try again.", group)
	}
	return kept, nil
}

// descendants are the ids of the subscriptions below a management group.
func (c *Connector) descendants(ctx context.Context, t token, group string) (map[string]bool, error) {
	inside, seen := map[string]bool{}, 0
	next := c.config.ARM + "/providers/Microsoft.Management/managementGroups/" + url.PathEscape(group) + "/descendants?api-version=2020-05-01"
	for {
		var page struct {
			Value []struct {
				Name string `json:"name"`
				Type string `json:"type"`
			} `json:"value"`
			NextLink string `json:"nextLink"`
		}
		if err := c.get(ctx, t, next, &page); err != nil {
			return nil, err
		}
		for _, d := range page.Value {
			if strings.HasSuffix(strings.ToLower(d.Type), "/subscriptions") {
				inside[strings.ToLower(d.Name)] = true
			}
		}
		if seen += len(page.Value); seen > mostDescendants {
			return nil, refuse("There are more than %d things below the management group %s: take one further down.", mostDescendants, group)
		}
		if page.NextLink == "" || page.NextLink == next {
			return inside, nil
		}
		next = page.NextLink
	}
}
