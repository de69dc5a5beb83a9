package azure

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/errgroup"

	"aurora/providers"
)

// permission is one role's actions at a scope.
type permission struct {
	Actions     []string `json:"actions"`
	DataActions []string `json:"dataActions"`
}

// assignment is a role that somebody has on a subscription or on something above or below it.
type assignment struct {
	Properties struct {
		Scope string `json:"scope"`
		Role  string `json:"roleDefinitionId"`
	} `json:"properties"`
}

// harmless are actions of the built-in readers' roles that do not end in /read and change nothing in the subscription.
var harmless = []string{"microsoft.support/*", "microsoft.operationalinsights/workspaces/search/action", "microsoft.operationalinsights/workspaces/analytics/query/action"}

// changes gives an action by which the principal could change something in one of the subscriptions; empty when there is
// none. What it may do cannot be seen by everybody: then it is refused.
func (c *Connector) changes(ctx context.Context, t token, ids []string) (string, error) {
	object, err := t.object()
	if err != nil {
		return "", err
	}
	found := make([]string, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i, id := range ids {
		group.Go(func() (err error) {
			found[i], err = c.changesIn(ctx, t, id, object)
			return err
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

// changesIn looks at one subscription. Resource Manager tells at once what may be done to the subscription itself, by
// whatever role; a role on a resource group or a single resource shows among the assignments alone.
func (c *Connector) changesIn(ctx context.Context, t token, id, object string) (string, error) {
	at := c.config.ARM + "/subscriptions/" + url.PathEscape(id) + "/providers/Microsoft.Authorization/"
	whole, err := pages[permission](ctx, c, t, at+"permissions?api-version=2015-07-01")
	if err != nil {
		return "", err
	}
	if action := change(whole); action != "" {
		return action, nil
	}
	query := url.Values{"api-version": {"2022-04-01"}, "$filter": {"assignedTo('" + object + "')"}}
	given, err := pages[assignment](ctx, c, t, at+"roleAssignments?"+query.Encode())
	if err != nil {
		return "", err
	}
	if len(given) == 0 { // it sees the subscription by something that is not listed
		return "", refuse("Azure lists no role of the service principal on the subscription %s, so Aurora cannot see what it may do: give it the Reader role there, wait a minute and try again.", id)
	}
	return c.changesBelow(ctx, t, at, id, given)
}

// changesBelow judges the roles that stand below the subscription.
func (c *Connector) changesBelow(ctx context.Context, t token, at, id string, given []assignment) (string, error) {
	var judged []string
	for _, a := range given {
		role := strings.ToLower(a.Properties.Role[strings.LastIndex(a.Properties.Role, "/")+1:])
		if !strings.HasPrefix(strings.ToLower(a.Properties.Scope), "/subscriptions/"+id+"/") || slices.Contains(judged, role) {
			continue
		}
		judged = append(judged, role)
		var definition struct {
			Properties struct {
				Permissions []permission `json:"permissions"`
			} `json:"properties"`
		}
		if err := c.get(ctx, t, at+"roleDefinitions/"+url.PathEscape(role)+"?api-version=2022-04-01", &definition); err != nil {
			return "", err
		}
		if len(definition.Properties.Permissions) == 0 {
			return "", refuse("Azure does not say what the role %s lets the service principal do, so Aurora cannot see whether it only reads: leave it the Reader role alone.", providers.Clean(role))
		}
		if action := change(definition.Properties.Permissions); action != "" {
			return action + " on " + providers.Clean(strings.TrimPrefix(a.Properties.Scope, "/subscriptions/"+id)), nil
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

// object is the id by which the tenant knows the principal. The token is Entra's, over TLS, in answer to our own request;
// a wrong id in it would find no role.
func (t token) object() (string, error) {
	var claims struct {
		Object string `json:"oid"`
		jwt.RegisteredClaims
	}
	if _, _, err := jwt.NewParser().ParseUnverified(t.value, &claims); err != nil || !guid.MatchString(claims.Object) {
		return "", refuse("Entra's token does not say which service principal it is of, so Aurora cannot see what that one may change, and nothing was connected.")
	}
	return claims.Object, nil
}
