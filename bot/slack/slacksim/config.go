package slacksim

import (
	"cmp"
	"crypto/rand"
	"slices"
	"strings"
	"time"
)

// Config says which Slack to simulate. The zero value is a small workspace with a few people and channels,
// random tokens, the scopes and events of Aurora's manifest, Slack's own retry times and no rate limits.
type Config struct {
	AppID    string // "A..."; default A0AURORA01
	AppName  string // default Aurora
	AppToken string // "xapp-..."; made up when empty
	BotName  string // the handle people mention, without @; default aurora

	// Scopes are what the bot token carries in every workspace; nil means [DefaultScopes].
	Scopes []string
	// Events are the bot events the app subscribed to ("app_mention", "message.im", ...); nil means [DefaultEvents].
	Events []string
	// Commands are the app's slash commands, with the slash; nil means /aurora.
	Commands []string
	// Shortcuts are what the app offers in the menu of messages and everywhere; nil means [DefaultShortcuts].
	Shortcuts []Shortcut
	// PlainCommands leaves names and links in slash commands as typed (the manifest's should_escape: false).
	PlainCommands bool

	// Workspaces, People and Channels are the world at the start; with no Workspaces it is [DefaultWorld].
	Workspaces []Workspace
	People     []Person
	Channels   []Channel

	AckTimeout  time.Duration   // how long an envelope may stay unacked; default 3 s
	RetryDelays []time.Duration // waits before an event is sent again; nil means 0, 1 min, 5 min
	PingEvery   time.Duration   // websocket pings from Slack; default 10 s
	TriggerLife time.Duration   // how long a trigger_id opens a view; default 3 s
	URLLife     time.Duration   // how long a response_url works; default 30 min
	StatusLife  time.Duration   // how long a status stays without being set again; default 2 min
	StreamLife  time.Duration   // how long a streamed message takes more; default 306 s, however busy it is

	// Rates turns on Slack's rate limits; see [Server.Inject] for limits forced on single calls.
	Rates Rates
	// HistoryRestricted gives conversations.history and .replies the limits of distributed apps outside the
	// Marketplace: one request a minute and at most 15 objects.
	HistoryRestricted bool

	// SignIn is the app's client for Sign in with Slack.
	SignIn SignInClient

	// Notice is a sentence the page shows above everything; Hints are lines it offers to whoever finds a channel empty.
	Notice string
	Hints  []string
	// PageToken, when set, is asked of whoever opens the page or the control API under /sim/.
	PageToken string
	// OnCall, when set, is told of each Web API call before it is handled and after it was, in the goroutine that
	// serves it: returning late holds the call up.
	OnCall func(method string, phase Phase)
}

// Rates chooses between no rate limits and Slack's.
type Rates int

const (
	// RatesOff never answers 429 by itself.
	RatesOff Rates = iota
	// RatesReal enforces the tier of each method and one message a second in each channel, with short bursts.
	RatesReal
)

// Phase is the moment of a Web API call that a hook hears of.
type Phase string

const (
	// Before is when a call has been read and nothing was done yet.
	Before Phase = "before"
	// After is when a call took effect and its answer was not yet sent.
	After Phase = "after"
)

// Workspace is one Slack team that has the app installed, or, when Foreign, only sends people to shared channels.
type Workspace struct {
	ID         string // "T..."
	Name       string
	Domain     string
	Enterprise string // "E..." for a workspace of an Enterprise organisation
	BotToken   string // "xoxb-..."; made up when empty
	BotUser    string // user id of the bot in this workspace; default U0AURORA01
	BotID      string // "B..."; default B0AURORA01
	Foreign    bool
}

// Person is one account. A bare ID in the methods of [Server] means the channel's own workspace; "T2:U1" names
// the account U1 of workspace T2.
type Person struct {
	ID          string `json:"id"`
	Team        string `json:"team"` // default: the first workspace
	Name        string `json:"name"` // handle without @
	RealName    string `json:"real_name"`
	Email       string `json:"email"` // shown by users.info only with users:read.email
	Admin       bool   `json:"admin"`
	Guest       bool   `json:"guest"`        // is_restricted
	SingleGuest bool   `json:"single_guest"` // is_ultra_restricted, which implies is_restricted
	Stranger    bool   `json:"stranger"`     // is_stranger
	Deactivated bool   `json:"deactivated"`  // deleted
	Bot         bool   `json:"bot"`
	Workflow    bool   `json:"workflow"` // is_workflow_bot
}

// Channel is a channel at the start of the world. Direct messages are opened with [Server.OpenDM].
type Channel struct {
	ID         string   `json:"id"`
	Team       string   `json:"team"` // default: the first workspace
	Name       string   `json:"name"`
	Topic      string   `json:"topic"`
	Private    bool     `json:"private"`
	Archived   bool     `json:"archived"`
	SharedWith []string `json:"shared_with"` // ids of other workspaces: a Slack Connect channel
	Pending    bool     `json:"pending"`     // is_pending_ext_shared
	OrgShared  bool     `json:"org_shared"`
	Members    []string `json:"members"`
	NoBot      bool     `json:"no_bot"` // the bot has not been invited
	Creator    string   `json:"creator"`
}

// DefaultScopes are the bot scopes of Aurora's manifest.
func DefaultScopes() []string {
	return []string{"app_mentions:read", "assistant:write", "channels:history", "channels:read", "chat:write",
		"commands", "files:write", "groups:history", "groups:read", "im:history", "im:write", "users:read"}
}

// DefaultEvents are the bot events of Aurora's manifest.
func DefaultEvents() []string {
	return []string{"agent_session_stopped", "app_home_opened", "app_mention", "app_uninstalled", "channel_created",
		"channel_id_changed", "channel_rename", "member_joined_channel", "message.im", "tokens_revoked", "user_change"}
}

// Shortcut is an entry the app adds to Slack's own menus.
type Shortcut struct {
	Name     string `json:"name"`
	Callback string `json:"callback_id"`
	Message  bool   `json:"message"` // in the menu of each message; else wherever somebody is
}

// DefaultShortcuts are the shortcuts of Aurora's manifest.
func DefaultShortcuts() []Shortcut {
	return []Shortcut{{Name: "Ask Aurora about this", Callback: "ask_about", Message: true}}
}

// DefaultWorld is the workspace people meet first: Ada, Ben and Chloe work here, Gus is a guest, Dora left, and
// Petra belongs to a partner with whom one channel is shared.
func DefaultWorld() ([]Workspace, []Person, []Channel) {
	workspaces := []Workspace{
		{ID: "T0NIMBUS01", Name: "Nimbus", Domain: "nimbus"},
		{ID: "T0PARTNER1", Name: "Partner Ltd", Domain: "partner", Foreign: true},
	}
	people := []Person{
		{ID: "U0ADA00001", Name: "ada", RealName: "Ada Moreau", Email: "ada@nimbus.example", Admin: true},
		{ID: "U0BEN00001", Name: "ben", RealName: "Ben Okafor", Email: "ben@nimbus.example"},
		{ID: "U0CHLOE001", Name: "chloe", RealName: "Chloe Lind", Email: "chloe@nimbus.example"},
		{ID: "U0GUS00001", Name: "gus", RealName: "Gus Varga", Email: "gus@contractor.example", Guest: true},
		{ID: "U0DORA0001", Name: "dora", RealName: "Dora Nunes", Email: "dora@nimbus.example", Deactivated: true},
		{ID: "U0PAGER001", Name: "pagerbot", RealName: "Pager Bot", Bot: true},
		{ID: "U0PETRA001", Team: "T0PARTNER1", Name: "petra", RealName: "Petra Holm", Email: "petra@partner.example"},
	}
	staff := []string{"U0ADA00001", "U0BEN00001", "U0CHLOE001"}
	channels := []Channel{
		{ID: "C0OPS00001", Name: "ops", Topic: "Day-to-day operations", Members: staff},
		{ID: "C0CHECKOUT", Name: "checkout", Topic: "The checkout service", Members: append(slices.Clone(staff), "U0GUS00001")},
		{ID: "C0GENERAL1", Name: "general", Topic: "Everybody", Members: staff, NoBot: true},
		{ID: "C0ONCALL01", Name: "on-call", Topic: "Whoever carries the pager", Private: true, Members: staff[:2]},
		{ID: "C0SHARED01", Name: "partner-launch", Topic: "Shared with Partner Ltd", SharedWith: []string{"T0PARTNER1"},
			Members: []string{"U0ADA00001", "U0BEN00001", "T0PARTNER1:U0PETRA001"}},
	}
	return workspaces, people, channels
}

// filled returns the configuration with every default in place.
func (c Config) filled() Config {
	c.AppID = cmp.Or(c.AppID, "A0AURORA01")
	c.AppName = cmp.Or(c.AppName, "Aurora")
	c.BotName = cmp.Or(c.BotName, "aurora")
	c.AppToken = cmp.Or(c.AppToken, "xapp-1-"+c.AppID+"-"+strings.ToLower(rand.Text()))
	c.AckTimeout = cmp.Or(c.AckTimeout, 3*time.Second)
	c.PingEvery = cmp.Or(c.PingEvery, 10*time.Second)
	c.TriggerLife = cmp.Or(c.TriggerLife, 3*time.Second)
	c.URLLife = cmp.Or(c.URLLife, 30*time.Minute)
	c.StatusLife = cmp.Or(c.StatusLife, 2*time.Minute)
	c.StreamLife = cmp.Or(c.StreamLife, 306*time.Second)
	if c.Scopes == nil {
		c.Scopes = DefaultScopes()
	}
	if c.Events == nil {
		c.Events = DefaultEvents()
	}
	if c.Shortcuts == nil {
		c.Shortcuts = DefaultShortcuts()
	}
	if len(c.Commands) == 0 {
		c.Commands = []string{"/aurora"}
	}
	if c.RetryDelays == nil {
		c.RetryDelays = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	if c.Workspaces == nil {
		workspaces, people, channels := DefaultWorld()
		c.Workspaces = workspaces
		c.People = append(people, c.People...)
		c.Channels = append(channels, c.Channels...)
	}
	if c.Hints == nil {
		c.Hints = []string{"@" + c.BotName + " help", c.Commands[0] + " status"}
	}
	c.Workspaces = slices.Clone(c.Workspaces)
	for i := range c.Workspaces {
		c.Workspaces[i] = c.Workspaces[i].filled()
	}
	return c
}

func (w Workspace) filled() Workspace {
	w.Name = cmp.Or(w.Name, w.ID)
	w.Domain = cmp.Or(w.Domain, strings.ToLower(w.ID))
	if w.Foreign {
		return w
	}
	w.BotUser = cmp.Or(w.BotUser, "U0AURORA01")
	w.BotID = cmp.Or(w.BotID, "B0AURORA01")
	w.BotToken = cmp.Or(w.BotToken, "xoxb-"+w.ID+"-"+strings.ToLower(rand.Text()))
	return w
}
