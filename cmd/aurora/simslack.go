package main

import (
	"encoding/json"
	"fmt"

	"aurora/bot/slack/slacksim"
	"aurora/manifests"
)

// firstThings is what somebody who opens the playground may try, in an order that makes sense.
var firstThings = []string{
	"@aurora list my EC2 instances", "@aurora list my EC2 instances and my gcp vms", "/aurora status",
	"/aurora mode agent", "@aurora terminate the instance checkout-web-1", "@aurora help",
}

// simulatedSlack is the playground's Slack: as strict as the real one, with Aurora installed by its own manifest.
func simulatedSlack(realModel bool) (slacksim.Config, error) {
	var installed struct {
		Features struct {
			SlashCommands []struct {
				Command      string
				ShouldEscape bool `json:"should_escape"`
			} `json:"slash_commands"`
			Shortcuts []struct {
				Name, Type string
				Callback   string `json:"callback_id"`
			}
		}
		OAuth    struct{ Scopes struct{ Bot []string } } `json:"oauth_config"`
		Settings struct {
			Subscriptions struct {
				Events []string `json:"bot_events"`
			} `json:"event_subscriptions"`
		}
	}
	if err := json.Unmarshal(manifests.Slack, &installed); err != nil {
		return slacksim.Config{}, fmt.Errorf("read the Slack manifest: %w", err)
	}
	c := slacksim.Config{
		Scopes: installed.OAuth.Scopes.Bot, Events: installed.Settings.Subscriptions.Events, Rates: slacksim.RatesReal, Hints: firstThings,
		Notice: "This Slack, the clouds and the model are simulated: nothing you do here reaches a real account.",
	}
	for _, command := range installed.Features.SlashCommands {
		c.Commands = append(c.Commands, command.Command)
		c.PlainCommands = c.PlainCommands || !command.ShouldEscape
	}
	for _, shortcut := range installed.Features.Shortcuts {
		c.Shortcuts = append(c.Shortcuts, slacksim.Shortcut{Name: shortcut.Name, Callback: shortcut.Callback, Message: shortcut.Type == "message"})
	}
	if realModel {
		c.Notice = "This Slack and the clouds are simulated: nothing you do here reaches a real account. The model is a real one."
	}
	return c, nil
}
