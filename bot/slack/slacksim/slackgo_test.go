package slacksim_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"aurora/bot/slack/slacksim"

	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/slack-go/slack/socketmode"
)

// startSlackGo runs a slack-go app that answers mentions, commands and buttons, until the test ends.
func startSlackGo(t *testing.T, s *slacksim.Server) *slack.Client {
	t.Helper()
	api := slack.New(s.BotToken(""), slack.OptionAppLevelToken(s.AppToken()), slack.OptionAPIURL(s.URL()))
	client := socketmode.New(api)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-client.Events:
				handleSlackGo(ctx, api, client, e)
			}
		}
	}()
	go func() { _ = client.RunContext(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	if err := s.WaitSockets(deadline(t), 1); err != nil {
		t.Fatal(err)
	}
	return api
}

func handleSlackGo(ctx context.Context, api *slack.Client, client *socketmode.Client, e socketmode.Event) {
	if e.Request == nil || e.Request.EnvelopeID == "" {
		return
	}
	_ = client.AckCtx(ctx, e.Request.EnvelopeID, nil)
	switch data := e.Data.(type) {
	case slackevents.EventsAPIEvent:
		if m, ok := data.InnerEvent.Data.(*slackevents.AppMentionEvent); ok {
			approve := slack.NewButtonBlockElement("approve", "v", slack.NewTextBlockObject("plain_text", "Approve", false, false))
			output := slack.NewRichTextBlock("", &slack.RichTextPreformatted{
				Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement("out\nput", nil)}})
			_, _, _ = api.PostMessageContext(ctx, m.Channel, slack.MsgOptionTS(m.TimeStamp), slack.MsgOptionText("Hello", true),
				slack.MsgOptionBlocks(output, slack.NewActionBlock("", approve)), slack.MsgOptionParse(false),
				slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
				slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "turn", EventPayload: map[string]any{"part": 1}}))
		}
	case slack.InteractionCallback:
		_, _, _, _ = api.UpdateMessageContext(ctx, data.Channel.ID, data.Container.MessageTs, slack.MsgOptionText("Approved by "+data.User.ID, true), slack.MsgOptionBlocks())
	case slack.SlashCommand:
		_, _ = api.PostEphemeralContext(ctx, data.ChannelID, data.UserID, slack.MsgOptionText("Taken: "+data.Text, true))
	}
}

func TestSlackGoRunsUnchanged(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	api := startSlackGo(t, s)
	ts, err := s.Say(ada, ops, "@aurora hello")
	if err != nil {
		t.Fatal(err)
	}
	card, err := s.WaitMessage(deadline(t), ada, ops, func(m slacksim.Message) bool { return m.ThreadTS == ts && m.BotID != "" })
	if err != nil || card.Plain != "out\nput\n[Approve]" || len(card.Unfurls) != 0 || card.Metadata == nil {
		t.Fatalf("answer: %+v, %v", card, err)
	}
	if o, err := s.Click(ben, ops, card.TS, "approve"); err != nil || !o.Acked {
		t.Fatalf("click: %+v, %v", o, err)
	}
	if _, err := s.WaitMessage(deadline(t), ada, ops, func(m slacksim.Message) bool { return m.Plain == "Approved by "+ben && len(m.Buttons) == 0 }); err != nil {
		t.Errorf("the card is not replaced: %v", err)
	}
	if o, err := s.Slash(ada, ops, "/aurora mode ask"); err != nil || !o.Acked {
		t.Fatalf("slash: %+v, %v", o, err)
	}
	if _, err := s.WaitMessage(deadline(t), ada, ops, func(m slacksim.Message) bool { return m.Plain == "Taken: mode ask" && m.Ephemeral }); err != nil {
		t.Errorf("whisper: %v", err)
	}
	replies, _, _, err := api.GetConversationRepliesContext(t.Context(), &slack.GetConversationRepliesParameters{ChannelID: ops, Timestamp: ts, IncludeAllMetadata: true})
	if err != nil || len(replies) != 2 || replies[1].Metadata.EventType != "turn" || replies[0].ReplyCount != 1 {
		t.Errorf("replies: %+v, %v", replies, err)
	}
	if _, err := api.UploadFileContext(t.Context(), slack.UploadFileParameters{Content: "long output", Filename: "out.txt", FileSize: 11, Channel: ops, ThreadTimestamp: ts}); err != nil {
		t.Errorf("upload: %v", err)
	}
	if thread, _ := s.Thread(ada, ops, ts); len(thread) != 3 || string(thread[2].Files[0].Contents) != "long output" {
		t.Errorf("thread after the upload: %+v", thread)
	}
}

func TestSlackGoUnderstandsRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, slacksim.Config{})
	api := slack.New(s.BotToken(""), slack.OptionAPIURL(s.URL()))
	s.Inject(slacksim.Fault{Method: "chat.postMessage", Kind: slacksim.FaultRateLimit, RetryAfter: 3 * time.Second})
	_, _, err := api.PostMessageContext(t.Context(), ops, slack.MsgOptionText("x", false))
	var limited *slack.RateLimitedError
	if !errors.As(err, &limited) || limited.RetryAfter != 3*time.Second {
		t.Errorf("429: %v", err)
	}
	s.Inject(slacksim.Fault{Method: "chat.postMessage", Kind: slacksim.FaultStatus})
	_, _, err = api.PostMessageContext(t.Context(), ops, slack.MsgOptionText("x", false))
	var status slack.StatusCodeError
	if !errors.As(err, &status) || status.Code != http.StatusInternalServerError {
		t.Errorf("500: %v", err)
	}
	_, err = api.GetConversationInfoContext(t.Context(), &slack.GetConversationInfoInput{ChannelID: "CNOWHERE"})
	var refused slack.SlackErrorResponse
	if !errors.As(err, &refused) || refused.Err != "channel_not_found" {
		t.Errorf("refusal: %v", err)
	}
}
