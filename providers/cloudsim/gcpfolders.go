package cloudsim

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Folder is a node of the tree above projects.
type Folder struct {
	ID      string   `json:"id"`
	Parent  string   `json:"parent,omitempty"`
	Name    string   `json:"name"`
	Viewers []string `json:"viewers,omitempty"` // who may list what is in it and below
}

// What [Server.OrganiseGCP] makes.
const (
	GCPFolder   = "700000000001"                                     // with half of the projects; the others are in a folder in it
	GCPBase     = "aurora-base@acme-prod.iam.gserviceaccount.com"    // may ask for tokens of the other two, and nothing else
	GCPReader   = "aurora-read@acme-prod.iam.gserviceaccount.com"    // views the folder
	GCPOperator = "aurora-operate@acme-prod.iam.gserviceaccount.com" // edits what is in it
)

// GCPMember is the id of the n-th project, from 1, of what [Server.OrganiseGCP] makes.
func GCPMember(n int) string { return fmt.Sprintf("acme-team-%d", n) }

// OrganiseGCP makes n projects below a folder, and one beside it, with the accounts that Aurora works as.
func (s *Server) OrganiseGCP(n int) {
	s.Change(func(w *World) {
		w.GCP.Folders = append(w.GCP.Folders,
			Folder{ID: GCPFolder, Name: "teams", Viewers: []string{GCPReader}}, Folder{ID: "700000000002", Parent: GCPFolder, Name: "further teams"})
		w.GCP.Impersonators = map[string][]string{GCPReader: {GCPBase}, GCPOperator: {GCPBase}}
		for i := range n + 1 {
			p := Project{ID: GCPMember(i + 1), Name: fmt.Sprintf("Team %d", i+1), Number: fmt.Sprint(800000000001 + i), State: "ACTIVE", Folder: GCPFolder,
				Bindings: map[string]string{GCPReader: "roles/viewer", GCPOperator: "roles/editor"},
				VMs:      []VM{defaultVM(fmt.Sprintf("team-%d-web", i+1), "us-central1-a", "RUNNING", "10.128.9.11")}}
			if i%2 == 1 {
				p.Folder = "700000000002"
			}
			if i == n { // outside, though both accounts may work in it
				p.Folder = ""
			}
			w.GCP.Projects = append(w.GCP.Projects, p)
		}
	})
}

// sees tells whether somebody may list what is in a folder: he was let into it or one above.
func (g *GCP) sees(who, folder string) bool {
	for folder != "" {
		i := slices.IndexFunc(g.Folders, func(f Folder) bool { return f.ID == folder })
		if i < 0 {
			return false
		}
		if slices.Contains(g.Folders[i].Viewers, who) {
			return true
		}
		folder = g.Folders[i].Parent
	}
	return false
}

// parent reads which folder a list is of.
func (c *gcpCall) parent() (string, *gcpError) {
	folder, ok := strings.CutPrefix(c.query.Get("parent"), "folders/")
	if !ok {
		return "", &gcpError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", reason: "badRequest", message: "Request contains an invalid argument."}
	}
	if !c.cloud.server.world.GCP.sees(c.token.grant.subject, folder) {
		return "", &gcpError{code: http.StatusForbidden, status: "PERMISSION_DENIED", reason: "forbidden", message: "The caller does not have permission"}
	}
	return folder, nil
}

func listFolderProjects(c *gcpCall) (any, *gcpError) {
	folder, refused := c.parent()
	if refused != nil {
		return nil, refused
	}
	var all []map[string]any
	for _, p := range c.cloud.server.world.GCP.Projects {
		if p.Folder == folder {
			document := projectV3(p)
			document["parent"] = "folders/" + folder
			all = append(all, document)
		}
	}
	return c.listed("projects", all)
}

func listFolders(c *gcpCall) (any, *gcpError) {
	parent, refused := c.parent()
	if refused != nil {
		return nil, refused
	}
	var all []map[string]any
	for _, f := range c.cloud.server.world.GCP.Folders {
		if f.Parent == parent {
			all = append(all, map[string]any{"name": "folders/" + f.ID, "parent": "folders/" + parent, "displayName": f.Name, "state": "ACTIVE"})
		}
	}
	return c.listed("folders", all)
}

// impersonateRoutes is what is simulated of the IAM Service Account Credentials API.
var impersonateRoutes = []gcpRoute{
	{method: "POST", pattern: "/v1/projects/-/serviceAccounts/{account}:generateAccessToken", action: "iam.serviceAccounts.getAccessToken", permission: "-", writes: true, run: generateAccessToken},
}

var lifetimeShape = regexp.MustCompile(`^[0-9]{1,4}s$`)

func generateAccessToken(c *gcpCall) (any, *gcpError) {
	var in struct {
		Scope     []string
		Lifetime  string
		Delegates []string
	}
	if refused := c.readBody(&in); refused != nil {
		return nil, refused
	}
	account := c.params["account"]
	if !slices.Contains(c.cloud.server.world.GCP.Impersonators[account], c.token.grant.subject) {
		return nil, &gcpError{code: http.StatusForbidden, status: "PERMISSION_DENIED", reason: "forbidden",
			message: "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."}
	}
	life, err := time.ParseDuration(in.Lifetime)
	if len(in.Scope) == 0 || len(in.Delegates) > 0 || !lifetimeShape.MatchString(in.Lifetime) || err != nil || life <= 0 || life > time.Hour {
		return nil, &gcpError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", reason: "badRequest", message: "Request contains an invalid argument."}
	}
	return map[string]string{
		"accessToken": c.cloud.oauth.mint(account, in.Scope, life), "expireTime": time.Now().Add(life).UTC().Format(time.RFC3339),
	}, nil
}
