package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"aurora/bot/slack/slacksim"
)

// tellable is how long a text must be to be looked for in the log: "stop" is there for other reasons.
const tellable = 14

// quiet fails when the log, which holds every level, has a text that somebody wrote, a line that a command printed, what
// the model said, or a credential.
func (s *story) quiet() error {
	log := s.log.String()
	if !strings.Contains(log, `"message"`) {
		return fmt.Errorf("there is no log to look at")
	}
	var texts []string
	for who := range people {
		for _, m := range s.seen(who) {
			texts = append(texts, spoken(m)...)
		}
	}
	for _, r := range s.sims.model.Requests() {
		for _, m := range r.Conversation.Messages {
			if m.Role == "system" {
				continue
			}
			var result struct{ Output string }
			if json.Unmarshal([]byte(m.Content), &result) == nil {
				texts = append(texts, strings.Split(result.Output, "\n")...)
			}
			texts = append(texts, string(m.Content))
		}
	}
	texts = append(texts, s.sims.mark, s.sims.clouds.AWSKey().Secret, s.sims.clouds.TailscaleClient().Secret, s.sims.slack.BotToken(""), s.sims.slack.AppToken())
	for _, text := range texts {
		if text = strings.TrimSpace(text); len(text) >= tellable && strings.Contains(log, text) {
			return fmt.Errorf("the log holds %q", text)
		}
	}
	return nil
}

// spoken is what a person wrote, or the lines Aurora answered.
func spoken(m slacksim.Message) []string {
	text := strings.TrimPrefix(m.Plain, "@aurora ")
	return append(strings.Split(text, "\n"), text)
}
