package store

import "time"

// Access says that somebody can use a connection: his own, or the organisation's by a grant.
type Access struct {
	Org        Organisation
	User       User
	Persons    []Person // the chat accounts that act as the user
	Connection Connection
	Grant      *Grant    // nil for the user's own connection
	LastUse    time.Time // of the connection by the user, as the audit has it; zero for never
}

// Effect is the highest effect that the user can reach with it: what was granted, held to his role and to what the
// credential can do. Policy may hold single commands to less.
func (a Access) Effect() string {
	if !a.User.Active {
		return "none"
	}
	if a.Connection.ReadOnly || a.User.Role == Viewer || a.User.Role == Admin {
		return "read"
	}
	if a.Grant != nil {
		return a.Grant.MaxEffect
	}
	return "delete"
}
