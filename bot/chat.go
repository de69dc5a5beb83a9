package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aurora/store"
)

// Chat is what Worker needs of a platform to speak. Implementations classify their errors: *Later, ErrUndeliverable,
// ErrInDoubt; anything else is taken as ErrInDoubt.
type Chat interface {
	// Post says m, in place.Whisper's direct messages where place has no channel, and gives where it stands. Its meta travels with the message so that Find finds it.
	// Post and Update answer ErrOverheard when others than m.Readers read there by the time it is m's turn.
	Post(ctx context.Context, place store.Place, m Message, meta Meta) (ts string, err error)
	// Update replaces the message at ts; doing it twice does no harm. ErrGone when it does not stand there any more.
	Update(ctx context.Context, place store.Place, ts string, m Message) error
	// Whisper shows m to place.Whisper alone, in his direct messages where place has no channel. reply is the platform's own way to answer the event, or empty.
	Whisper(ctx context.Context, place store.Place, m Message, reply store.Secret) error
	// What is shown once (m.Secret) is ErrUndeliverable where it would stay: Post never says it.
	// Find looks for a message that was posted with meta; store.ErrNotFound when it is surely not there.
	Find(ctx context.Context, place store.Place, meta Meta) (ts string, err error)
}

// Directory is what Worker needs of a platform to know who is there. Both answers are fresh enough to decide on.
type Directory interface {
	// Profile tells what kind of account a person is.
	Profile(ctx context.Context, team string, p store.Person) (Profile, error)
	// Audience tells who can read a place.
	Audience(ctx context.Context, place store.Place) (Audience, error)
	// History gives up to limit messages that stand before ts in the thread of place, oldest first.
	History(ctx context.Context, place store.Place, before string, limit int) ([]Said, error)
}

// Splitter cuts a message into as many as the platform's limits demand, the first one to stand over the placeholder.
type Splitter interface {
	Split(m Message) []Message
}

// Meta marks a posted message: the turn it belongs to and which part of it this is. It is public.
type Meta struct {
	Turn string `json:"turn"`
	Part int    `json:"part"`
}

// Kind is what a chat account is.
type Kind string

// The kinds of accounts; only members may use Aurora.
const (
	Member      Kind = "member"
	Guest       Kind = "guest"
	External    Kind = "external" // of another organisation
	Robot       Kind = "bot"
	Deactivated Kind = "deactivated"
	Unknown     Kind = "unknown" // the platform does not let Aurora look people up, which only an admin can mend
)

// Profile is what the platform says of a person. Name and Email are display text: nothing is decided by them.
type Profile struct {
	Kind  Kind
	Name  string
	Email string
}

// Audience is who can read a place.
type Audience struct {
	Direct bool   // a DM with Aurora
	Shared bool   // guests or other organisations are there, or that cannot be told
	Guests bool   // guests are known to be there
	Others bool   // other organisations are known to be there
	Crowd  string // stands for everybody who is in a shared place, one by one; empty where that cannot be told
	Name   string // the channel's name: untrusted text
}

// The words for who reads a shared place besides the workspace's members.
const (
	readGuests  = "guests"
	readOthers  = "people of other organisations"
	readUnknown = "people I cannot tell"
)

// outsiders says who reads a place besides members; nil where nobody does.
func (a Audience) outsiders() []string {
	var who []string
	if a.Guests {
		who = append(who, readGuests)
	}
	if a.Others {
		who = append(who, readOthers)
	}
	if a.Shared && (who == nil || a.Crowd == "") {
		who = append(who, readUnknown)
	}
	return who
}

// Readers is who may read a message besides the workspace's members. Waiting for a channel's pace and uploading files take
// their time, so the platform looks once more right before it sends, unless that was just done.
type Readers struct {
	Agreed []string  // the outsiders its asker was told of; nil where members alone may read it
	Crowd  string    // who was there when he was told
	Seen   time.Time // when it was last looked who reads there
}

// freshAudience is how long an answer about who reads a place holds: asking takes about that long itself.
const freshAudience = time.Second

// Fresh tells whether it was just now looked who reads there.
func (r *Readers) Fresh() bool { return r == nil || time.Since(r.Seen) < freshAudience }

// May tells whether those who read a place now may read the message: members, or the very people its asker had in front
// of him when he was told of outsiders.
func (r *Readers) May(now Audience) bool {
	return now.Direct || !now.Shared || r.Crowd == now.Crowd && agreed(r.Agreed, now.outsiders())
}

// Said is a message somebody else wrote: untrusted text.
type Said struct {
	Person store.Person // an app where it posted for a person; zero where the words are more than one's
	Own    bool         // Aurora wrote it
	Text   string
	TS     string
}

var (
	// ErrUndeliverable says that the message will never get there: channel gone, Aurora not in it.
	ErrUndeliverable = errors.New("the message cannot be delivered")
	// ErrGone says that the message to be replaced was taken away.
	ErrGone = errors.New("the message does not stand there any more")
	// ErrOverheard says that people from outside came in after it was decided what to say; nothing was delivered.
	ErrOverheard = errors.New("others can read there by now")
	// ErrInDoubt says that the message may or may not stand there: Find before trying again.
	ErrInDoubt = errors.New("it is not known whether the message was delivered")
)

// Later says that the platform asks to wait; nothing was delivered.
type Later struct{ After time.Duration }

func (l *Later) Error() string { return fmt.Sprintf("the platform asks to wait %s", l.After) }
