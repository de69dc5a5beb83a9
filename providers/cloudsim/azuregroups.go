package cloudsim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// ManagementGroup is a node of the tree above subscriptions.
type ManagementGroup struct {
	ID            string   `json:"id"`
	Parent        string   `json:"parent,omitempty"`
	Subscriptions []string `json:"subscriptions,omitempty"` // those directly below it
}

// AzureGroup is the management group of what [Server.OrganiseAzure] makes; half of its subscriptions are in a group below.
const AzureGroup = "acme-landing-zones"

// AzureMember is the id of the n-th subscription, from 1, of what [Server.OrganiseAzure] makes.
func AzureMember(n int) string { return uuidOf(fmt.Sprintf("azure member %d", n)) }

// OrganiseAzure makes n subscriptions below a management group, and one beside it.
func (s *Server) OrganiseAzure(n int) {
	s.Change(func(w *World) {
		top, deep := ManagementGroup{ID: AzureGroup}, ManagementGroup{ID: AzureGroup + "-deep", Parent: AzureGroup}
		for i := range n + 1 {
			sub := Subscription{ID: AzureMember(i + 1), Name: fmt.Sprintf("acme-team-%d", i+1), State: "Enabled"}
			w.Azure.Subscriptions = append(w.Azure.Subscriptions, sub)
			switch {
			case i == n: // outside
			case i%2 == 0:
				top.Subscriptions = append(top.Subscriptions, sub.ID)
			default:
				deep.Subscriptions = append(deep.Subscriptions, sub.ID)
			}
		}
		w.Azure.Groups = append(w.Azure.Groups, top, deep)
	})
}

const mostDescendants = 100 // a page, unless $top says fewer

func armDescendants(c *restCall) (any, *restError) {
	groups := c.server.world.Azure.Groups
	if !slices.ContainsFunc(groups, func(g ManagementGroup) bool { return strings.EqualFold(g.ID, c.params["group"]) }) {
		return nil, armError(http.StatusForbidden, "AuthorizationFailed", "The client '"+c.owner+"' does not have authorization to perform action '"+c.route.action+"' over scope '"+c.rest+"' or the scope is invalid.")
	}
	all := descendantsOf(groups, c.params["group"])
	size := mostDescendants
	if top := c.URL.Query().Get("$top"); top != "" {
		var err error
		if size, err = strconv.Atoi(top); err != nil || size < 1 {
			return nil, armError(http.StatusBadRequest, "BadRequest", "The $top parameter is not valid.")
		}
		size = min(size, mostDescendants)
	}
	return armPage(c, all, size)
}

func descendantsOf(groups []ManagementGroup, id string) (all []any) {
	for _, g := range groups {
		if strings.EqualFold(g.ID, id) {
			for _, sub := range g.Subscriptions {
				all = append(all, map[string]any{"id": "/subscriptions/" + sub, "type": "Microsoft.Management/managementGroups/subscriptions", "name": sub})
			}
		}
		if strings.EqualFold(g.Parent, id) {
			all = append(all, map[string]any{"id": "/providers/Microsoft.Management/managementGroups/" + g.ID, "type": "Microsoft.Management/managementGroups", "name": g.ID})
			all = append(all, descendantsOf(groups, g.ID)...)
		}
	}
	return all
}
