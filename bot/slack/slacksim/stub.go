package slacksim

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

var errUnfinished = errors.New("slacksim: not there yet")

// Server is a running Slack.
type Server struct {
	mu         sync.Mutex
	changed    chan struct{}
	calls      []*Call
	deliveries []*Delivery
	open       int
}

// New makes a Slack; it serves once started or used as a handler.
func New(c Config) *Server { _ = c.filled(); return &Server{changed: make(chan struct{})} }

// Start serves on a free port of 127.0.0.1 until Close.
func (s *Server) Start() error { return errUnfinished }

// Close ends every socket, timer and request.
func (s *Server) Close() {}

// ServeHTTP serves the Web API, Socket Mode, response URLs, uploads, the control API and the page.
func (s *Server) ServeHTTP(http.ResponseWriter, *http.Request) {}

// ListenAndServe serves a Slack on addr until ctx ends; ready hears of the server once it listens.
func ListenAndServe(ctx context.Context, addr string, c Config, ready func(*Server)) error {
	return errUnfinished
}

// URL is the base of the Web API, with a trailing slash: http://127.0.0.1:1234/api/.
func (s *Server) URL() string { return "" }

// PageURL is the address of the page, with the token when there is one.
func (s *Server) PageURL() string { return "" }

// AppToken is the xapp token.
func (s *Server) AppToken() string { return "" }

// BotToken is the xoxb token of a workspace; of the first when team is empty.
func (s *Server) BotToken(team string) string { return "" }

// BotUser is the bot's user id in a workspace; of the first when team is empty.
func (s *Server) BotUser(team string) string { return "" }

// SayOption changes how something is said.
type SayOption func(*saying)
type saying struct{}

// InThread says it as a reply to the message with that ts.
func InThread(ts string) SayOption { return nil }

// Raw takes the text as Slack's wire form: nothing is escaped, no name or link resolved.
func Raw() SayOption { return nil }

// Copies delivers each event n times under n event ids.
func Copies(n int) SayOption { return nil }

// Say posts what a person types. @name, #channel and links become what Slack makes of them, <@U1> of a known
// person stays a mention, the rest is escaped. It returns the ts.
func (s *Server) Say(user, channel, text string, opts ...SayOption) (ts string, err error) {
	return "", errUnfinished
}

// Edit changes a person's own message.
func (s *Server) Edit(user, channel, ts, text string) error { return errUnfinished }

// Delete removes a person's own message.
func (s *Server) Delete(user, channel, ts string) error { return errUnfinished }

// SlashOption changes where a slash command is typed.
type SlashOption func(*slashing)
type slashing struct{}

// FromThread types the command in a thread, which Slack refuses.
func FromThread(ts string) SlashOption { return nil }

// Slash types a slash command ("/aurora mode ask") and returns when it was acked or failed.
func (s *Server) Slash(user, channel, line string, opts ...SlashOption) (Outcome, error) {
	return Outcome{}, errUnfinished
}

// Click presses a button and returns when it was acked or failed.
func (s *Server) Click(user, channel, ts, actionID string) (Outcome, error) {
	return Outcome{}, errUnfinished
}

// Modals returns the views open before a person.
func (s *Server) Modals(user string) []Modal { return nil }

// SubmitView submits a modal; values are by block id, then action id.
func (s *Server) SubmitView(user, viewID string, values map[string]map[string]string) (Outcome, error) {
	return Outcome{}, errUnfinished
}

// Invite adds somebody (or the bot, by its user id) to a channel on behalf of by.
func (s *Server) Invite(by, channel, user string) error { return errUnfinished }

// Kick removes somebody (or the bot) from a channel.
func (s *Server) Kick(channel, user string) error { return errUnfinished }

// CreateChannel makes a channel and returns its id.
func (s *Server) CreateChannel(by string, c Channel) (string, error) { return "", errUnfinished }

// Rename gives a channel another name.
func (s *Server) Rename(channel, name string) error { return errUnfinished }

// Share connects a channel with another workspace, or ends that.
func (s *Server) Share(channel, team string, on bool) error { return errUnfinished }

// AddPerson adds an account, or replaces the one with the same team and id.
func (s *Server) AddPerson(p Person) error { return errUnfinished }

// OpenDM returns the direct message channel between a person and the bot.
func (s *Server) OpenDM(user string) (channel string, err error) { return "", errUnfinished }

// OpenHome opens the app's home or messages tab, which sends app_home_opened.
func (s *Server) OpenHome(user, tab string) error { return errUnfinished }

// PressStop presses stop on the session of a thread.
func (s *Server) PressStop(user, channel, thread string) error { return errUnfinished }

// RevokeTokens revokes the bot token of a workspace and sends tokens_revoked.
func (s *Server) RevokeTokens(team string) error { return errUnfinished }

// Uninstall removes the app from a workspace and sends app_uninstalled.
func (s *Server) Uninstall(team string) error { return errUnfinished }

// RevokeToken makes one token invalid without telling anybody.
func (s *Server) RevokeToken(token string) {}

// Emit sends any inner event, known to the app or not.
func (s *Server) Emit(team string, event map[string]any) { _ = errUnfinished }

// EmitRaw sends one text frame as it is to the next socket.
func (s *Server) EmitRaw(frame string) error { return errUnfinished }

// Redeliver sends the same envelope again, to the next socket.
func (s *Server) Redeliver(envelopeID string) error { return errUnfinished }

// HoldEvents keeps events back until ReleaseEvents.
func (s *Server) HoldEvents() {}

// ReleaseEvents delivers what was held, in reverse order when asked.
func (s *Server) ReleaseEvents(reverse bool) {}

// Socket is one open connection.
type Socket struct {
	N     int       `json:"n"`
	Since time.Time `json:"since"`
}

// Sockets lists the connections that had their hello.
func (s *Server) Sockets() []Socket { return nil }

// Disconnect sends a disconnect frame with that reason to a socket (0: all) and closes it after grace.
func (s *Server) Disconnect(n int, reason string, grace time.Duration) {}

// Cut closes a socket (0: all) without a word.
func (s *Server) Cut(n int) {}

// Freeze leaves a socket open but silent: nothing is read, sent or pinged.
func (s *Server) Freeze(n int) {}

// DisableSocketMode turns Socket Mode off for the app (link_disabled), or on again.
func (s *Server) DisableSocketMode(off bool) {}

// Messages returns what a person sees in a channel, oldest first, thread replies included.
func (s *Server) Messages(as, channel string) ([]Message, error) { return nil, errUnfinished }

// Thread returns what a person sees in a thread, the parent first.
func (s *Server) Thread(as, channel, thread string) ([]Message, error) { return nil, errUnfinished }

// Status is the assistant or session status shown in a thread.
func (s *Server) Status(channel, thread string) string { return "" }

// Inject makes the next calls of a method go wrong and returns the fault's number.
func (s *Server) Inject(f Fault) int { return 0 }

// WaitHeld blocks until a call is held by that fault.
func (s *Server) WaitHeld(ctx context.Context, fault int) error { return errUnfinished }

// Release lets a held call go on and removes the fault.
func (s *Server) Release(fault int) {}

// ClearFaults removes every fault and lets held calls go on.
func (s *Server) ClearFaults() {}
