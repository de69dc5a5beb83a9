package cloudsim

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// scalewayMoves are the actions on a server: the states they start from, pass through and end in.
var scalewayMoves = map[string]change{
	"poweron":       {from: []string{"stopped", "stopped in place"}, through: "starting", end: "running"},
	"poweroff":      {from: []string{"running"}, through: "stopping", end: "stopped"},
	"stop_in_place": {from: []string{"running"}, through: "stopping", end: "stopped in place"},
	"reboot":        {from: []string{"running"}, through: "running", end: "running"},
	"terminate":     {from: []string{"running", "stopped", "stopped in place"}, through: "stopping", end: "gone"},
}

func (w *World) scalewayServer(zone, id string) *ScalewayServer {
	i := slices.IndexFunc(w.Scaleway.Servers, func(s ScalewayServer) bool { return s.Zone == zone && s.ID == id })
	if i < 0 {
		return nil
	}
	return &w.Scaleway.Servers[i]
}

func (w *World) serverDocument(s ScalewayServer) map[string]any {
	var address any
	addresses := []any{}
	if s.IP != "" {
		one := map[string]any{"id": uuidOf("ip " + s.ID), "address": s.IP, "dynamic": false, "family": "inet", "state": "attached", "tags": []string{}}
		address, addresses = one, append(addresses, one)
	}
	actions := []string{}
	for name, move := range scalewayMoves {
		if slices.Contains(move.from, s.State) {
			actions = append(actions, name)
		}
	}
	slices.Sort(actions)
	return map[string]any{
		"id": s.ID, "name": s.Name, "hostname": s.Name, "organization": w.Scaleway.Organization, "project": s.Project, "zone": s.Zone, "commercial_type": s.Type,
		"state": s.State, "state_detail": "", "tags": listOrEmpty(s.Tags), "arch": "x86_64", "boot_type": "local", "public_ip": address, "public_ips": addresses,
		"private_ip": nil, "allowed_actions": actions, "volumes": map[string]any{}, "image": nil, "dynamic_ip_required": false, "protected": false,
		"creation_date": worldBegan.Format(time.RFC3339), "modification_date": worldBegan.Format(time.RFC3339), "maintenances": []any{}, "private_nics": []any{},
		"security_group": map[string]string{"id": uuidOf("sg " + s.Project), "name": "Default security group"},
	}
}

func scalewayServers(c *restCall) (any, *restError) {
	query := c.URL.Query()
	list := []any{}
	for _, s := range c.server.world.Scaleway.Servers {
		fits := s.Zone == c.params["zone"] && strings.Contains(s.Name, query.Get("name"))
		if project := query.Get("project"); fits && (project == "" || project == s.Project) {
			list = append(list, c.server.world.serverDocument(s))
		}
	}
	return map[string]any{"servers": list}, nil
}

func scalewayServer(c *restCall) (any, *restError) {
	s := c.server.world.scalewayServer(c.params["zone"], c.params["server"])
	if s == nil {
		return nil, scalewayNotFound("instance_server", c.params["server"])
	}
	return map[string]any{"server": c.server.world.serverDocument(*s)}, nil
}

func scalewayVerb(c *restCall) string {
	var in struct{ Action string }
	if !c.readBody(&in) || scalewayMoves[in.Action].end == "" {
		return "unknown"
	}
	return in.Action
}

func scalewayAction(c *restCall) (any, *restError) {
	s := c.server.world.scalewayServer(c.params["zone"], c.params["server"])
	if s == nil {
		return nil, scalewayNotFound("instance_server", c.params["server"])
	}
	verb := scalewayVerb(c)
	move, known := scalewayMoves[verb]
	if !known {
		return nil, scalewayInvalid("action: unknown server action")
	}
	if !slices.Contains(move.from, s.State) {
		return nil, scalewayInvalid("server should be " + strings.Join(move.from, " or ") + " to be able to " + verb)
	}
	s.State, s.Becomes, s.Settles = move.through, move.end, time.Now().Add(c.server.config.Settle)
	return map[string]any{"task": map[string]any{
		"id": uuidOf(c.server.world.next("task")), "description": "server_" + verb, "status": "pending", "progress": 0, "zone": s.Zone,
		"href_from": "/servers/" + s.ID + "/action", "href_result": "/servers/" + s.ID, "started_at": time.Now().UTC().Format(time.RFC3339),
	}}, nil
}

func scalewayDelete(c *restCall) (any, *restError) {
	s := c.server.world.scalewayServer(c.params["zone"], c.params["server"])
	if s == nil {
		return nil, scalewayNotFound("instance_server", c.params["server"])
	}
	if s.State != "stopped" {
		return nil, scalewayInvalid("server should be stopped")
	}
	s.State = "gone"
	return nil, nil
}

func scalewayInvalid(message string) *restError {
	return &restError{http.StatusBadRequest, "invalid_request_error", map[string]any{"type": "invalid_request_error", "message": message}}
}
