package cloudsim

import (
	"net/http"
	"strings"
)

// projectRoutes are the methods of Resource Manager that are simulated, below /cloudresourcemanager.
var projectRoutes = []gcpRoute{
	{method: "GET", pattern: "/v1/projects", action: "resourcemanager.projects.list", permission: "-", run: listProjects},
	{method: "GET", pattern: "/v1/projects/{project}", action: "resourcemanager.projects.get", run: getProject},
	{method: "POST", pattern: "/v1/projects/{project}:testIamPermissions", action: "resourcemanager.projects.testIamPermissions", permission: "-", run: testPermissions},
	{method: "GET", pattern: "/v3/projects", action: "resourcemanager.projects.list", permission: "-", run: listFolderProjects},
	{method: "GET", pattern: "/v3/folders", action: "resourcemanager.folders.list", permission: "-", run: listFolders},
	{method: "GET", pattern: "/v3/projects:search", action: "resourcemanager.projects.list", permission: "-", run: searchProjects},
	{method: "GET", pattern: "/v3/projects/{project}", action: "resourcemanager.projects.get", run: getProjectV3},
	{method: "POST", pattern: "/v3/projects/{project}:testIamPermissions", action: "resourcemanager.projects.testIamPermissions", permission: "-", run: testPermissions},
}

func projectV1(p Project) map[string]any {
	return map[string]any{
		"projectNumber": p.Number, "projectId": p.ID, "lifecycleState": p.State, "name": p.Name, "labels": p.Labels, "createTime": worldBegan.Format("2006-01-02T15:04:05.000Z"),
	}
}

func projectV3(p Project) map[string]any {
	return map[string]any{
		"name": "projects/" + p.Number, "projectId": p.ID, "state": p.State, "displayName": p.Name, "labels": p.Labels, "createTime": worldBegan.Format("2006-01-02T15:04:05.000Z"),
	}
}

// visible gives the projects the caller has any right to see.
func (c *gcpCall) visible() []Project {
	var out []Project
	for _, p := range c.cloud.server.world.GCP.Projects {
		if p.may(c.token.grant.subject, "resourcemanager.projects.get") {
			out = append(out, p)
		}
	}
	return out
}

func listProjects(c *gcpCall) (any, *gcpError) {
	return c.projectList(projectV1)
}

func searchProjects(c *gcpCall) (any, *gcpError) {
	return c.projectList(projectV3)
}

func (c *gcpCall) projectList(document func(Project) map[string]any) (any, *gcpError) {
	var all []map[string]any
	for _, p := range c.visible() {
		all = append(all, document(p))
	}
	return c.listed("projects", all)
}

// listed is one page of a list of Resource Manager's.
func (c *gcpCall) listed(member string, all []map[string]any) (any, *gcpError) {
	if size := c.query.Get("pageSize"); size != "" {
		c.query.Set("maxResults", size)
	}
	if query := c.query.Get("query"); query != "" {
		c.query.Set("filter", query)
	}
	part, next, refused := c.page(all)
	if refused != nil {
		return nil, refused
	}
	out := map[string]any{}
	if len(part) > 0 {
		out[member] = part
	}
	if next != "" {
		out["nextPageToken"] = next
	}
	return out, nil
}

func getProject(c *gcpCall) (any, *gcpError) { return projectV1(*c.project), nil }

func getProjectV3(c *gcpCall) (any, *gcpError) { return projectV3(*c.project), nil }

// testPermissions gives back those of the asked permissions the caller has.
func testPermissions(c *gcpCall) (any, *gcpError) {
	p := c.cloud.server.world.GCP.project(c.params["project"])
	if p == nil || p.Bindings[c.token.grant.subject] == "" {
		return nil, &gcpError{code: http.StatusForbidden, status: "PERMISSION_DENIED", reason: "forbidden", message: "The caller does not have permission"}
	}
	var in struct{ Permissions []string }
	if refused := c.readBody(&in); refused != nil {
		return nil, refused
	}
	var have []string
	for _, permission := range in.Permissions {
		if strings.Contains(permission, "*") {
			return nil, &gcpError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", reason: "badRequest", message: "Permission " + permission + " is not valid for this resource."}
		}
		if p.may(c.token.grant.subject, permission) {
			have = append(have, permission)
		}
	}
	return map[string]any{"permissions": have}, nil
}
