package policy

import (
	"regexp"
	"slices"
	"strings"
)

// argPlaces are the arguments of gcloud that are places, as its grammar names them.
var argPlaces = map[string]string{
	"PROJECT_ID": "project", "PROJECT_ID_OR_NUMBER": "project", "FOLDER": "folder", "FOLDER_ID": "folder",
	"ORGANIZATION": "organization", "ORGANIZATION_ID": "organization",
}

// gcloudPlaces notes the places that arguments name. What is only made now is part of nothing yet.
func gcloudPlaces(c *call, v *Verdict) {
	if strings.HasSuffix(c.path, " create") {
		return
	}
	for i, name := range c.d.table.args[c.leaf.args] {
		if kind, ok := argPlaces[name]; ok && i < len(c.args) {
			v.Scope = append(v.Scope, Scope{Kind: kind, Flag: name, Value: c.args[i][strings.LastIndexByte(c.args[i], '/')+1:]})
		}
	}
}

// bqPlaces notes the projects in bq's identifiers, which are project:dataset.table, project:location.job and, of a connection
// alone, project.location.name.
func bqPlaces(c *call, v *Verdict) {
	var ids []string
	switch c.path {
	case "bq query":
	case "bq cp", "bq copy":
		ids = strings.Split(strings.Join(c.args, ","), ",")
	default: // further arguments are addresses and schemas, with colons of their own
		ids = slices.Clone(c.args[:min(1, len(c.args))])
	}
	for _, f := range c.flags {
		switch f.name {
		case "--dataset_id", "--destination_table", "--target_dataset":
			ids = append(ids, f.value)
		}
	}
	for _, id := range ids {
		if project := bqProject(c, id); project != "" {
			v.Scope = append(v.Scope, Scope{Kind: "project", Flag: id, Value: project})
		}
	}
}

func bqProject(c *call, id string) string {
	if at := strings.LastIndexByte(id, ':'); at >= 0 {
		return id[:at]
	}
	parts := strings.Split(id, ".")
	switch {
	case strings.HasPrefix(id, "projects/"): // a path, which says by itself what it is
	case c.path == "bq ls" && c.given("--jobs", "-j", "--datasets", "-d", "--transfer_config"): // a word alone is a project there
		return id
	case c.given("--connection") && len(parts) > 2:
		return strings.Join(parts[:len(parts)-2], ".")
	}
	return ""
}

// given reports whether one of the flags was written.
func (c *call) given(names ...string) bool {
	return slices.ContainsFunc(c.flags, func(f givenFlag) bool { return slices.Contains(names, f.name) })
}

// idPlace finds subscriptions and management groups in resource ids, and in lists and documents of such ids.
var idPlace = regexp.MustCompile(`(?i)/(subscriptions|providers/microsoft\.management/managementgroups)/([^/\s,;"'()\[\]{}]+)`)

// azPlaces notes the subscriptions and management groups that resource ids name, and the groups that are named by themselves.
func azPlaces(c *call, v *Verdict) {
	ofGroup := strings.HasPrefix(c.path, "az account management-group ")
	for i := range c.flags {
		f := &c.flags[i]
		if f.global != nil && f.global.action == "query" {
			continue // it picks from the answer
		}
		if name := f.plain().Name; ofGroup && (name == "--name" || name == "--parent") {
			v.Scope = append(v.Scope, Scope{Kind: "management-group", Flag: f.name, Value: f.value})
		}
		for _, m := range idPlace.FindAllStringSubmatch(f.value, -1) {
			kind := "management-group"
			if strings.EqualFold(m[1], "subscriptions") {
				kind = "subscription"
			}
			v.Scope = append(v.Scope, Scope{Kind: kind, Flag: f.name, Value: m[2]})
		}
	}
}
