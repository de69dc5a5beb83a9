package bot

import (
	"encoding/json"
	"fmt"

	"aurora/store"
)

// outgoing is the body of an outbox row: a message and what it takes to send it.
type outgoing struct {
	Message Message             `json:"message"`
	Reply   string              `json:"reply,omitempty"`   // the platform's own way to answer; a capability, erased when sent
	Asker   string              `json:"asker,omitempty"`   // set when the message shows cloud output: whom to whisper it to where strangers read
	Private bool                `json:"private,omitempty"` // it is for the asker alone wherever others read
	Instead *Message            `json:"instead,omitempty"` // what stands in the open when Message may not; our own sentence when nil
	Quiet   bool                `json:"quiet,omitempty"`   // Instead says all that matters: Message is not whispered
	Agreed  []string            `json:"agreed,omitempty"`  // the outsiders the asker was told of when he had it shared
	Crowd   string              `json:"crowd,omitempty"`   // who was there when he was told
	Offer   *offer              `json:"offer,omitempty"`   // of a whisper: it can be shared
	Keep    *exchange           `json:"keep,omitempty"`    // what the thread remembers once it is said
	Confirm *store.Confirmation `json:"confirm,omitempty"` // the card's record, kept in Redis from the moment the card is sent
}

// exchange is what a thread remembers of an answer, besides its text.
type exchange struct {
	User    string `json:"user"`
	Ask     string `json:"ask,omitempty"`
	Private bool   `json:"private,omitempty"` // a later turn that is told of it whispers too
}

// The parts of a turn's messages. Part 0 is the placeholder that the answer replaces.
const (
	partPlaceholder = 0
	partAnswer      = 1    // the update of the placeholder
	partMore        = 2    // what did not fit, and further messages
	partCards       = 100  // confirmation cards
	partNotices     = 300  // whispers beside the answer
	partEdits       = 500  // a card's later edit: partEdits + the card's part
	partHidden      = 1000 // what was to be said in the open and is whispered: partHidden + its part
	partShared      = 2000 // what was whispered and the asker had shared: partShared + the part that was withheld
)

// rowTurn stands for a turn in posts that answer an event without one.
func rowTurn(row store.Received) string { return fmt.Sprintf("inbox_%d", row.ID) }

// say makes a public post.
func say(turn string, part int, place store.Place, out outgoing) store.Post {
	return newPost(store.PostMessage, turn, part, place, out)
}

// whisper answers an event for the person's eyes alone; where he is alone with Aurora that is an ordinary message.
func whisper(row store.Received, m Message) store.Post { return whisperPart(row, partPlaceholder, m) }

func whisperPart(row store.Received, part int, m Message) store.Post {
	reply, direct := replyOf(row)
	if direct {
		return say(rowTurn(row), part, row.Place, outgoing{Message: m})
	}
	return whisperTo(rowTurn(row), part, row.Place, row.Person, outgoing{Message: m, Reply: reply})
}

func whisperTo(turn string, part int, place store.Place, p store.Person, out outgoing) store.Post {
	place.Whisper = p.ID
	return newPost(store.PostWhisper, turn, part, place, out)
}

// edit replaces the message that part target of a turn became.
func edit(turn string, part, target int, place store.Place, out outgoing) store.Post {
	post := newPost(store.PostUpdate, turn, part, place, out)
	post.Target = target
	return post
}

func newPost(kind store.PostKind, turn string, part int, place store.Place, out outgoing) store.Post {
	body, err := json.Marshal(out)
	if err != nil { // unreachable: a message holds nothing that cannot be marshalled
		body = []byte(`{"message":{"notice":"Something went wrong on my side."}}`)
	}
	return store.Post{Turn: turn, Part: part, Kind: kind, Place: place, Body: body}
}

// replyOf reads from an event's payload how to answer it, and whether it was written in a DM.
func replyOf(row store.Received) (reply string, direct bool) {
	var p struct {
		ReplyURL string `json:"reply_url"`
		Direct   bool   `json:"direct"`
	}
	if json.Unmarshal(row.Payload, &p) != nil {
		return "", false
	}
	return p.ReplyURL, p.Direct
}

// notice is a message of one sentence.
func notice(format string, args ...any) Message { return Message{Notice: fmt.Sprintf(format, args...)} }

// sorry is what people see of an error of ours; the log has the cause under the same reference.
func sorry(ref string) Message {
	return notice("Something went wrong on my side, and nothing more was done (ref %s). Please try again, or tell whoever runs Aurora.", store.HashNonce(ref)[:8])
}
