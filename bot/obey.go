package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"aurora/providers"
	"aurora/providers/policy"
	"aurora/store"
)

// Explainer says what policy thinks of a command.
type Explainer interface {
	Parse(text string) (policy.Command, *policy.Refusal)
	ParseArgv(argv []string) (policy.Command, *policy.Refusal)
	Classify(c policy.Command) policy.Verdict
	Decide(v policy.Verdict, c policy.Context) policy.Ruling
}

// modeLife is how long a chosen mode lasts; after it everything is Ask again.
const modeLife = time.Hour

// order is one verb as somebody said it.
type order struct {
	asker asker
	row   store.Received
	verb  Verb
}

// obey carries a verb out and answers it, in the open only where that gives nothing away.
func (d *Desk) obey(ctx context.Context, claim store.Claim, row store.Received, a asker, v Verb, spec verbSpec) error {
	m, err := d.carryOut(ctx, order{a, row, v}, spec)
	if err != nil {
		return err
	}
	if pressedHome(row) {
		d.homeChanged(row.Person, m.Notice)
		return d.settle(ctx, claim, row)
	}
	if row.Kind == store.EventMention && !spec.private {
		out := outgoing{Message: m}
		if spec.cloud {
			out.Asker = row.Person.ID
		}
		return d.settle(ctx, claim, row, say(rowTurn(row), partPlaceholder, row.Place, out))
	}
	return d.settle(ctx, claim, row, whisper(row, m))
}

// pressedHome tells whether a verb was pressed on a person's Home, where its answer is shown.
func pressedHome(row store.Received) bool {
	var p CommandPayload
	return row.Kind == store.EventCommand && json.Unmarshal(row.Payload, &p) == nil && p.Home
}

func (d *Desk) carryOut(ctx context.Context, o order, spec verbSpec) (Message, error) {
	if spec.admin && o.asker.User.Role != store.Admin {
		return notice("Only Aurora admins can do that. You are %s.", o.asker.User.Role), nil
	}
	return spec.do(d, ctx, o)
}

func (d *Desk) help(_ context.Context, o order) (Message, error) {
	var b strings.Builder
	b.WriteString("Ask me about your clouds in plain words, for example *list the production instances*. I also understand, as `/aurora …` or `@aurora …`:\n\n")
	for _, s := range verbSpecs() {
		if s.admin && o.asker.User.Role != store.Admin {
			continue
		}
		fmt.Fprintf(&b, "- `%s`: %s\n", s.usage, s.about)
	}
	b.WriteString("\nIn Ask mode I only read. In Agent mode I may change things; whatever stops, deletes or opens something waits for your click.")
	return Message{Text: b.String()}, nil
}

func (d *Desk) whoami(_ context.Context, o order) (Message, error) {
	return notice("You are %s; to me you are user %s of organisation %s, with the role %s.",
		o.row.Person, o.asker.User.ID, o.asker.Org.ID, o.asker.User.Role), nil
}

// runWhat answers a `run` that names nothing; one that names a command is a turn.
func (d *Desk) runWhat(context.Context, order) (Message, error) {
	return notice("Say which command, for example `run aws ec2 describe-instances`."), nil
}

func (d *Desk) stopHere(ctx context.Context, o order) (Message, error) {
	return Message{Notice: cmp.Or(d.Stop(ctx, o.row.Person, o.row.Place, o.row.At), "Nothing runs or waits for you here.")}, nil
}

func (d *Desk) status(ctx context.Context, o order) (Message, error) {
	conns, err := d.Connections.Connections(ctx, o.asker.Org.ID, o.asker.User.ID)
	if err != nil {
		return Message{}, fmt.Errorf("list connections: %w", err)
	}
	selected, err := d.Preferences.Selections(ctx, o.asker.User.ID)
	if err != nil {
		return Message{}, fmt.Errorf("read selections: %w", err)
	}
	frozen, isFrozen, err := d.Freezer.Frozen(ctx, o.asker.Org.ID)
	if err != nil {
		return Message{}, fmt.Errorf("read the freeze: %w", err)
	}
	mode := d.mode(ctx, o.row.Person, o.row.Thread, o.row.Place)
	lines := []string{fmt.Sprintf("Mode here: **%s**. Your role: **%s**.", modeName(mode), o.asker.User.Role)}
	if isFrozen {
		lines = append(lines, fmt.Sprintf("**Frozen** by %s since %s: nothing is changed until an admin says `unfreeze`.", frozen.By, clock(frozen.At)))
	}
	if len(conns) == 0 {
		lines = append(lines, "No cloud is connected for you yet. Say `connect aws` to link one.")
	}
	for _, c := range conns {
		lines = append(lines, connectionLine(c, selected))
	}
	return Message{Text: strings.Join(lines, "\n\n")}, nil
}

func connectionLine(c store.Connection, selected []store.Selection) string {
	line := fmt.Sprintf("- **%s**: `%s`", c.Cloud, c.Account)
	if c.Region != "" {
		line += ", region " + c.Region
	}
	for _, s := range selected {
		if s.Cloud == c.Cloud {
			line += ", using `" + s.Project + "`"
		}
	}
	if c.Owner() == "organisation" {
		line += " (your organisation's)"
	}
	if c.ReadOnly {
		line += ", read-only"
	}
	if end := c.Expires(); !end.IsZero() {
		line += ", works until " + end.UTC().Format(time.DateOnly)
	}
	if c.Status == store.ConnectionBroken {
		line += " — **needs a new sign-in**: " + providers.Mend(c)
	}
	return line
}

func modeName(m store.Mode) string {
	if m == store.Agent {
		return "Agent"
	}
	return "Ask"
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func (d *Desk) chooseMode(ctx context.Context, o order) (Message, error) {
	mode := d.mode(ctx, o.row.Person, o.row.Thread, o.row.Place)
	if len(o.verb.Args) == 0 {
		return notice("You are in %s mode here. Change it with `mode ask` or `mode agent`.", modeName(mode)), nil
	}
	switch strings.ToLower(o.verb.Args[0]) {
	case "ask":
		mode = store.Ask
	case "agent":
		mode = store.Agent
	default:
		return notice("There are two modes: `mode ask` only reads, `mode agent` may change things."), nil
	}
	return d.setMode(ctx, o.asker, o.row.Thread, o.row.Place, o.row.Kind == store.EventCommand, mode)
}

// setMode sets the mode of a person for a thread, or (by slash command) for a channel.
func (d *Desk) setMode(ctx context.Context, a asker, thread string, place store.Place, wide bool, mode store.Mode) (Message, error) {
	if mode == store.Agent && (a.User.Role == store.Viewer || a.User.Role == store.Admin) {
		return notice("Your role is %s, which only reads. An Aurora admin can change it with `role @you operator`.", a.User.Role), nil
	}
	key, where := threadMode(a.Person, thread), "in this thread"
	if wide {
		key, where = channelMode(a.Person, place), "in this channel"
	}
	if err := d.Audit.Audit(ctx, store.AuditEntry{Kind: store.AuditMode, OrgID: a.Org.ID, UserID: a.User.ID,
		Person: a.Person.String(), Subject: key, Detail: detail(map[string]string{"mode": string(mode)})}); err != nil {
		return Message{}, fmt.Errorf("note the mode: %w", err)
	}
	if err := d.Modes.SetMode(ctx, key, mode, modeLife); err != nil {
		return notice("I could not remember that: my short-term memory is away. You stay in Ask mode; please try again in a minute."), nil
	}
	if mode == store.Ask {
		return notice("You are in Ask mode %s: I only read.", where), nil
	}
	return notice("You are in Agent mode %s for one hour: I may change things. Whatever stops, deletes or opens something still waits for your click.", where), nil
}

func (d *Desk) prefer(ctx context.Context, o order) (Message, error) {
	clouds := cloudsNamed(o.verb.Args)
	if len(clouds) == 0 {
		return notice("Say `prefer aws,gcp`, or `prefer all`."), nil
	}
	if len(clouds) == len(store.Clouds()) {
		clouds = nil
	}
	if err := d.Preferences.SetPrefer(ctx, o.asker.User.ID, clouds); err != nil {
		return Message{}, fmt.Errorf("keep the preference: %w", err)
	}
	if clouds == nil {
		return notice("I look at all your clouds again."), nil
	}
	return notice("I look at %s only, until you say `prefer all`.", cloudWords(clouds)), nil
}

func (d *Desk) setRole(ctx context.Context, o order) (Message, error) {
	if len(o.verb.Args) != 2 || personNamed(o.verb.Args[0]) == "" {
		return notice("Say `role @person viewer|operator|approver|admin`."), nil
	}
	role, ok := store.ParseRole(strings.ToLower(o.verb.Args[1]))
	if !ok {
		return notice("There are four roles: viewer, operator, approver, admin."), nil
	}
	p := store.Person{Platform: o.row.Person.Platform, Team: o.row.Person.Team, ID: personNamed(o.verb.Args[0])}
	other, refusal, err := d.identify(ctx, o.row.Place, p)
	if err != nil {
		return Message{}, err
	}
	if refusal != "" {
		return notice("%s can't use Aurora, so there is no role to give.", p.ID), nil
	}
	if d.Settings.Admins[p] && role != store.Admin {
		return notice("%s is an admin by AURORA_ADMINS; that can only be changed there.", p.ID), nil
	}
	if err := d.Users.SetRole(ctx, o.asker.Org.ID, o.row.Person, other.User.ID, role); err != nil {
		return Message{}, fmt.Errorf("set the role: %w", err)
	}
	d.homeChanged(p, "")
	return notice("%s is %s from now on.", p.ID, role), nil
}

func (d *Desk) freeze(ctx context.Context, o order) (Message, error) {
	if o.verb.Name == "unfreeze" {
		if err := d.Freezer.Unfreeze(ctx, o.asker.Org.ID, o.row.Person); err != nil {
			return Message{}, fmt.Errorf("unfreeze: %w", err)
		}
		return notice("The freeze is lifted."), nil
	}
	f := store.Freeze{OrgID: o.asker.Org.ID, By: o.row.Person.String(), Reason: clip(o.verb.Rest, 200), At: time.Now()}
	if err := d.Freezer.Freeze(ctx, f); err != nil {
		return Message{}, fmt.Errorf("freeze: %w", err)
	}
	return notice("Frozen: on every replica nothing is changed any more, confirmed or not, until an admin says `unfreeze`. Reading still works."), nil
}

func (d *Desk) showAudit(ctx context.Context, o order) (Message, error) {
	n := 20
	if len(o.verb.Args) == 1 {
		if _, err := fmt.Sscanf(o.verb.Args[0], "%d", &n); err != nil || n < 1 || n > 100 {
			return notice("Say `audit`, or `audit 50` for the last 50 rows (100 at most)."), nil
		}
	}
	rows, err := d.Audit.AuditTail(ctx, o.asker.Org.ID, n)
	if err != nil {
		return Message{}, fmt.Errorf("read the audit: %w", err)
	}
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%d %s %-10s %s %s %s\n", r.Seq, r.At.UTC().Format("01-02 15:04:05"), r.Kind, r.Person, r.Subject, clip(string(r.Detail), 160))
	}
	return Message{Outputs: []Output{{Title: fmt.Sprintf("The last %d rows of the audit", len(rows)), Text: b.String()}}}, nil
}

// detail encodes what an audit row says besides its columns.
func detail(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil { // unreachable: only strings, numbers and lists of them come here
		return json.RawMessage(`{}`)
	}
	return raw
}
