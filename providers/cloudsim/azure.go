package cloudsim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// azureLogin is Entra's sign-in for people and service principals, in its own form (/{tenant}/oauth2/v2.0/...) and in that
// of AD FS (/oauth2/token), which the az tool accepts at an address it does not know.
type azureLogin struct {
	server *Server
	oauth  *authorizationServer
}

// azureARM is Azure Resource Manager.
type azureARM struct {
	server *Server
	oauth  *authorizationServer
}

const vmPath = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines/{vm}"

var armRoutes = []restRoute{
	{"GET", "/tenants", "Microsoft.Resources/tenants/read", false, armTenants},
	{"GET", "/subscriptions", "Microsoft.Resources/subscriptions/read", false, armSubscriptions},
	{"GET", "/providers/Microsoft.Management/managementGroups/{group}/descendants", "Microsoft.Management/managementGroups/descendants/read", false, armDescendants},
	{"GET", "/subscriptions/{subscription}", "Microsoft.Resources/subscriptions/read", false, armSubscription},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Authorization/permissions", "Microsoft.Authorization/permissions/read", false, armPermissions},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/roleAssignments/read", false, armRoleAssignments},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}", "Microsoft.Authorization/roleDefinitions/read", false, armRoleDefinition},
	{"GET", "/subscriptions/{subscription}/resourcegroups", "Microsoft.Resources/subscriptions/resourceGroups/read", false, armGroups},
	{"GET", "/subscriptions/{subscription}/providers/Microsoft.Compute/virtualMachines", "Microsoft.Compute/virtualMachines/read", false, armVMs},
	{"GET", "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute/virtualMachines", "Microsoft.Compute/virtualMachines/read", false, armVMs},
	{"GET", vmPath, "Microsoft.Compute/virtualMachines/read", false, armGetVM},
	{"GET", vmPath + "/instanceView", "Microsoft.Compute/virtualMachines/instanceView/read", false, armInstanceView},
	{"POST", vmPath + "/start", "Microsoft.Compute/virtualMachines/start/action", true, armMove("running")},
	{"POST", vmPath + "/powerOff", "Microsoft.Compute/virtualMachines/powerOff/action", true, armMove("stopped")},
	{"POST", vmPath + "/deallocate", "Microsoft.Compute/virtualMachines/deallocate/action", true, armMove("deallocated")},
	{"POST", vmPath + "/restart", "Microsoft.Compute/virtualMachines/restart/action", true, armMove("running")},
	{"DELETE", vmPath, "Microsoft.Compute/virtualMachines/delete", true, armDelete},
}

func (a *azureLogin) plan(r *request) func() reply {
	rest := strings.ToLower(r.rest)
	switch {
	case strings.HasSuffix(rest, "/.well-known/openid-configuration"):
		r.entry.Action = "oauth.discovery"
		return func() reply { return a.discovery(r) }
	case strings.HasSuffix(rest, "/oauth2/v2.0/authorize"):
		return a.oauth.plan(r, "authorize", &a.server.world)
	case strings.HasSuffix(rest, "/oauth2/v2.0/token"), strings.HasSuffix(rest, "/oauth2/token"):
		form, err := url.ParseQuery(string(r.body))
		if err == nil && form.Get("grant_type") == "client_credentials" {
			r.entry.Action, r.entry.Principal = "oauth.token.client_credentials", form.Get("client_id")
			return func() reply { return a.servicePrincipal(r, form) }
		}
		return a.oauth.plan(r, "token", &a.server.world)
	}
	return a.oauth.plan(r, "", &a.server.world)
}

func (a *azureLogin) refusal(_ *request, status int, code, message string) reply {
	return oauthRefusal(&oauthError{status, code, message})
}

func (a *azureLogin) discovery(r *request) reply {
	root := r.base + strings.TrimSuffix(r.URL.Path, "/.well-known/openid-configuration")
	return jsonReply(map[string]any{
		"issuer": root, "authorization_endpoint": root + "/oauth2/authorize", "token_endpoint": root + "/oauth2/token", "jwks_uri": root + "/discovery/keys",
	})
}

// servicePrincipal answers the client credentials grant. The tenant in the path must be the one there is.
func (a *azureLogin) servicePrincipal(r *request, form url.Values) reply {
	tenant, _, own := strings.Cut(strings.TrimPrefix(r.rest, "/"), "/oauth2/v2.0/")
	if own && tenant != a.server.world.Azure.Tenant {
		return oauthRefusal(&oauthError{http.StatusBadRequest, "invalid_request", "AADSTS90002: Tenant '" + tenant + "' not found."})
	}
	i := slices.IndexFunc(a.server.config.AzurePrincipals, func(p AzurePrincipal) bool { return p.ClientID == form.Get("client_id") })
	if i < 0 {
		return oauthRefusal(&oauthError{http.StatusUnauthorized, "unauthorized_client", "AADSTS700016: Application with identifier '" + form.Get("client_id") + "' was not found in the directory."})
	}
	if refused := a.proves(r, a.server.config.AzurePrincipals[i], form); refused != nil {
		return oauthRefusal(refused)
	}
	if scope := form.Get("scope"); !strings.HasSuffix(scope, "/.default") {
		return oauthRefusal(&oauthError{http.StatusBadRequest, "invalid_scope", "AADSTS1002012: The provided value for scope " + scope + " is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier."})
	}
	scope := form.Get("scope")
	token := a.server.azureToken(form.Get("client_id"), strings.TrimSuffix(scope, "/.default"), a.oauth.life)
	a.oauth.admit(token, form.Get("client_id"), []string{scope}, a.oauth.life)
	return jsonReply(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(a.oauth.life.Seconds()) - 1, "ext_expires_in": 3599})
}

func (a *azureARM) plan(r *request) func() reply {
	route, params, found := findARM(r)
	r.entry.Action = route.action
	if !found {
		r.entry.Action = "unknown"
		return armError(http.StatusNotFound, "InvalidResourceType", "The resource type could not be found.").reply
	}
	r.entry.Account = params["subscription"]
	if name := params["vm"]; name != "" {
		r.entry.Resources = []string{name}
	}
	call := &restCall{request: r, server: a.server, route: route, params: params}
	if token := a.oauth.live(bearer(r.Request)); token != nil {
		r.entry.Principal = token.grant.subject
	}
	return func() reply { return a.carryOut(call) }
}

// findARM matches without regard to case, as Azure reads its paths; names are compared so later, too.
func findARM(r *request) (restRoute, map[string]string, bool) {
	for _, route := range armRoutes {
		_, lower := matchPath(strings.ToLower(route.pattern), strings.ToLower(r.rest))
		if !lower || route.method != r.Method {
			continue
		}
		params := map[string]string{}
		names, values := strings.Split(route.pattern, "/"), strings.Split(r.rest, "/")
		for i, name := range names {
			if inner, ok := strings.CutPrefix(name, "{"); ok {
				value, _ := url.PathUnescape(values[i]) // matchPath has read it before
				params[strings.TrimSuffix(inner, "}")] = value
			}
		}
		return route, params, true
	}
	return restRoute{}, nil, false
}

func (a *azureARM) carryOut(c *restCall) reply {
	text := bearer(c.Request)
	token := a.oauth.live(text)
	switch known := a.oauth.access[text]; {
	case token == nil && known != nil && !time.Now().Before(known.expires):
		return armError(http.StatusUnauthorized, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.").reply()
	case token == nil:
		return armError(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid.").reply()
	case c.URL.Query().Get("api-version") == "":
		return armError(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.").reply()
	}
	if !a.meant(c, token.scopes) {
		return armError(http.StatusUnauthorized, "InvalidAuthenticationTokenAudience", "The access token has been obtained for wrong audience or resource.").reply()
	}
	c.owner = token.grant.subject
	if id := c.params["subscription"]; id != "" && a.server.world.Azure.subscription(id) == nil {
		return armError(http.StatusNotFound, "SubscriptionNotFound", "The subscription '"+id+"' could not be found.").reply()
	}
	if !a.may(c) {
		return armError(http.StatusForbidden, "AuthorizationFailed", "The client '"+c.owner+"' with object id '"+uuidOf(c.owner)+
			"' does not have authorization to perform action '"+c.route.action+"' over scope '"+c.URL.Path+"' or the scope is invalid. If access was recently granted, please refresh your credentials.").reply()
	}
	return c.answer()
}

// meant tells whether a token was asked for Resource Manager; people's tokens name its scopes in another way.
func (a *azureARM) meant(c *restCall, scopes []string) bool {
	return slices.ContainsFunc(scopes, func(scope string) bool {
		resource, app := strings.CutSuffix(scope, "/.default")
		resource = strings.TrimSuffix(resource, "/")
		return !app || resource == c.base+"/azure/arm" || resource == "https://management.azure.com" || resource == "https://management.core.windows.net"
	})
}

func (a *azureARM) refusal(_ *request, status int, code, message string) reply {
	answer := armError(status, code, message).reply()
	if status == http.StatusTooManyRequests {
		answer.header["Retry-After"] = "1"
	}
	return answer
}

func armError(status int, code, message string) *restError {
	return &restError{status, code, map[string]any{"error": map[string]string{"code": code, "message": message}}}
}
