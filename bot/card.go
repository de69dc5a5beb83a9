package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"aurora/agent"
	"aurora/store"
)

// allowLife is how long "allow in this thread" lets a plain write run without a click.
const allowLife = 30 * time.Minute

// card makes the post of a confirmation. The audit notes the digest of the whole record first: what is not noted cannot
// be confirmed.
func (d *Desk) card(ctx context.Context, r *report, i int, p agent.Proposed, v veil) (store.Post, error) {
	conf := p.Confirmation
	conf.Thread, conf.Place, conf.CardPart = r.turn.Thread, r.turn.Place, partCards+i
	conf.State, conf.NonceHash, conf.TakenBy = store.ConfirmationPending, "", ""
	conf.Private = r.askerOnly()
	err := d.Audit.Audit(ctx, store.AuditEntry{
		Kind: store.AuditAsked, OrgID: conf.OrgID, UserID: conf.UserID, Person: conf.Asker.String(), Turn: conf.Turn, Subject: conf.ID,
		Detail: detail(map[string]any{"digest": conf.Digest(), "cloud": conf.Cloud, "account": conf.Account,
			"effect": worst(conf.Commands), "commands": len(conf.Commands), "policy": conf.Policy}),
	})
	if err != nil {
		return store.Post{}, fmt.Errorf("note that %s was asked: %w", conf.ID, err)
	}
	m := Message{Card: ref(drawCard(conf, d.nameOf(ctx, conf.Place, conf.Asker))), Buttons: cardButtons(conf)}
	return say(r.turn.ID, conf.CardPart, conf.Place, outgoing{
		Message: m, Asker: conf.Asker.ID, Private: conf.Private, Instead: v.veiledCard(conf, m), Confirm: &conf}), nil
}

func ref[T any](v T) *T { return &v }

// nameOf is what people call a person, with the id that cannot be faked.
func (d *Desk) nameOf(ctx context.Context, place store.Place, p store.Person) string {
	profile, err := d.Chats[place.Platform].Directory.Profile(ctx, place.Team, p)
	if err != nil || profile.Name == "" {
		zerolog.Ctx(ctx).Debug().Err(err).Msg("look up a name for a card")
		return p.ID
	}
	return fmt.Sprintf("%s (%s)", clip(visible(profile.Name), 60), p.ID)
}

// The facts of a card that say where something is.
const (
	factAccount = "Account"
	factProject = "Project"
	factRegion  = "Region"
)

// drawCard draws what a person needs to decide, from the record alone.
func drawCard(conf store.Confirmation, asker string) Card {
	effect := worst(conf.Commands)
	card := Card{
		ID: conf.ID, Title: fmt.Sprintf("Confirm: %s in %s", effect, conf.Cloud), Digest: conf.Digest()[:12],
		Facts: []Fact{
			{"Cloud", string(conf.Cloud)}, {factAccount, visible(conf.Account)}, {factProject, visible(besides(conf.Project, conf.Account))}, {factRegion, visible(conf.Region)},
			{"What it does", effectWords(effect)}, {"Asked by", asker}, {"Until", clock(conf.Expires)},
		},
	}
	card.Facts = slices.DeleteFunc(card.Facts, func(f Fact) bool { return f.Value == "" })
	for _, c := range conf.Commands {
		card.Commands = append(card.Commands, Shown{Argv: visibleAll(c.Argv)})
		card.Touches = append(card.Touches, visibleAll(c.Touches)...)
		for _, f := range c.Facets {
			if w := facetWarning(f); w != "" && !slices.Contains(card.Warnings, w) {
				card.Warnings = append(card.Warnings, w)
			}
		}
	}
	if effect == "delete" {
		card.Warnings = append([]string{"This cannot be undone: what is deleted may not come back."}, card.Warnings...)
	}
	if conf.FourEyes {
		card.Warnings = append(card.Warnings, "A second person has to confirm this: an approver who did not ask for it.")
	}
	if conf.Tainted {
		card.Warnings = append(card.Warnings, "The model proposed this after reading text other people could have written. Check that it is what you want.")
	}
	return card
}

func cardButtons(conf store.Confirmation) []Button {
	confirm := Button{Action: actionConfirm, Label: "Confirm", Style: "danger"}
	if worst(conf.Commands) == "delete" {
		confirm.Dialog = &Dialog{Title: "Really delete?", Text: "This cannot be undone.", Yes: "Delete", No: "Keep"}
	}
	buttons := []Button{confirm}
	if plainWrites(conf) {
		buttons = append(buttons, Button{Action: actionAllow, Label: "Confirm, and allow here for 30 min"})
	}
	return append(buttons, Button{Action: actionCancel, Label: "Cancel"})
}

// plainWrites tells whether everything on the card only changes something, and waits for no other reason than that the
// model proposed it.
func plainWrites(conf store.Confirmation) bool {
	for _, c := range conf.Commands {
		if c.Effect != "write" || slices.ContainsFunc(c.Facets, needsClick) {
			return false
		}
	}
	return conf.Tainted && !conf.FourEyes
}

func needsClick(facet string) bool {
	return slices.Contains([]string{"permission", "exposure", "egress", "payload", "spend", "secret"}, facet)
}

func worst(commands []store.Planned) string {
	order := []string{"read", "write", "disrupt", "delete", "forbidden"}
	at := 0
	for _, c := range commands {
		at = max(at, slices.Index(order, c.Effect))
	}
	return order[at]
}

func effectWords(effect string) string {
	switch effect {
	case "write":
		return "changes something"
	case "disrupt":
		return "stops or interrupts something that works"
	case "delete":
		return "deletes something"
	}
	return "only reads, but gives something out"
}

func facetWarning(facet string) string {
	switch facet {
	case "permission":
		return "It changes who may do what."
	case "exposure":
		return "It opens something to others: a network, the public or another account."
	case "egress":
		return "It copies data out of where it is."
	case "payload":
		return "It runs code or statements that come with the command."
	case "spend":
		return "It can cost a lot of money."
	case "bulk":
		return "It touches everything that matches, which may be more than you think."
	}
	return ""
}

// visible shows what cannot be seen: what is approved must be what runs. Ordinary text stays as it is, but for text that
// is written as what cannot be seen is shown.
func visible(s string) string {
	var b strings.Builder
	for i, r := range s {
		if plain(r) && !strings.HasPrefix(s[i:], `\u{`) {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, `\u{%x}`, r)
	}
	return b.String()
}

func visibleAll(words []string) []string {
	shown := make([]string, len(words))
	for i, w := range words {
		shown[i] = visible(w)
	}
	return shown
}
