package store

import "time"

// Platform is a chat platform.
type Platform string

// The chat platforms.
const (
	Slack Platform = "slack"
	Teams Platform = "teams"
)

// Person is one chat account. Team is Slack's enterprise id where there is one, else the team id; for Teams the tenant.
// Names and e-mail addresses are never part of it: people can change those.
type Person struct {
	Platform Platform `json:"platform"`
	Team     string   `json:"team"`
	ID       string   `json:"id"`
}

// String gives the person as AURORA_ADMINS spells one: slack:T1:U1.
func (p Person) String() string { return string(p.Platform) + ":" + p.Team + ":" + p.ID }

// Organisation owns users, connections and rules: one Slack workspace (or Grid organisation) or one Teams tenant.
type Organisation struct {
	ID       string   `json:"id"`
	Platform Platform `json:"platform"`
	Team     string   `json:"team"`
	Name     string   `json:"name"`
}

// User is Aurora's own account for a person; several persons may be linked to one user.
type User struct {
	ID          string    `json:"id"`
	OrgID       string    `json:"org_id"`
	Role        Role      `json:"role"`
	Active      bool      `json:"active"`
	Prefer      []Cloud   `json:"prefer,omitempty"` // empty means all clouds
	CreatedAt   time.Time `json:"created_at"`
	DefaultWith Person    `json:"person"` // the person the user was made for
}

// Place is somewhere a message can stand. Thread is the root message's ts (Slack) or empty for the channel itself.
// Whisper is the person an ephemeral message is for, or empty for everybody.
type Place struct {
	Platform Platform `json:"platform"`
	Team     string   `json:"team"` // the workspace or tenant to talk to (never the enterprise)
	Channel  string   `json:"channel"`
	Thread   string   `json:"thread,omitempty"`
	Whisper  string   `json:"whisper,omitempty"`
}

// Selection is what `/aurora use` remembered: the project, account or subscription to use for a cloud.
type Selection struct {
	Cloud   Cloud  `json:"cloud"`
	Project string `json:"project"`
}
