package slacksim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// command is the body of a control request: each route reads the fields it needs.
type command struct {
	User     string `json:"user"`
	By       string `json:"by"`
	Team     string `json:"team"`
	Channel  string `json:"channel"`
	Thread   string `json:"thread"`
	TS       string `json:"ts"`
	Text     string `json:"text"`
	Line     string `json:"line"`
	Name     string `json:"name"`
	Tab      string `json:"tab"`
	Token    string `json:"token"`
	ActionID string `json:"action_id"`
	ViewID   string `json:"view_id"`
	Value    string `json:"value"`
	Reason   string `json:"reason"`
	Frame    string `json:"frame"`
	ID       string `json:"id"`

	Raw       bool `json:"raw"`
	Broadcast bool `json:"broadcast"`
	On        bool `json:"on"`
	Reverse   bool `json:"reverse"`
	Copies    int  `json:"copies"`
	Socket    int  `json:"socket"`
	Fault     int  `json:"fault"`
	GraceMS   int  `json:"grace_ms"`
	TimeoutMS int  `json:"timeout_ms"`

	Values     map[string]map[string]string `json:"values"`
	Event      map[string]any               `json:"event"`
	NewChannel *Channel                     `json:"new_channel"`
	NewPerson  *Person                      `json:"new_person"`
	NewFault   *Fault                       `json:"new_fault"`
	Wait       *wanted                      `json:"wait"`
}

// wanted is what a control request waits for; every part given must hold.
type wanted struct {
	Method   string `json:"method"` // answered calls of a method, at least Calls (1)
	Calls    int    `json:"calls"`
	Sockets  int    `json:"sockets"`
	Quiet    bool   `json:"quiet"` // no envelope unacked and no call in hand
	As       string `json:"as"`    // a message this person sees in Channel whose Plain contains Contains
	Channel  string `json:"channel"`
	Contains string `json:"contains"`
}

// answer runs one control request; what it returns goes out as JSON.
type answer func(ctx context.Context, c command) (any, error)

// controlRoutes are the control API: POST /sim/{deed} with a JSON body for everything people and tests do, GET for
// what there is to see.
func (s *Server) controlRoutes(mux *http.ServeMux) {
	for _, deeds := range []map[string]answer{s.speaking(), s.changing(), s.delivering(), s.breaking()} {
		for name, run := range deeds {
			mux.HandleFunc("POST /sim/"+name, s.guard(s.serveControl(run)))
		}
	}
	mux.HandleFunc("GET /sim/state", s.guard(s.serveState))
	mux.HandleFunc("GET /sim/stream", s.guard(s.serveStream))
	mux.HandleFunc("GET /sim/messages", s.guard(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		messages, err := s.Messages(q.Get("as"), q.Get("channel"))
		if thread := q.Get("thread"); err == nil && thread != "" {
			messages, err = s.Thread(q.Get("as"), q.Get("channel"), thread)
		}
		reply(w, object{"messages": messages}, err)
	}))
	mux.HandleFunc("GET /sim/modals", s.guard(func(w http.ResponseWriter, r *http.Request) {
		reply(w, object{"modals": s.Modals(r.URL.Query().Get("as"))}, nil)
	}))
	mux.HandleFunc("GET /sim/calls", s.guard(func(w http.ResponseWriter, r *http.Request) {
		reply(w, object{"calls": s.Calls(r.URL.Query().Get("method"))}, nil)
	}))
	mux.HandleFunc("GET /sim/deliveries", s.guard(func(w http.ResponseWriter, _ *http.Request) {
		reply(w, object{"deliveries": s.Deliveries()}, nil)
	}))
	mux.HandleFunc("GET /sim/sockets", s.guard(func(w http.ResponseWriter, _ *http.Request) {
		reply(w, object{"sockets": s.Sockets()}, nil)
	}))
}

// serveControl decodes a control request strictly and answers it.
func (s *Server) serveControl(run answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !isJSON(r) {
			writeJSON(w, http.StatusUnsupportedMediaType, object{"ok": false, "error": "send a JSON body with Content-Type application/json"})
			return
		}
		decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		decoder.DisallowUnknownFields()
		var c command
		if err := decoder.Decode(&c); err != nil {
			writeJSON(w, http.StatusBadRequest, object{"ok": false, "error": err.Error()})
			return
		}
		out, err := run(r.Context(), c)
		reply(w, out, err)
	}
}

// reply answers with ok and what there is, or with the error as a sentence.
func reply(w http.ResponseWriter, out any, err error) {
	if err != nil {
		writeJSON(w, http.StatusUnprocessableEntity, object{"ok": false, "error": err.Error()})
		return
	}
	body := asObject(out)
	if body == nil {
		body = object{}
	}
	body["ok"] = true
	writeJSON(w, http.StatusOK, body)
}

// speaking is what people do in channels.
func (s *Server) speaking() map[string]answer {
	return map[string]answer{
		"say": func(_ context.Context, c command) (any, error) {
			ts, err := s.Say(c.User, c.Channel, c.Text, c.sayOptions()...)
			return object{"ts": ts}, err
		},
		"edit":   func(_ context.Context, c command) (any, error) { return nil, s.Edit(c.User, c.Channel, c.TS, c.Text) },
		"delete": func(_ context.Context, c command) (any, error) { return nil, s.Delete(c.User, c.Channel, c.TS) },
		"slash": func(_ context.Context, c command) (any, error) {
			o, err := s.Slash(c.User, c.Channel, c.Line, FromThread(c.Thread))
			return object{"outcome": o}, err
		},
		"click": func(_ context.Context, c command) (any, error) {
			o, err := s.Choose(c.User, c.Channel, c.TS, c.ActionID, c.Value)
			return object{"outcome": o}, err
		},
		"viewclick": func(_ context.Context, c command) (any, error) {
			o, err := s.ClickView(c.User, c.ViewID, c.ActionID, c.Value)
			return object{"outcome": o}, err
		},
		"shortcut": func(_ context.Context, c command) (any, error) {
			use := func() (Outcome, error) { return s.UseShortcut(c.User, c.Channel, c.TS, c.Name) }
			if c.TS == "" {
				use = func() (Outcome, error) { return s.UseGlobalShortcut(c.User, c.Name) }
			}
			o, err := use()
			return object{"outcome": o}, err
		},
		"submit": func(_ context.Context, c command) (any, error) {
			o, err := s.SubmitView(c.User, c.ViewID, c.Values)
			return object{"outcome": o}, err
		},
		"close": func(_ context.Context, c command) (any, error) { return nil, s.CloseView(c.User, c.ViewID) },
		"stop":  func(_ context.Context, c command) (any, error) { return nil, s.PressStop(c.User, c.Channel, c.Thread) },
		"home":  func(_ context.Context, c command) (any, error) { return nil, s.OpenHome(c.User, c.Tab) },
		"dm": func(_ context.Context, c command) (any, error) {
			id, err := s.OpenDM(c.User)
			return object{"channel": id}, err
		},
	}
}

func (c command) sayOptions() []SayOption {
	var opts []SayOption
	if c.Thread != "" {
		opts = append(opts, InThread(c.Thread))
	}
	if c.Broadcast {
		opts = append(opts, Broadcast())
	}
	if c.Raw {
		opts = append(opts, Raw())
	}
	if c.Copies > 0 {
		opts = append(opts, Copies(c.Copies))
	}
	return opts
}

// changing is what changes the world.
func (s *Server) changing() map[string]answer {
	return map[string]answer{
		"invite": func(_ context.Context, c command) (any, error) { return nil, s.Invite(c.By, c.Channel, c.User) },
		"join":   func(_ context.Context, c command) (any, error) { return nil, s.Join(c.User, c.Channel) },
		"leave":  func(_ context.Context, c command) (any, error) { return nil, s.Leave(c.User, c.Channel) },
		"kick":   func(_ context.Context, c command) (any, error) { return nil, s.Kick(c.Channel, c.User) },
		"rename": func(_ context.Context, c command) (any, error) { return nil, s.Rename(c.Channel, c.Name) },
		"move":   func(_ context.Context, c command) (any, error) { return nil, s.ChangeID(c.Channel, c.ID) },
		"share":  func(_ context.Context, c command) (any, error) { return nil, s.Share(c.Channel, c.Team, c.On) },
		"channel": func(_ context.Context, c command) (any, error) {
			if c.NewChannel == nil {
				return nil, errors.New("give new_channel")
			}
			id, err := s.CreateChannel(c.By, *c.NewChannel)
			return object{"channel": id}, err
		},
		"person": func(_ context.Context, c command) (any, error) {
			if c.NewPerson == nil {
				return nil, errors.New("give new_person")
			}
			return nil, s.AddPerson(*c.NewPerson)
		},
		"deactivate": func(_ context.Context, c command) (any, error) { return nil, s.Deactivate(c.User) },
		"feature": func(_ context.Context, c command) (any, error) {
			return nil, s.Switch(c.Team, Feature(c.Name), c.On)
		},
		"revoke": func(_ context.Context, c command) (any, error) {
			if c.Token != "" {
				s.RevokeToken(c.Token)
				return nil, nil
			}
			return nil, s.RevokeTokens(c.Team)
		},
		"uninstall": func(_ context.Context, c command) (any, error) { return nil, s.Uninstall(c.Team) },
	}
}

// delivering is about envelopes and sockets.
func (s *Server) delivering() map[string]answer {
	return map[string]answer{
		"emit":      func(_ context.Context, c command) (any, error) { s.Emit(c.Team, c.Event); return nil, nil },
		"raw":       func(_ context.Context, c command) (any, error) { return nil, s.EmitRaw(c.Frame) },
		"redeliver": func(_ context.Context, c command) (any, error) { return nil, s.Redeliver(c.ID) },
		"hold":      func(context.Context, command) (any, error) { s.HoldEvents(); return nil, nil },
		"unhold":    func(_ context.Context, c command) (any, error) { s.ReleaseEvents(c.Reverse); return nil, nil },
		"disconnect": func(_ context.Context, c command) (any, error) {
			s.Disconnect(c.Socket, firstOf(c.Reason, "refresh_requested"), time.Duration(c.GraceMS)*time.Millisecond)
			return nil, nil
		},
		"cut":    func(_ context.Context, c command) (any, error) { s.Cut(c.Socket); return nil, nil },
		"freeze": func(_ context.Context, c command) (any, error) { s.Freeze(c.Socket); return nil, nil },
		"link":   func(_ context.Context, c command) (any, error) { s.DisableSocketMode(!c.On); return nil, nil },
	}
}

// breaking is about faults, and about waiting for what they bring about.
func (s *Server) breaking() map[string]answer {
	return map[string]answer{
		"inject": func(_ context.Context, c command) (any, error) {
			if c.NewFault == nil || !slices.Contains(faultKinds(), c.NewFault.Kind) {
				return nil, fmt.Errorf("give new_fault with a kind of %v", faultKinds())
			}
			return object{"fault": s.Inject(*c.NewFault)}, nil
		},
		"release": func(_ context.Context, c command) (any, error) { s.Release(c.Fault); return nil, nil },
		"clear":   func(context.Context, command) (any, error) { s.ClearFaults(); return nil, nil },
		"forget":  func(context.Context, command) (any, error) { s.Forget(); return nil, nil },
		"held": func(ctx context.Context, c command) (any, error) {
			ctx, cancel := c.deadline(ctx)
			defer cancel()
			return nil, s.WaitHeld(ctx, c.Fault)
		},
		"wait": func(ctx context.Context, c command) (any, error) {
			if c.Wait == nil {
				return nil, errors.New("give wait")
			}
			ctx, cancel := c.deadline(ctx)
			defer cancel()
			return nil, s.waitFor(ctx, *c.Wait)
		},
	}
}

// deadline bounds how long a control request waits: timeout_ms, or 10 s.
func (c command) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	d := 10 * time.Second
	if c.TimeoutMS > 0 {
		d = time.Duration(c.TimeoutMS) * time.Millisecond
	}
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("that did not happen within %s", d))
}

func (s *Server) waitFor(ctx context.Context, want wanted) error {
	if want.Method != "" {
		if _, err := s.WaitCalls(ctx, want.Method, max(1, want.Calls)); err != nil {
			return err
		}
	}
	if want.Sockets > 0 {
		if err := s.WaitSockets(ctx, want.Sockets); err != nil {
			return err
		}
	}
	if want.As != "" {
		_, err := s.WaitMessage(ctx, want.As, want.Channel, func(m Message) bool { return strings.Contains(m.Plain, want.Contains) })
		if err != nil {
			return err
		}
	}
	if want.Quiet {
		return s.WaitQuiet(ctx)
	}
	return nil
}
