package cloudsim

import (
	"encoding/json"
	"net/http"
)

// restRoute is one method of a plain JSON API, as Scaleway, OVH and Azure have them.
type restRoute struct {
	method, pattern, action string
	writes                  bool
	run                     func(*restCall) (any, *restError)
}

// restCall is one request to a plain JSON API.
type restCall struct {
	*request
	server *Server
	route  restRoute
	params map[string]string
	owner  string // whose resources it reaches: organisation, region or subscription's tenant
}

// restError is a refusal: the status, the code for the journal and the body as the cloud writes it.
type restError struct {
	status int
	code   string
	body   map[string]any
}

// findRoute matches a request with the routes of an API.
func findRoute(routes []restRoute, r *request) (restRoute, map[string]string, bool) {
	for _, route := range routes {
		if params, ok := matchPath(route.pattern, r.rest); ok && route.method == r.Method {
			return route, params, true
		}
	}
	return restRoute{}, nil, false
}

// answer runs the route and writes what came of it.
func (c *restCall) answer() reply {
	output, refused := c.route.run(c)
	if refused != nil {
		return refused.reply()
	}
	answer := jsonReply(output)
	if output == nil {
		answer.status, answer.body = http.StatusNoContent, nil
	}
	return answer
}

func (e *restError) reply() reply {
	answer := jsonReply(e.body)
	answer.status, answer.code = e.status, e.code
	return answer
}

func (c *restCall) readBody(into any) bool { return json.Unmarshal(c.body, into) == nil }
