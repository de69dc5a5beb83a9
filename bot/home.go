package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"aurora/store"
)

// Homes keeps people's Home up to date. A call only says that it may have changed: it is drawn later and beside, from
// what is true then, so one may say it as often as one likes.
type Homes interface {
	// HomeChanged says that what a person's Home shows may have changed; notice is what came of a press there, or "".
	HomeChanged(p store.Person, notice string)
}

// Home is what a person sees of Aurora when he opens it: what is his own alone. It holds no output of any command and
// no secret, and nothing on it confirms anything.
type Home struct {
	Refusal     string // why the person sees nothing else
	Trouble     string // why a part of it is missing
	Frozen      string
	Place       store.Place // where the person talks to Aurora alone: what the mode is for
	Mode        store.Mode  // "" while it cannot be told
	Role        store.Role
	Connections []HomeConnection
	Waiting     []HomeWaiting
	Turns       []HomeTurn
	Connectable []store.Cloud
}

// HomeConnection is a connection the person may use. Own ones can be disconnected.
type HomeConnection struct {
	Cloud    store.Cloud
	Account  string
	Label    string
	Projects []string
	Using    string // the project chosen with `use`
	Own      bool
	ReadOnly bool
	Broken   bool
	Expires  time.Time // when its credential ends by itself, zero when that is not known
	LastUsed time.Time // zero when that is not known
}

// HomeWaiting is a confirmation that waits for a click on its card, which stands at Place and TS.
type HomeWaiting struct {
	Title string
	Until time.Time
	Place store.Place
	TS    string
}

// HomeTurn is something the person asked. Text is the beginning of it, "" once that is forgotten.
type HomeTurn struct {
	Text  string
	State store.TurnState
	Place store.Place
	At    time.Time
}

const (
	homeTurns  = 8
	homeOpen   = 7 * 24 * time.Hour // how long after it was opened a Home is kept up to date
	homeTime   = 3 * time.Second
	homeWords  = 70
	homeNoData = "My database is away, so I can't show everything here right now. Nothing is lost; open this tab again in a minute."
	homeNoMind = "My short-term memory is away, so I can't tell your mode or what waits for your click. Open this tab again in a minute."
)

// homeChanged tells the platform of a person that his Home may have changed.
func (d *Desk) homeChanged(p store.Person, notice string) {
	if homes := d.Chats[p.Platform].Homes; homes != nil && p.ID != "" {
		homes.HomeChanged(p, notice)
	}
}

// Home tells what a person's Home shows now. opened is the place he talks to Aurora in, when he has just opened it;
// without it, shown is false for whoever has not opened it lately. It never fails: what is missing is told in it.
func (v *Views) Home(ctx context.Context, p store.Person, opened store.Place) (h Home, shown bool) {
	ctx, cancel := context.WithTimeout(ctx, homeTime)
	defer cancel()
	place, ok := v.homePlace(ctx, p, opened)
	if !ok {
		return Home{}, false
	}
	h = Home{Place: place, Connectable: v.Desk.Settings.Connectable}
	a, refusal, err := v.Desk.identify(ctx, place, p)
	switch {
	case err != nil:
		v.Log.Warn().Err(err).Msg("home: find out who it is")
		h.Trouble = homeNoData
	case refusal != "":
		h = Home{Place: place, Refusal: refusal}
	default:
		v.fillHome(ctx, &h, a)
	}
	return h, true
}

func (v *Views) homePlace(ctx context.Context, p store.Person, opened store.Place) (store.Place, bool) {
	if opened.Channel != "" {
		if err := v.Opened.KeepHome(ctx, p, opened.Channel, homeOpen); err != nil {
			v.Log.Warn().Err(err).Msg("home: it will not follow what changes")
		}
		return opened, true
	}
	channel, err := v.Opened.HomeOf(ctx, p)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		v.Log.Warn().Err(err).Msg("home: tell whether it was opened")
	}
	opened.Channel = channel
	return opened, err == nil
}

func (v *Views) fillHome(ctx context.Context, h *Home, a asker) {
	d := v.Desk
	h.Role = a.User.Role
	mode, err := d.modeNow(ctx, a.Person, homeThread(h.Place, a.Person), h.Place)
	if h.Mode = mode; err != nil {
		h.Mode, h.Trouble = "", homeNoMind
	}
	missing := func(what string, err error) {
		if err == nil {
			return
		}
		v.Log.Warn().Err(err).Msg("home: " + what)
		h.Trouble = cmp.Or(h.Trouble, homeNoData)
	}
	frozen, isFrozen, err := d.Freezer.Frozen(ctx, a.Org.ID)
	missing("read the freeze", err)
	if isFrozen {
		h.Frozen = fmt.Sprintf("Frozen since %s: nothing is changed until an admin says unfreeze.", clock(frozen.At))
	}
	h.Connections, err = v.homeConnections(ctx, a)
	missing("list connections", err)
	turns, err := v.Recent.RecentTurns(ctx, a.Org.ID, a.User.ID, homeTurns)
	missing("list recent turns", err)
	for _, t := range turns {
		state := t.State
		if state == store.TurnWaiting {
			waiting, err := v.homeWaiting(ctx, a, t)
			if err != nil {
				v.Log.Warn().Err(err).Msg("home: list what waits")
				h.Trouble = cmp.Or(h.Trouble, homeNoMind)
			}
			if h.Waiting = append(h.Waiting, waiting...); len(waiting) == 0 && err == nil {
				state = store.TurnDone // its cards were answered
			}
		}
		text := strings.Join(strings.Fields(t.Text), " ")
		h.Turns = append(h.Turns, HomeTurn{Text: clip(text, homeWords), State: state, Place: t.Place, At: t.CreatedAt})
	}
}

func (v *Views) homeConnections(ctx context.Context, a asker) ([]HomeConnection, error) {
	conns, err := v.Desk.Connections.Connections(ctx, a.Org.ID, a.User.ID)
	if err != nil {
		return nil, err
	}
	selected, err := v.Desk.Preferences.Selections(ctx, a.User.ID)
	if err != nil {
		return nil, err
	}
	used, err := v.Recent.LastUsed(ctx, a.Org.ID, a.User.ID)
	if err != nil {
		return nil, err
	}
	var list []HomeConnection
	for _, c := range conns {
		shown := HomeConnection{Cloud: c.Cloud, Account: c.Account, Label: c.Label, Projects: homeProjects(c.Projects), Own: c.UserID == a.User.ID,
			ReadOnly: c.ReadOnly, Broken: c.Status == store.ConnectionBroken, Expires: c.Expires(), LastUsed: used[c.ID]}
		for _, s := range selected {
			if s.Cloud == c.Cloud {
				shown.Using = s.Project
			}
		}
		list = append(list, shown)
	}
	return list, nil
}

// homeProjects is as many of a connection's projects as a Home has room for.
func homeProjects(ids []string) []string {
	const most = 10
	if len(ids) <= most {
		return ids
	}
	return append(slices.Clone(ids[:most]), fmt.Sprintf("and %d more", len(ids)-most))
}

// homeWaiting lists the cards of a person's turn that can still be answered.
func (v *Views) homeWaiting(ctx context.Context, a asker, t store.Turn) ([]HomeWaiting, error) {
	ids, err := v.Desk.Waiting.PendingOf(ctx, t.ID)
	if err != nil {
		return nil, err
	}
	var list []HomeWaiting
	for _, id := range ids {
		conf, err := v.Desk.Confirmations.Confirmation(ctx, id)
		if err != nil || conf.UserID != a.User.ID {
			continue // gone meanwhile, or none of his
		}
		place, ts, err := v.Desk.Standing.PostTS(ctx, conf.Turn, conf.CardPart)
		if err != nil || ts == "" {
			continue // nobody can see its card yet
		}
		list = append(list, HomeWaiting{Title: waitingTitle(conf), Until: conf.Expires, Place: place, TS: ts})
	}
	return list, nil
}

// waitingTitle says what waits without saying what it would touch: the card does.
func waitingTitle(c store.Confirmation) string {
	effect := "change"
	if len(c.Commands) > 0 {
		effect = c.Commands[0].Effect
	}
	return fmt.Sprintf("%s in %s %s", effect, c.Cloud, c.Account)
}

// homeThread is the thread that presses on a Home are worked on in: a person's own.
func homeThread(place store.Place, p store.Person) string {
	return strings.Join([]string{place.Team, place.Channel, p.ID}, ":")
}
