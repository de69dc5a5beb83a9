package providers

import (
	"encoding/json"
	"strings"

	"aurora/store"
)

// projectNames is the setting of a connection that holds what people call its projects.
const projectNames = "project_names"

// SetProjectNames writes down what people call the projects, by id, where a cloud's ids are not words (Azure, Scaleway).
func SetProjectNames(settings, names map[string]string) {
	raw, err := json.Marshal(names)
	if err == nil { // a map of strings always can
		settings[projectNames] = string(raw)
	}
}

// ProjectNames gives the names of a connection's projects by id; nil where ids are what people use.
func ProjectNames(c store.Connection) map[string]string {
	var names map[string]string
	_ = json.Unmarshal([]byte(c.Settings[projectNames]), &names) // without names the ids must do
	return names
}

// ProjectNamed gives the id of a connection's project that people name by its id or its name. A name that two share is
// nobody's.
func ProjectNamed(c store.Connection, named string) (id string, ok bool) { return projectIn(c, named) }

// projectIn gives the id of a connection's project that is named by its id or its name. A name that two share is nobody's.
func projectIn(c store.Connection, named string) (string, bool) {
	for _, id := range c.Projects {
		if id == named {
			return id, true
		}
	}
	names, found := ProjectNames(c), ""
	for _, id := range c.Projects {
		if names[id] == "" || !strings.EqualFold(names[id], named) {
			continue
		}
		if found != "" {
			return "", false
		}
		found = id
	}
	return found, found != ""
}
