package slacksim

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"
)

// SayOption changes how something is said.
type SayOption func(*saying)

type saying struct {
	thread    string
	broadcast bool
	raw       bool
	copies    int
}

// InThread says it as a reply to the message with that ts.
func InThread(ts string) SayOption { return func(o *saying) { o.thread = ts } }

// Broadcast also shows a reply in the channel.
func Broadcast() SayOption { return func(o *saying) { o.broadcast = true } }

// Raw takes the text as Slack's wire form: nothing is escaped, no name or link resolved.
func Raw() SayOption { return func(o *saying) { o.raw = true } }

// Copies delivers each event n times under n event ids, which Slack does now and then.
func Copies(n int) SayOption { return func(o *saying) { o.copies = n } }

// Say posts what a person types. @name, #channel and links become what Slack makes of them, <@U1> of a known
// person stays a mention, the rest is escaped. It returns the ts. A mention of a bot that is not in the channel
// reaches nobody but its author, whom Slackbot tells so.
func (s *Server) Say(user, channel, text string, opts ...SayOption) (ts string, err error) {
	o := saying{copies: 1}
	for _, opt := range opts {
		opt(&o)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ch, err := s.actor(user, channel)
	if err != nil {
		return "", err
	}
	switch {
	case strings.TrimSpace(text) == "":
		return "", fmt.Errorf("an empty message cannot be sent")
	case ch.Archived:
		return "", fmt.Errorf("channel %s is archived", ch.ID)
	case o.thread != "" && threadOf(ch, o.thread) == "":
		return "", fmt.Errorf("there is no message %s in %s to reply to", o.thread, ch.ID)
	}
	if !ch.members[p.key] {
		s.addMember(ch, p, nil)
	}
	m := s.typedMessage(p, ch, text, o)
	s.add(ch, m)
	s.emitMessage(ch, m, o.copies)
	s.warnAbsent(ch, p, m)
	return m.ts, nil
}

func (s *Server) typedMessage(p *person, ch *channel, text string, o saying) *message {
	m := &message{author: p.key, thread: o.thread, broadcast: o.broadcast, clientID: envelopeID(), text: text}
	if o.raw {
		return m
	}
	parts := s.listenTo(text, ch.Team)
	m.text, m.blocks = wireText(parts), richText(parts)
	return m
}

// warnAbsent tells somebody who mentioned the bot that it is not here.
func (s *Server) warnAbsent(ch *channel, p *person, m *message) {
	t := s.teams[ch.Team]
	if !t.installed || ch.members[t.botKey()] || !strings.Contains(m.text, "<@"+t.BotUser+">") {
		return
	}
	s.whisper(ch, p, m.thread, "You mentioned <@"+t.BotUser+">, but they're not in this channel. Invite them to let them see it.")
}

// whisper shows one person a line from Slack itself, in a thread when one is given.
func (s *Server) whisper(ch *channel, p *person, thread, text string) {
	s.add(ch, &message{author: s.slackbot(p.Team), text: text, thread: thread, onlyFor: p.key, subtype: "bot_message"})
}

// slackbot is Slack's own account in a workspace, made when first needed.
func (s *Server) slackbot(team string) string {
	key := team + ":USLACKBOT"
	if s.people[key] == nil {
		s.putPerson(Person{ID: "USLACKBOT", Team: team, Name: "slackbot", RealName: "Slackbot", Bot: true})
	}
	return key
}

// Edit changes a person's own message.
func (s *Server) Edit(user, channel, ts, text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ch, m, err := s.owned(user, channel, ts)
	if err != nil {
		return err
	}
	before := *m
	parts := s.listenTo(text, ch.Team)
	m.text, m.blocks = wireText(parts), richText(parts)
	m.editedBy, m.editedTS = p.ID, ch.nextTS()
	m.pings = livePings(m.text, m.blocks)
	s.mark(m)
	s.emitChanged(ch, m, &before)
	return nil
}

// Delete removes a person's own message.
func (s *Server) Delete(user, channel, ts string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ch, m, err := s.owned(user, channel, ts)
	if err != nil {
		return err
	}
	before := *m
	s.remove(ch, m)
	s.emitDeleted(ch, &before)
	return nil
}

func (s *Server) owned(user, channel, ts string) (*person, *channel, *message, error) {
	p, ch, err := s.actor(user, channel)
	if err != nil {
		return nil, nil, nil, err
	}
	m := ch.find(ts)
	if m == nil || m.author != p.key {
		return nil, nil, nil, fmt.Errorf("%s wrote no message %s in %s", p.Name, ts, ch.ID)
	}
	return p, ch, m, nil
}

// CreateChannel makes a channel, by a person who becomes its member, and returns its id.
func (s *Server) CreateChannel(by string, c Channel) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.person(by, c.Team)
	if err != nil {
		return "", err
	}
	c.Team, c.Creator = firstOf(c.Team, p.Team), p.ID
	if c.Name == "" || len(c.Name) > 80 || strings.ToLower(c.Name) != c.Name || strings.ContainsAny(c.Name, " .#@") {
		return "", fmt.Errorf("channel names are lower case, without spaces or periods, of at most 80 characters")
	}
	if !slices.Contains(c.Members, p.ID) {
		c.Members = append(slices.Clone(c.Members), p.key)
	}
	ch, err := s.addChannel(c)
	if err != nil {
		return "", err
	}
	s.touch()
	if !ch.Private {
		s.emitIf(s.teams[ch.Team], ch, "channel_created", object{"type": "channel_created", "event_ts": ch.nextTS(), "channel": object{
			"id": ch.ID, "name": ch.Name, "name_normalized": ch.Name, "created": ch.created.Unix(), "creator": p.ID, "is_channel": true, //nolint:misspell // Slack's own word
			"is_shared": false, "is_org_shared": false, "is_archived": false, "context_team_id": ch.Team}})
	}
	return ch.ID, nil
}

// Rename gives a channel another name.
func (s *Server) Rename(channel, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.place(channel)
	if err != nil {
		return err
	}
	ch.Name = name
	s.touch()
	s.emitIf(s.teams[ch.Team], ch, "channel_rename", object{"type": "channel_rename", "event_ts": ch.nextTS(), "channel": object{
		"id": ch.ID, "name": name, "name_normalized": name, "created": ch.created.Unix(), "is_channel": !ch.Private, "is_mpim": false}}) //nolint:misspell // Slack's own word
	return nil
}

// ChangeID moves a channel to another id, as happens when it is shared or moved in an organisation.
func (s *Server) ChangeID(channel, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.place(channel)
	if err != nil {
		return err
	}
	old := ch.ID
	if s.channels[id] != nil || id == "" {
		return fmt.Errorf("channel id %q is taken or empty", id)
	}
	delete(s.channels, old)
	ch.ID = id
	s.channels[id] = ch
	s.channelOrder[slices.Index(s.channelOrder, old)] = id
	s.touch()
	s.emitIf(s.teams[ch.Team], ch, "channel_id_changed", object{"type": "channel_id_changed", "old_channel_id": old, "new_channel_id": id, "event_ts": ch.nextTS()})
	return nil
}

// Share connects a channel with another workspace, or ends that: then its people are out of the channel.
func (s *Server) Share(channel, team string, on bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, err := s.place(channel)
	if err != nil {
		return err
	}
	if s.teams[team] == nil {
		return fmt.Errorf("there is no workspace %s", team)
	}
	name := "channel_shared"
	ch.SharedWith = slices.DeleteFunc(ch.SharedWith, func(id string) bool { return id == team })
	event := object{"channel": ch.ID, "event_ts": ch.nextTS()}
	if on {
		ch.SharedWith = append(ch.SharedWith, team)
		event["connected_team_id"] = team
	} else {
		name = "channel_unshared"
		event["previously_connected_team_id"], event["is_ext_shared"] = team, len(ch.SharedWith) > 0
		for key := range ch.members {
			if s.people[key].Team == team {
				delete(ch.members, key)
			}
		}
	}
	event["type"] = name
	s.touch()
	s.emitIf(s.teams[ch.Team], ch, name, event)
	return nil
}

// OpenDM returns the direct message channel between a person and the bot, opened when it is not there yet.
func (s *Server) OpenDM(user string) (channel string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.person(user, s.teamOrder[0])
	if err != nil {
		return "", err
	}
	ch, err := s.openDM(p)
	if err != nil {
		return "", err
	}
	s.touch()
	return ch.ID, nil
}

// OpenHome opens the app's "home" or "messages" tab, which sends app_home_opened.
func (s *Server) OpenHome(user, tab string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.person(user, s.teamOrder[0])
	if err != nil {
		return err
	}
	ch, err := s.openDM(p)
	if err != nil {
		return err
	}
	t := s.teams[p.Team]
	event := object{"type": "app_home_opened", "user": p.ID, "channel": ch.ID, "tab": tab, "event_ts": eventTS()}
	if v := t.home(p); v != nil && tab == "home" {
		event["view"] = s.viewWire(t, v, nil)
	}
	if tab == "home" && t.off[FeatureHome] {
		return fmt.Errorf("the app has no Home tab in %s", t.Name)
	}
	s.touch()
	s.emitIf(t, nil, "app_home_opened", event)
	return nil
}

// PressStop presses stop on the session of a thread. Streams there take no more; whether work stops is up to the app.
func (s *Server) PressStop(user, channel, thread string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ch, err := s.actor(user, channel)
	if err != nil {
		return err
	}
	stopped := s.stopStreams(ch, thread)
	for _, t := range s.listeners(ch) {
		s.emitIf(t, ch, "agent_session_stopped", object{"type": "agent_session_stopped", "channel": ch.ID, "thread_ts": thread, "user": p.ID,
			"streaming_message_ts": stopped, "event_ts": ch.nextTS()})
	}
	return nil
}

// RevokeTokens revokes the bot token of a workspace and sends tokens_revoked.
func (s *Server) RevokeTokens(team string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.teams[firstOf(team, s.teamOrder[0])]
	if t == nil || !t.installed {
		return fmt.Errorf("the app is not installed in %q", team)
	}
	s.tokens[t.BotToken].revoked = true
	s.touch()
	s.emitIf(t, nil, "tokens_revoked", object{"type": "tokens_revoked", "tokens": object{"oauth": []string{}, "bot": []string{t.BotUser}},
		"event_ts": eventTS()})
	return nil
}

// Reinstall installs the app in a workspace anew and gives its new bot token; the old one stays as it is.
func (s *Server) Reinstall(team string) (token string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.teams[firstOf(team, s.teamOrder[0])]
	if t == nil {
		return "", fmt.Errorf("there is no workspace %q", team)
	}
	fresh := *s.tokens[t.BotToken]
	fresh.revoked = false
	t.BotToken, t.installed = "xoxb-"+t.ID+"-"+strings.ToLower(rand.Text()), true
	s.tokens[t.BotToken] = &fresh
	s.touch()
	return t.BotToken, nil
}

// Uninstall removes the app from a workspace and sends app_uninstalled. Its token stops working.
func (s *Server) Uninstall(team string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.teams[firstOf(team, s.teamOrder[0])]
	if t == nil || !t.installed {
		return fmt.Errorf("the app is not installed in %q", team)
	}
	s.emitIf(t, nil, "app_uninstalled", object{"type": "app_uninstalled", "event_ts": eventTS()})
	t.installed = false
	s.touch()
	return nil
}

// eventTS is the time of an event that belongs to no channel.
func eventTS() string { return fmt.Sprintf("%d.000001", time.Now().Unix()) }
