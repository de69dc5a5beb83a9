package slack

import (
	"errors"
	"slices"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

// feature is something a workspace may lack, by its plan or because its admins said no. Without it plain messages do.
type feature string

const (
	statusLines feature = "status lines"      // assistant.threads.setStatus
	sessions    feature = "sessions"          // agents.sessions.*, and with it the stop button
	titles      feature = "titles"            // assistant.threads.setTitle
	prompts     feature = "suggested prompts" // assistant.threads.setSuggestedPrompts
	uploads     feature = "files"
	newBlocks   feature = "tables and feedback buttons"
)

// askAgain is how long a workspace is remembered to lack a feature: it may be upgraded.
const askAgain = 6 * time.Hour

// features remembers what which workspace lacks, so that it is asked once in a while and not each time. Another process
// finds out for itself.
type features struct {
	mu    sync.Mutex
	lacks map[string]time.Time // by team and feature, until when
}

// offers tells whether a feature is to be used in a workspace.
func (f *features) offers(team string, what feature) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().After(f.lacks[team+":"+string(what)])
}

// lack notes that a workspace does not have a feature; first tells that this is news.
func (f *features) lack(team string, what feature) (first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lacks == nil {
		f.lacks = map[string]time.Time{}
	}
	key := team + ":" + string(what)
	first = time.Now().After(f.lacks[key])
	f.lacks[key] = time.Now().Add(askAgain)
	return first
}

// offers tells whether the workspace of a place has a feature, as far as is known.
func (a *Adapter) offers(place store.Place, what feature) bool {
	return a.features.offers(place.Team, what)
}

// without tells whether err says that the workspace does not have a feature, and remembers it.
func (a *Adapter) without(place store.Place, what feature, err error) bool {
	switch slackWord(err) {
	case "feature_not_enabled", "feature_disabled", "not_enabled", "not_allowed_token_type", "unknown_method", "missing_scope",
		"no_permission", "access_denied", "file_uploads_disabled":
		a.lacking(place, what, err)
		return true
	}
	return false
}

func (a *Adapter) lacking(place store.Place, what feature, err error) {
	if a.features.lack(place.Team, what) {
		a.config.Log.Info().Str("feature", string(what)).Str("why", safe(err)).Msg("this workspace lacks a feature, so plain messages do")
	}
}

// renderer is how messages are drawn for a workspace.
func (a *Adapter) renderer(place store.Place) renderer {
	r := a.render
	r.bare = !a.offers(place, newBlocks)
	return r
}

// drawings are the ways to show a message, the best one first. What Slack refuses of one is no reason to say nothing.
func (a *Adapter) drawings(place store.Place, m bot.Message, files []upload) []rendered {
	r := a.renderer(place).with(attachments(files))
	best := r.message(m)
	ways := []rendered{best}
	if best.hasNewBlocks() {
		r.bare = true
		ways = append(ways, r.message(m))
	}
	if m.Card == nil && m.Secret == "" { // a card without its blocks could not be answered, a secret would not be shown
		ways = append(ways, rendered{text: best.text})
	}
	return ways
}

// shown gives a message to send, in one way after the other while Slack refuses how it is drawn: nothing stands there then.
func (a *Adapter) shown(place store.Place, ways []rendered, send func(rendered) error) (err error) {
	unknown := false
	for _, way := range ways {
		if err = send(way); !refusedBlocks(err) {
			if err == nil && unknown && len(way.blocks) > 0 {
				a.lacking(place, newBlocks, errNewBlocks)
			}
			return err
		}
		unknown = unknown || way.hasNewBlocks() && slackWord(err) == "invalid_blocks"
	}
	return err
}

var errNewBlocks = errors.New("invalid_blocks")

// hasNewBlocks tells whether a message has blocks that not every workspace takes.
func (r rendered) hasNewBlocks() bool {
	return slices.ContainsFunc(r.blocks, func(b slackgo.Block) bool {
		return b.BlockType() == slackgo.MBTTable || b.BlockType() == slackgo.MBTContextActions
	})
}
