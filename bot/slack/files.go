package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	slackgo "github.com/slack-go/slack"

	"aurora/bot"
	"aurora/store"
)

const (
	mostFiles = 5       // files of one message
	mostBytes = 5 << 20 // bytes of one file
)

// attached says which outputs of a message stand below it as a file, by their number.
type attached map[int]bool

// upload is an output that was brought to Slack. Nobody sees it before it is shared.
type upload struct {
	output int
	file   slackgo.FileSummary
	key    string
}

// bring takes the whole of outputs that are shown in part to Slack, so that the message can say whether they come with it. What fails is
// left out; the message then shows head and tail alone.
func (a *Adapter) bring(ctx context.Context, place store.Place, m bot.Message) (brought []upload) {
	if !a.offers(place, uploads) || m.NoFile || len(m.Outputs) == 0 || !a.inHouse(ctx, place) {
		return nil
	}
	for i, out := range m.Outputs {
		text := plain(out.Text)
		if len(text) > mostBytes || len(brought) == mostFiles || !a.renderer(place).abridged(out) {
			continue
		}
		id, err := a.bringOne(ctx, text)
		if err != nil {
			a.noFile(place, err)
			continue
		}
		title := strings.TrimSpace(clip(visibleLine(out.Title), 100))
		if title == "" {
			title = "output"
		}
		key := place.Channel + ":" + place.Thread + ":" + store.HashNonce(text)
		brought = append(brought, upload{output: i, file: slackgo.FileSummary{ID: id, Title: title}, key: key})
	}
	return brought
}

// inHouse tells whether a file may be shown in a place: files go nowhere where outsiders read, and uploading took a while
// since that was last asked.
func (a *Adapter) inHouse(ctx context.Context, place store.Place) bool {
	audience, err := a.Audience(ctx, place)
	return err == nil && !audience.Shared
}

func (a *Adapter) bringOne(ctx context.Context, text string) (id string, err error) {
	name := "output.txt"
	if json.Valid([]byte(text)) {
		name = "output.json"
	}
	ticket, err := a.api.GetUploadURLExternalContext(ctx, slackgo.GetUploadURLExternalParameters{FileName: name, FileSize: len(text)})
	if err != nil {
		return "", fmt.Errorf("ask for an upload: %w", err)
	}
	if err := a.api.UploadToURL(ctx, slackgo.UploadToURLParameters{UploadURL: ticket.UploadURL, Content: text, Filename: name}); err != nil {
		return "", fmt.Errorf("upload an output: %w", err)
	}
	return ticket.FileID, nil
}

// share shows the files below the message at ts. When Slack refuses, the message is corrected.
func (a *Adapter) share(ctx context.Context, place store.Place, ts string, m bot.Message, uploads []upload) {
	thread := place.Thread
	if thread == "" {
		thread = ts
	}
	shown := attached{}
	inHouse := len(uploads) > 0 && a.inHouse(ctx, place)
	for _, u := range uploads {
		if !inHouse {
			break
		}
		if !a.shared.first(ts + ":" + u.key) {
			shown[u.output] = true // an update that is done twice
			continue
		}
		_, err := a.api.CompleteUploadExternalContext(ctx, slackgo.CompleteUploadExternalParameters{
			Files: []slackgo.FileSummary{u.file}, Channel: place.Channel, ThreadTimestamp: thread})
		if err != nil {
			a.shared.forget(ts + ":" + u.key)
			a.noFile(place, err)
			continue
		}
		shown[u.output] = true
	}
	if len(shown) == len(uploads) {
		return
	}
	out := a.renderer(place).with(shown).message(m)
	if _, _, _, err := a.api.UpdateMessageContext(ctx, place.Channel, ts, out.options()...); err != nil {
		a.config.Log.Warn().Str("why", safe(err)).Msg("a message promises a file that could not be shared")
	}
}

// noFile notes that a file was not taken, and whether to ask again at all.
func (a *Adapter) noFile(place store.Place, err error) {
	a.without(place, uploads, err)
	a.config.Log.Warn().Str("why", safe(err)).Msg("a long output is shown without its file")
}

func attachments(uploads []upload) attached {
	files := attached{}
	for _, u := range uploads {
		files[u.output] = true
	}
	return files
}
