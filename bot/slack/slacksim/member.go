package slacksim

import "fmt"

// addMember puts somebody into a channel and tells the app, by whom it was done when that was not the person.
func (s *Server) addMember(ch *channel, p *person, by *person) {
	ch.members[p.key] = true
	ts := ch.nextTS()
	m := &message{author: p.key, subtype: "channel_join", text: "<@" + p.ID + "> has joined the channel"}
	if ch.Private {
		m.subtype = "group_join"
	}
	s.add(ch, m)
	event := object{"type": "member_joined_channel", "user": p.ID, "channel": ch.ID, "channel_type": ch.letter(), "team": p.Team, "event_ts": ts}
	if by != nil {
		event["inviter"] = by.ID
	}
	s.emitMembership(ch, event)
	s.emitMessage(ch, m, 1)
}

// removeMember takes somebody out of a channel and tells the app. The bot itself, once gone, hears only that it is.
func (s *Server) removeMember(ch *channel, p *person) {
	delete(ch.members, p.key)
	event := object{"type": "member_left_channel", "user": p.ID, "channel": ch.ID, "channel_type": ch.letter(), "team": p.Team, "event_ts": ch.nextTS()}
	if t := s.teams[p.Team]; t.installed && p.key == t.botKey() {
		left := map[bool]string{true: "group_left", false: "channel_left"}[ch.Private]
		s.emitIf(t, ch, left, object{"type": left, "channel": ch.ID, "actor_id": ch.Creator, "event_ts": event["event_ts"]})
	}
	s.emitMembership(ch, event)
	s.touch()
}

// emitMembership tells the bots in a channel who came or went, when they may read channels of that kind.
func (s *Server) emitMembership(ch *channel, event object) {
	if !s.granted("channels:read") && !ch.Private || !s.granted("groups:read") && ch.Private {
		return
	}
	for _, t := range s.listeners(ch) {
		s.emitIf(t, ch, str(event["type"]), event)
	}
}

// letter is the channel type as membership events write it.
func (c *channel) letter() string {
	if c.Private {
		return "G"
	}
	return "C"
}

// Invite adds somebody (or the bot, by its user id or name) to a channel on behalf of by. Somebody of another
// workspace can be invited once the channel is shared with it.
func (s *Server) Invite(by, channel, user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	inviter, ch, err := s.actor(by, channel)
	if err != nil {
		return err
	}
	p, err := s.person(user, ch.Team)
	switch {
	case err != nil:
		return err
	case ch.dm != "":
		return fmt.Errorf("nobody can be invited to a direct message")
	case ch.members[p.key]:
		return fmt.Errorf("%s is in %s already", p.Name, ch.ID)
	case p.Deactivated:
		return fmt.Errorf("%s is deactivated and cannot be invited", p.Name)
	case !ch.in(p.Team):
		return fmt.Errorf("%s works in %s, with which %s is not shared", p.Name, s.teams[p.Team].Name, ch.ID)
	}
	s.addMember(ch, p, inviter)
	return nil
}

// Join adds somebody to a public channel of their own accord.
func (s *Server) Join(user, channel string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ch, err := s.actor(user, channel)
	if err != nil {
		return err
	}
	if !ch.members[p.key] {
		s.addMember(ch, p, nil)
	}
	return nil
}

// Leave takes somebody out of a channel of their own accord.
func (s *Server) Leave(user, channel string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ch, err := s.actor(user, channel)
	if err != nil {
		return err
	}
	return s.takeOut(ch, p)
}

// Kick removes somebody (or the bot) from a channel.
func (s *Server) Kick(channel, user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.place(channel)
	if err != nil {
		return err
	}
	p, err := s.person(user, ch.Team)
	if err != nil {
		return err
	}
	return s.takeOut(ch, p)
}

func (s *Server) takeOut(ch *channel, p *person) error {
	if !ch.members[p.key] || ch.dm != "" {
		return fmt.Errorf("%s is not in %s", p.Name, ch.ID)
	}
	s.removeMember(ch, p)
	return nil
}

// AddPerson adds an account, or changes the one with the same team and id: then the app hears of it by
// user_change. A deactivated account leaves its channels.
func (s *Server) AddPerson(p Person) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.people[firstOf(p.Team, s.teamOrder[0])+":"+p.ID] != nil
	if err := s.addPerson(p); err != nil {
		return err
	}
	if known {
		s.retell(s.people[firstOf(p.Team, s.teamOrder[0])+":"+p.ID])
	}
	s.touch()
	return nil
}

// Deactivate ends an account: users.info says deleted, the app hears user_change, and the person can do nothing.
func (s *Server) Deactivate(user string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.person(user, s.teamOrder[0])
	if err != nil {
		return err
	}
	p.Deactivated = true
	s.retell(p)
	s.touch()
	return nil
}

// retell tells every workspace that knows the person how the account is now.
func (s *Server) retell(p *person) {
	if p.Deactivated {
		for _, ch := range s.channels {
			if ch.dm == "" {
				delete(ch.members, p.key)
			}
		}
	}
	for _, id := range s.teamOrder {
		t := s.teams[id]
		if id != p.Team && s.outsider(t, p.ID) != p {
			continue
		}
		s.emitIf(t, nil, "user_change", object{"type": "user_change", "user": s.personWire(p), "cache_ts": 1700000000, "event_ts": eventTS()})
	}
}
