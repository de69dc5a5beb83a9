package slacksim

import "time"

func (s *Server) authTest(q *request) (object, *refusal) {
	t := q.team
	body := object{"url": s.base + "/", "team": t.Name, "user": s.config.BotName, "team_id": t.ID,
		"user_id": t.BotUser, "bot_id": t.BotID, "is_enterprise_install": false}
	if t.Enterprise != "" {
		body["enterprise_id"] = t.Enterprise
	}
	return body, nil
}

func (s *Server) appsConnectionsOpen(*request) (object, *refusal) {
	ticket := newID(26)
	now := time.Now()
	for old, end := range s.tickets {
		if now.After(end) {
			delete(s.tickets, old)
		}
	}
	s.tickets[ticket] = now.Add(ticketLife)
	return object{"url": s.socketAddress() + "/link/?ticket=" + ticket + "&app_id=" + s.config.AppID}, nil
}

func (s *Server) usersInfo(q *request) (object, *refusal) {
	id := q.str("user")
	if id == "" {
		return nil, missing("user")
	}
	p := s.people[q.team.ID+":"+id]
	if p == nil {
		p = s.outsider(q.team, id)
	}
	if p == nil {
		return nil, refuse("user_not_found")
	}
	return object{"user": s.personWire(p)}, nil
}

// usersList gives everybody of the workspace, page by page, those whose accounts are over as well. Without a limit
// Slack tries to give all at once, and asks larger workspaces to use one.
func (s *Server) usersList(q *request) (object, *refusal) {
	limit, ok := q.number("limit", 0)
	if !ok || limit < 0 || limit > 1000 {
		return nil, refuse("invalid_limit")
	}
	var all []*person
	for _, key := range s.peopleOrder {
		if p := s.people[key]; p.Team == q.team.ID {
			all = append(all, p)
		}
	}
	if limit == 0 && len(all) > 1000 {
		return nil, refuse("limit_required")
	}
	if limit == 0 {
		limit = 1000
	}
	all, next, f := page(all, q.str("cursor"), limit, func(p *person) string { return p.ID })
	if f != nil {
		return nil, f
	}
	users := []object{}
	for _, p := range all {
		users = append(users, s.personWire(p))
	}
	return object{"members": users, "cache_ts": 1700000000, "response_metadata": object{"next_cursor": next}}, nil
}

// outsider finds somebody of another workspace whom this one can know: a stranger by declaration, or a member of
// a channel both share.
func (s *Server) outsider(t *team, id string) *person {
	for _, key := range s.peopleOrder {
		p := s.people[key]
		if p.ID != id || p.Team == t.ID {
			continue
		}
		if p.Stranger {
			return p
		}
		for _, ch := range s.channels {
			if ch.members[key] && ch.in(t.ID) {
				return p
			}
		}
	}
	return nil
}

// personWire is an account as users.info shows it; a deactivated one lacks the rights fields, as in Slack.
func (s *Server) personWire(p *person) object {
	profile := object{"real_name": p.RealName, "real_name_normalized": p.RealName, "display_name": p.Name, "display_name_normalized": p.Name, //nolint:misspell // Slack's own word
		"status_text": "", "status_emoji": "", "team": p.Team, "title": ""}
	if s.granted("users:read.email") && p.Email != "" {
		profile["email"] = p.Email
	}
	bot := p.Bot && !p.Workflow
	if p.Bot {
		profile["bot_id"], profile["api_app_id"] = "B"+p.ID[1:], "A"+p.ID[1:]
		if t := s.teams[p.Team]; p.ID == t.BotUser {
			profile["bot_id"], profile["api_app_id"] = t.BotID, s.config.AppID
		}
	}
	out := object{"id": p.ID, "team_id": p.Team, "name": p.Name, "deleted": p.Deactivated, "profile": profile, "is_bot": bot || p.Workflow,
		"is_workflow_bot": p.Workflow, "is_app_user": false, "updated": 1700000000}
	if p.Deactivated {
		return out
	}
	out["real_name"], out["tz"], out["tz_label"], out["tz_offset"] = p.RealName, "Etc/UTC", "UTC", 0
	out["is_admin"], out["is_owner"], out["is_primary_owner"] = p.Admin, false, false
	out["is_restricted"], out["is_ultra_restricted"] = p.Guest, p.SingleGuest
	if p.Stranger {
		out["is_stranger"] = true
	}
	if e := s.teams[p.Team].Enterprise; e != "" {
		out["enterprise_user"] = object{"id": p.ID, "enterprise_id": e, "is_admin": false, "is_owner": false, "teams": []string{p.Team}}
	}
	return out
}
