package cloudsim

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// AzureGrant is a role of a principal on a resource group or a resource. Scope is its id, /subscriptions/... .
type AzureGrant struct {
	Scope string `json:"scope"`
	Role  string `json:"role"`
}

type azureRole struct {
	id                              string
	actions, notActions, dataAction []string
}

// azureRoles are the built-in roles there are here, with Azure's own ids.
var azureRoles = map[string]azureRole{
	"Reader": {id: "acdd72a7-3385-48ef-bd42-f606fba81ae7", actions: []string{"*/read"}},
	"Contributor": {id: "b24988ac-6180-42a0-ab88-20f7382dd24c", actions: []string{"*"},
		notActions: []string{"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write", "Microsoft.Authorization/elevateAccess/Action"}},
	"Key Vault Administrator": {id: "00482a5a-887f-4fb3-b363-3b7fe8e74483", actions: []string{"Microsoft.KeyVault/checkNameAvailability/read"},
		dataAction: []string{"Microsoft.KeyVault/vaults/*"}},
}

func (r azureRole) permissions() map[string]any {
	none := []string{}
	return map[string]any{"actions": append(none, r.actions...), "notActions": append(none, r.notActions...), "dataActions": append(none, r.dataAction...), "notDataActions": none}
}

// azureToken is an access token of a service principal: a JWT that says which object of the directory it is, as Entra's are.
func (s *Server) azureToken(clientID, audience string, life time.Duration) string {
	now := time.Now()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"aud": audience, "tid": s.world.Azure.Tenant, "appid": clientID, "oid": uuidOf(clientID), "idtyp": "app", "ver": "1.0",
		"iat": now.Unix(), "exp": now.Add(life).Unix(), "uti": randomSecret(16),
	}).SignedString([]byte(randomSecret(32)))
	if err != nil { // unreachable: nothing here can fail to be signed
		panic(err)
	}
	return text
}

// azureGrants are all roles of a principal in or below a subscription; people and principals have theirs on all of it.
func (s *Server) azureGrants(subject, subscription string) []AzureGrant {
	top := "/subscriptions/" + subscription
	for _, p := range s.config.AzurePrincipals {
		if p.ClientID != subject {
			continue
		}
		below := slices.DeleteFunc(slices.Clone(p.Grants), func(g AzureGrant) bool { return !within(g.Scope, top) })
		return append([]AzureGrant{{top, p.Role}}, below...)
	}
	if slices.Contains(s.world.Azure.Users, subject) {
		return []AzureGrant{{top, "Contributor"}}
	}
	return nil
}

// within tells whether a resource is the scope or below it.
func within(id, scope string) bool {
	return strings.HasPrefix(strings.ToLower(id)+"/", strings.ToLower(scope)+"/")
}

// contributes tells whether the caller may change a resource: people and Contributors may, Readers may not.
func (a *azureARM) contributes(subject, subscription, resource string) bool {
	return slices.ContainsFunc(a.server.azureGrants(subject, subscription), func(g AzureGrant) bool {
		return g.Role == "Contributor" && within(resource, g.Scope)
	})
}

// may tells whether the caller has a role for the call. What somebody may do anybody may ask of himself.
func (a *azureARM) may(c *restCall) bool {
	subscription := c.params["subscription"]
	switch {
	case c.route.writes:
		return a.contributes(c.owner, subscription, c.rest)
	case subscription == "" || strings.HasPrefix(c.route.action, "Microsoft.Authorization/"):
		return true
	}
	return slices.ContainsFunc(a.server.azureGrants(c.owner, subscription), func(g AzureGrant) bool {
		return (g.Role == "Contributor" || g.Role == "Reader") && within(c.rest, g.Scope)
	})
}

const (
	mostPermissions = 1 // a page: few, so that whoever reads the first page alone is found out
	mostAssignments = 2
)

// armPermissions is what the caller may do on the subscription itself: what it has further down is not told here.
func armPermissions(c *restCall) (any, *restError) {
	top := "/subscriptions/" + c.params["subscription"]
	var list []any
	for _, g := range c.server.azureGrants(c.owner, c.params["subscription"]) {
		if within(top, g.Scope) {
			list = append(list, azureRoles[g.Role].permissions())
		}
	}
	return armPage(c, list, mostPermissions)
}

var assignedTo = regexp.MustCompile(`^assignedTo\('([0-9a-fA-F-]{36})'\)$`)

// armRoleAssignments lists who has which role on the subscription and below it.
func armRoleAssignments(c *restCall) (any, *restError) {
	filter := c.URL.Query().Get("$filter")
	found := assignedTo.FindStringSubmatch(filter)
	if filter != "" && found == nil {
		return nil, armError(http.StatusBadRequest, "InvalidFilterInQueryString", "The filter '"+filter+"' is not supported. Supported filters are either 'assignedTo('{value}')' or none.")
	}
	subjects := slices.Clone(c.server.world.Azure.Users)
	for _, p := range c.server.config.AzurePrincipals {
		subjects = append(subjects, p.ClientID)
	}
	var list []any
	for _, subject := range subjects {
		if found != nil && !strings.EqualFold(found[1], uuidOf(subject)) {
			continue
		}
		for _, g := range c.server.azureGrants(subject, c.params["subscription"]) {
			list = append(list, c.assignment(subject, g))
		}
	}
	return armPage(c, list, mostAssignments)
}

func (c *restCall) assignment(subject string, g AzureGrant) map[string]any {
	id := uuidOf("assignment " + subject + g.Scope + g.Role)
	return map[string]any{
		"id": g.Scope + "/providers/Microsoft.Authorization/roleAssignments/" + id, "name": id, "type": "Microsoft.Authorization/roleAssignments",
		"properties": map[string]any{
			"roleDefinitionId": "/subscriptions/" + c.params["subscription"] + "/providers/Microsoft.Authorization/roleDefinitions/" + azureRoles[g.Role].id,
			"principalId":      uuidOf(subject), "principalType": "ServicePrincipal", "scope": g.Scope, "condition": nil,
		},
	}
}

func armRoleDefinition(c *restCall) (any, *restError) {
	for _, name := range slices.Sorted(maps.Keys(azureRoles)) {
		role := azureRoles[name]
		if strings.EqualFold(role.id, c.params["role"]) {
			return map[string]any{
				"id": c.rest, "name": role.id, "type": "Microsoft.Authorization/roleDefinitions",
				"properties": map[string]any{"roleName": name, "type": "BuiltInRole", "assignableScopes": []string{"/"}, "permissions": []any{role.permissions()}},
			}, nil
		}
	}
	return nil, armError(http.StatusNotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '"+c.params["role"]+"' does not exist.")
}

// armPage cuts a list into pages of this size, each with a link to the next that repeats what was asked.
func armPage(c *restCall, all []any, size int) (any, *restError) {
	query, from := c.URL.Query(), 0
	if token := query.Get("$skiptoken"); token != "" {
		var err error
		if from, err = strconv.Atoi(token); err != nil || from < 1 || from >= len(all) {
			return nil, armError(http.StatusBadRequest, "BadRequest", "The $skiptoken parameter is not valid.")
		}
	}
	to := min(from+size, len(all))
	page := map[string]any{"value": append([]any{}, all[from:to]...)}
	if to < len(all) {
		next := url.Values{"api-version": {query.Get("api-version")}, "$skiptoken": {strconv.Itoa(to)}}
		if filter := query.Get("$filter"); filter != "" {
			next.Set("$filter", filter)
		}
		page["nextLink"] = c.base + "/azure/arm" + c.rest + "?" + next.Encode()
	}
	return page, nil
}
