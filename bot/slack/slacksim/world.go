package slacksim

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// team is a workspace, and the app's installation in it unless the workspace is foreign.
type team struct {
	Workspace
	installed bool
	views     map[string]*view // by view id
	off       map[Feature]bool // what the workspace lacks
}

// botKey is the key of the bot's account in the workspace.
func (t *team) botKey() string { return t.ID + ":" + t.BotUser }

// person is an account with its key and the colour of its picture.
type person struct {
	Person
	key string // team:id
}

type channel struct {
	Channel
	dm       string          // key of the person, in a direct message with the bot
	members  map[string]bool // person keys
	messages []*message      // in order of ts
	last     int64           // microseconds of the newest ts
	created  time.Time
	statuses map[string]string // by thread ts
	expiring map[string]*time.Timer
	titles   map[string]string // by thread ts
	prompts  []any
}

// kind is the channel type as message events name it.
func (c *channel) kind() string {
	if c.dm != "" {
		return "im"
	}
	if c.Private {
		return "group"
	}
	return "channel"
}

// in tells whether the channel can be known in that workspace at all.
func (c *channel) in(teamID string) bool {
	return c.Team == teamID || slices.Contains(c.SharedWith, teamID)
}

// nextTS returns a timestamp that no other message of the channel has.
func (c *channel) nextTS() string {
	now := time.Now().UnixMicro()
	if now <= c.last {
		now = c.last + 1
	}
	c.last = now
	return fmt.Sprintf("%d.%06d", now/1e6, now%1e6)
}

// find returns the message with that ts, ephemeral ones included.
func (c *channel) find(ts string) *message {
	i, found := slices.BinarySearchFunc(c.messages, ts, func(m *message, ts string) int { return strings.Compare(m.ts, ts) })
	if !found {
		return nil
	}
	return c.messages[i]
}

// mark notes that a message changed and wakes whoever waits. The lock is held.
func (s *Server) mark(m *message) {
	m.revision = s.revision + 1
	s.touch()
}

// build fills the world from the configuration.
func (s *Server) build() error {
	for _, w := range s.config.Workspaces {
		if w.ID == "" {
			return fmt.Errorf("a workspace has no ID")
		}
		t := &team{Workspace: w, installed: !w.Foreign, views: map[string]*view{}, off: map[Feature]bool{}}
		s.teams[w.ID] = t
		s.teamOrder = append(s.teamOrder, w.ID)
		if t.installed {
			s.tokens[w.BotToken] = &token{kind: tokenBot, team: t}
			s.putPerson(Person{ID: w.BotUser, Team: w.ID, Name: s.config.BotName, RealName: s.config.AppName, Bot: true})
		}
	}
	s.tokens[s.config.AppToken] = &token{kind: tokenApp}
	for _, p := range s.config.People {
		if err := s.addPerson(p); err != nil {
			return err
		}
	}
	for _, c := range s.config.Channels {
		if _, err := s.addChannel(c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) addPerson(p Person) error {
	if p.Team == "" {
		p.Team = s.teamOrder[0]
	}
	if s.teams[p.Team] == nil {
		return fmt.Errorf("person %s is of workspace %s, which does not exist", p.ID, p.Team)
	}
	if p.ID == "" {
		p.ID = "U" + newID(10)
	}
	if p.Name == "" {
		p.Name = strings.ToLower(p.ID)
	}
	s.putPerson(p)
	return nil
}

func (s *Server) putPerson(p Person) {
	if p.RealName == "" {
		p.RealName = p.Name
	}
	p.Guest = p.Guest || p.SingleGuest
	key := p.Team + ":" + p.ID
	if old := s.people[key]; old != nil {
		old.Person = p
		return
	}
	s.peopleOrder = append(s.peopleOrder, key)
	s.people[key] = &person{Person: p, key: key}
}

func (s *Server) addChannel(c Channel) (*channel, error) {
	if c.Team == "" {
		c.Team = s.teamOrder[0]
	}
	home := s.teams[c.Team]
	if home == nil {
		return nil, fmt.Errorf("channel %s is of workspace %s, which does not exist", c.ID, c.Team)
	}
	if c.ID == "" {
		c.ID = "C" + newID(10)
	}
	if s.channels[c.ID] != nil {
		return nil, fmt.Errorf("channel %s exists already", c.ID)
	}
	ch := &channel{Channel: c, members: map[string]bool{}, created: time.Now(), statuses: map[string]string{}, titles: map[string]string{},
		expiring: map[string]*time.Timer{}}
	for _, ref := range c.Members {
		p, err := s.person(ref, c.Team)
		if err != nil {
			return nil, fmt.Errorf("channel %s: %w", c.ID, err)
		}
		ch.members[p.key] = true
	}
	if home.installed && !c.NoBot {
		ch.members[home.botKey()] = true
	}
	s.channels[c.ID] = ch
	s.channelOrder = append(s.channelOrder, c.ID)
	return ch, nil
}

// person finds who ref names: "T1:U1" exactly, "U1" in the home workspace, else wherever there is just one.
func (s *Server) person(ref, home string) (*person, error) {
	if p := s.people[ref]; p != nil {
		return p, nil
	}
	if p := s.people[home+":"+ref]; p != nil {
		return p, nil
	}
	var found *person
	for _, key := range s.peopleOrder {
		p := s.people[key]
		if p.ID != ref && p.Name != ref {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("there are several people %s; name one as TEAM:USER", ref)
		}
		found = p
	}
	if found == nil {
		return nil, fmt.Errorf("there is no person %s", ref)
	}
	return found, nil
}

// place finds a channel, by id or by #name.
func (s *Server) place(ref string) (*channel, error) {
	if c := s.channels[ref]; c != nil {
		return c, nil
	}
	name := strings.TrimPrefix(ref, "#")
	for _, id := range s.channelOrder {
		if c := s.channels[id]; c.dm == "" && c.Name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("there is no channel %s", ref)
}

// actor finds somebody and a channel that person takes part in.
func (s *Server) actor(user, where string) (*person, *channel, error) {
	ch, err := s.place(where)
	if err != nil {
		return nil, nil, err
	}
	p, err := s.person(user, ch.Team)
	if err != nil {
		return nil, nil, err
	}
	if p.Deactivated {
		return nil, nil, fmt.Errorf("%s is deactivated and can do nothing in Slack", p.Name)
	}
	if !s.sees(p, ch) {
		return nil, nil, fmt.Errorf("%s cannot see channel %s", p.Name, ch.ID)
	}
	return p, ch, nil
}

// sees tells whether a person can read a channel: members can, and full members of the workspace public ones.
func (s *Server) sees(p *person, ch *channel) bool {
	if ch.members[p.key] {
		return true
	}
	return ch.kind() == "channel" && p.Team == ch.Team && !p.Guest
}

// openDM returns the direct message channel of a person with the bot of the person's workspace.
func (s *Server) openDM(p *person) (*channel, error) {
	t := s.teams[p.Team]
	if !t.installed {
		return nil, fmt.Errorf("%s works in %s, where the app is not installed", p.Name, t.Name)
	}
	for _, id := range s.channelOrder {
		if s.channels[id].dm == p.key {
			return s.channels[id], nil
		}
	}
	id := "D" + strings.TrimLeft(p.ID, "UW")
	if s.channels[id] != nil {
		id = "D" + newID(10)
	}
	ch, err := s.addChannel(Channel{ID: id, Team: p.Team, Private: true, Members: []string{p.key}})
	if err != nil {
		return nil, err
	}
	ch.dm = p.key
	return ch, nil
}

// guests tells whether anybody in the channel is a guest.
func (s *Server) guests(ch *channel) bool {
	for key := range maps.Keys(ch.members) {
		if p := s.people[key]; p != nil && p.Guest {
			return true
		}
	}
	return false
}

// touch tells everybody who waits that something changed. The lock is held.
func (s *Server) touch() {
	s.revision++
	close(s.changed)
	s.changed = make(chan struct{})
}

// newID returns n random characters of Slack's id alphabet.
func newID(n int) string {
	return rand.Text()[:n]
}
