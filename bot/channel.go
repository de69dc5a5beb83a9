package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"aurora/providers/policy"
	"aurora/store"
)

// storedRule is a channel's rule as it is kept.
type storedRule struct {
	MaxEffect string   `json:"max_effect,omitempty"`
	Providers []string `json:"providers,omitempty"`
}

// channelRule reads what admins allow in a channel; nil when they said nothing. A rule that cannot be read is an error:
// without it nothing may run.
func (d *Desk) channelRule(ctx context.Context, orgID, channel string) (*policy.ChannelRule, error) {
	raw, err := d.Preferences.ChannelRule(ctx, orgID, channel)
	if errors.Is(err, store.ErrNotFound) || err == nil && len(raw) == 0 {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the rule of channel %s: %w", channel, err)
	}
	var kept storedRule
	if err := json.Unmarshal(raw, &kept); err != nil {
		return nil, fmt.Errorf("read the rule of channel %s: %w", channel, err)
	}
	rule := &policy.ChannelRule{Providers: kept.Providers}
	if kept.MaxEffect != "" {
		effect, ok := policy.ParseEffect(kept.MaxEffect)
		if !ok {
			return nil, fmt.Errorf("read the rule of channel %s: no effect is called %q", channel, kept.MaxEffect)
		}
		rule.MaxEffect = effect
	}
	return rule, nil
}

const channelUsage = "Say `channel max read`, `channel max write clouds aws,gcp`, `channel clouds aws`, or `channel clear`."

// setChannelRule sets, for the channel it is said in, the highest effect and the clouds that may be used from there.
func (d *Desk) setChannelRule(ctx context.Context, o order) (Message, error) {
	rule, said, bad := readChannelRule(o.verb.Args)
	if bad != "" {
		return Message{Notice: bad}, nil
	}
	raw := json.RawMessage(nil)
	if rule != nil {
		raw = detail(rule)
	}
	if err := d.ChannelRules.SetChannelRule(ctx, o.asker.Org.ID, o.row.Place.Channel, raw, o.row.Person); err != nil {
		return Message{}, fmt.Errorf("keep the channel's rule: %w", err)
	}
	return Message{Notice: said}, nil
}

func readChannelRule(args []string) (rule *storedRule, said, bad string) {
	if len(args) == 1 && args[0] == "clear" {
		return nil, "This channel has no rule of its own any more.", ""
	}
	if len(args) == 0 || len(args)%2 != 0 {
		return nil, "", channelUsage
	}
	rule = &storedRule{}
	var parts []string
	for i := 0; i < len(args); i += 2 {
		switch args[i] {
		case "max":
			effect, ok := policy.ParseEffect(args[i+1])
			if !ok || effect == policy.Forbidden {
				return nil, "", "The effects are read, write, disrupt and delete. " + channelUsage
			}
			rule.MaxEffect = effect.String()
			parts = append(parts, "at most "+effect.String())
		case "clouds":
			clouds := cloudsNamed(args[i+1 : i+2])
			if len(clouds) == 0 {
				return nil, "", "I don't know such a cloud. " + channelUsage
			}
			for _, c := range clouds {
				rule.Providers = append(rule.Providers, string(c))
			}
			parts = append(parts, "only "+strings.Join(rule.Providers, ", "))
		default:
			return nil, "", channelUsage
		}
	}
	return rule, "From this channel: " + strings.Join(parts, ", ") + ". This holds for everybody, admins too.", ""
}
