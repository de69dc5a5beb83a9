package main

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"aurora/agent/openai/modelsim"
	"aurora/bot/slack/slacksim"
	"aurora/providers/cloudsim"
	"aurora/store"
)

// Eve is a member who has connected nothing yet.
const eve = "U0EVE00001"

func withEve() slacksim.Config {
	return slacksim.Config{People: []slacksim.Person{{ID: eve, Name: "eve", RealName: "Eve Adebayo"}}}
}

// newcomer is a world with Eve in it, who writes in ops.
func newcomer(t *testing.T, o worldOptions) *story {
	t.Helper()
	o.slack = withEve()
	s := &story{world: newWorld(t, o), channel: rooms["ops"]}
	if err := s.sims.slack.Join(eve, s.channel); err != nil {
		t.Fatal(err)
	}
	return s
}

var (
	linkShape = regexp.MustCompile(`http://127\.0\.0\.1:\d+/connect/[\w-]+`)
	factShape = regexp.MustCompile(`<dd id="external_id">([^<]+)</dd>`)
)

// linkFor asks for a link and gives the address that only its asker was shown.
func (s *story) linkFor(who, cloud string) string {
	s.t.Helper()
	before := len(s.links(who))
	if _, err := s.sims.slack.Slash(who, s.channel, "/aurora connect "+cloud); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.sims.slack.Wait(ctx, func() bool { return len(s.links(who)) > before }); err != nil {
		s.t.Fatalf("no link came: %v\n%s", err, s.dump())
	}
	links := s.links(who)
	return links[len(links)-1]
}

// links are all addresses of connect pages that a person was shown.
func (s *story) links(who string) []string {
	messages, err := s.sims.slack.Messages(who, s.channel)
	if err != nil {
		s.t.Fatal(err)
	}
	var found []string
	for _, m := range messages {
		if link := linkShape.FindString(string(m.Blocks) + " " + m.Plain); link != "" {
			found = append(found, link)
		}
	}
	return found
}

// trusting lets a role trust Aurora with the External ID that the page shows.
func (s *story) trusting(role string, shown page) {
	s.t.Helper()
	found := factShape.FindStringSubmatch(shown.body)
	if found == nil {
		s.t.Fatalf("the page shows no External ID:\n%s", shown.body)
	}
	if err := s.sims.clouds.SetTrust(role, found[1]); err != nil {
		s.t.Fatal(err)
	}
}

func roleForm(role, region string) url.Values {
	return url.Values{"role_arn": {role}, "region": {region}}
}

// connections are what a person has, as the database says.
func (s *story) connections(who string) []store.Connection {
	s.t.Helper()
	user, err := s.app.stores.sql.Person(s.t.Context(), store.Person{Platform: store.Slack, Team: s.sims.slack.TeamID(), ID: who})
	if err != nil {
		s.t.Fatal(err)
	}
	conns, err := s.app.stores.sql.Connections(s.t.Context(), user.OrgID, user.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return conns
}

func TestConnectAWSFromLinkToAnswer(t *testing.T) {
	t.Parallel()
	needs(t, []string{"aws"})
	s := newcomer(t, worldOptions{script: modelsim.Script{
		{User: "EC2", Tool: "InstanceId", Reply: modelsim.Reply{Text: "web-1 is among them."}},
		{User: "EC2", Reply: modelsim.Reply{Calls: []modelsim.Call{{Provider: "aws", Command: "aws ec2 describe-instances"}}}},
	}})
	link := s.linkFor(eve, "aws")
	if seen := s.links(people["ada"]); len(seen) != 0 {
		t.Errorf("others were shown the link: %v", seen)
	}
	shown := visit(t, http.MethodGet, link, nil)
	visit(t, http.MethodGet, link, nil) // a preview spends nothing
	shown.says(t, http.StatusOK, "Connect aws", eve, cloudsim.AuroraPrincipal, `"sts:ExternalId"`)
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"} {
		if got := shown.header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if csp := shown.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") {
		t.Errorf("Content-Security-Policy is %q", csp)
	}
	s.trusting(cloudsim.RoleReadOnly, shown)
	visit(t, http.MethodPost, link, roleForm(" "+cloudsim.RoleReadOnly+" ", "us-east-1")).says(t, http.StatusOK, "Connected", cloudsim.ProdAccount)
	s.mustSee(eve, "aws account "+cloudsim.ProdAccount+" is connected for you")
	visit(t, http.MethodPost, link, roleForm(cloudsim.RoleReadOnly, "us-east-1")).says(t, http.StatusNotFound, "does not work any more", "say `connect`")
	visit(t, http.MethodGet, link, nil).says(t, http.StatusNotFound, "does not work any more")

	conns := s.connections(eve)
	if len(conns) != 1 || conns[0].Account != cloudsim.ProdAccount {
		t.Fatalf("Eve has %v", conns)
	}
	if want := "vault:kv/data/aurora/users/" + conns[0].UserID + "/aws"; conns[0].Token != want {
		t.Errorf("the row points to %s, want %s", conns[0].Token, want)
	}
	if _, err := s.sims.slack.Slash(eve, s.channel, "/aurora status"); err != nil {
		t.Fatal(err)
	}
	s.mustSee(eve, "aws: "+cloudsim.ProdAccount)
	if _, err := s.sims.slack.Say(eve, s.channel, "@aurora list my EC2 instances"); err != nil {
		t.Fatal(err)
	}
	s.mustSee(eve, "web-1 is among them.")
	if n := s.sims.clouds.Executed("ec2:DescribeInstances"); n != 1 {
		t.Errorf("the cloud was asked %d times", n)
	}
	s.nowhere(factShape.FindStringSubmatch(shown.body)[1])
}

func TestConnectRefusesWithAdviceAndKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	link := s.linkFor(eve, "aws")
	shown := visit(t, http.MethodGet, link, nil)
	for name, c := range map[string]struct {
		role, region, want string
	}{
		"trusts everybody":   {cloudsim.RoleOpen, "us-east-1", "can be assumed without the right external id"},
		"does not trust us":  {cloudsim.RoleStaging, "eu-west-1", "cannot be assumed with the external id"},
		"there is none such": {"arn:aws:iam::111122223333:role/NoSuchRole", "us-east-1", "cannot be assumed with the external id"},
		"no ARN":             {"AuroraReadOnly", "us-east-1", "is not the ARN of an IAM role"},
		"a user's ARN":       {"arn:aws:iam::111122223333:user/ada", "us-east-1", "is not the ARN of an IAM role"},
		"no region":          {cloudsim.RoleReadOnly, "virginia", "is not the name of an AWS region"},
		"markup":             {`"><script>alert(1)</script>`, "us-east-1", "is not the ARN of an IAM role"},
		"nothing":            {"", "", "is not the ARN of an IAM role"},
	} {
		got := visit(t, http.MethodPost, link, roleForm(c.role, c.region))
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, c.want) {
			t.Errorf("%s: status %d, want %q in it:\n%s", name, got.status, c.want, got.body)
		}
		if c.role != "" && !strings.Contains(got.body, `value="`+c.role+`"`) {
			t.Errorf("%s: what was typed is gone:\n%s", name, got.body)
		}
	}
	huge := visit(t, http.MethodPost, link, roleForm(strings.Repeat("x", 100_000), ""))
	huge.says(t, http.StatusRequestEntityTooLarge, "too much to read")
	if len(s.connections(eve)) != 0 {
		t.Error("something was connected all the same")
	}
	s.trusting(cloudsim.RoleReadOnly, shown)
	visit(t, http.MethodPost, link, roleForm(cloudsim.RoleReadOnly, "us-east-1")).says(t, http.StatusOK, "Connected")
}

// The page's own escaping is tested on the raw bytes: visit undoes it.
func TestConnectPageEscapesWhatWasTyped(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	got := visit(t, http.MethodPost, s.linkFor(eve, "aws"), roleForm(`"><script>alert(1)</script>`, "us-east-1"))
	if got.status != http.StatusUnprocessableEntity || strings.Contains(got.raw, "<script>") {
		t.Errorf("status %d, and the page carries a script:\n%s", got.status, got.raw)
	}
}

func TestTwoPostsOfOneLinkConnectOnce(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	link := s.linkFor(eve, "aws")
	shown := visit(t, http.MethodGet, link, nil)
	s.trusting(cloudsim.RoleReadOnly, shown)
	s.trusting(cloudsim.RoleStaging, shown)
	forms := []url.Values{roleForm(cloudsim.RoleReadOnly, "us-east-1"), roleForm(cloudsim.RoleStaging, "eu-west-1")}
	statuses := make([]int, 8)
	var posts sync.WaitGroup
	for i := range statuses {
		posts.Go(func() { statuses[i] = visit(t, http.MethodPost, link, forms[i%2]).status })
	}
	posts.Wait()
	won := 0
	for _, status := range statuses {
		switch status {
		case http.StatusOK:
			won++
		case http.StatusNotFound:
		default:
			t.Errorf("a post was answered with %d", status)
		}
	}
	if conns := s.connections(eve); won != 1 || len(conns) != 1 {
		t.Errorf("%d posts won and there are %d connections", won, len(conns))
	}
}

func TestFurtherAccountHasItsOwnPlace(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	for role, region := range map[string]string{cloudsim.RoleReadOnly: "us-east-1", cloudsim.RoleStaging: "eu-west-1"} {
		link := s.linkFor(eve, "aws")
		s.trusting(role, visit(t, http.MethodGet, link, nil))
		visit(t, http.MethodPost, link, roleForm(role, region)).says(t, http.StatusOK, "Connected")
	}
	conns := s.connections(eve)
	if len(conns) != 2 || conns[0].Token == conns[1].Token {
		t.Fatalf("Eve has %v", conns)
	}
	first := "vault:kv/data/aurora/users/" + conns[0].UserID + "/aws"
	for _, c := range conns {
		if c.Token != first && c.Token != first+"/"+c.Account {
			t.Errorf("account %s lies at %s", c.Account, c.Token)
		}
		got, _, err := s.app.stores.keeper.Get(t.Context(), strings.TrimPrefix(c.Token, "vault:"))
		if err != nil || !strings.Contains(got.Get("role_arn"), c.Account) {
			t.Errorf("the credential of %s is for %s, %v", c.Account, got.Get("role_arn"), err)
		}
	}
	// The same account again takes the place of the first under the next generation.
	link := s.linkFor(eve, "aws")
	s.trusting(cloudsim.RoleStaging, visit(t, http.MethodGet, link, nil))
	visit(t, http.MethodPost, link, roleForm(cloudsim.RoleStaging, "eu-central-1")).says(t, http.StatusOK, "Connected")
	for _, c := range s.connections(eve) {
		if c.Account == cloudsim.StagingAccount && (c.Generation != 2 || c.Region != "eu-central-1") {
			t.Errorf("the second sign-in left generation %d, region %s", c.Generation, c.Region)
		}
	}
}

func TestConnectTailscaleAndGCP(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	client := s.sims.clouds.NewTailscaleClient(cloudsim.Tailnet, "devices:core:read")
	link := s.linkFor(eve, "tailscale")
	visit(t, http.MethodPost, link, url.Values{"client_id": {client.ID}, "client_secret": {"tskey-client-wrong"}}).
		says(t, http.StatusUnprocessableEntity, `value="`+client.ID+`"`)
	got := visit(t, http.MethodPost, link, url.Values{"client_id": {client.ID}, "client_secret": {client.Secret}})
	got.says(t, http.StatusOK, "Connected")
	if strings.Contains(got.body, client.Secret) {
		t.Error("the page shows the secret back")
	}
	key := s.sims.clouds.ServiceAccountKey(cloudsim.GCPAccount)
	link = s.linkFor(eve, "gcp")
	visit(t, http.MethodPost, link, url.Values{"key": {"{}"}}).says(t, http.StatusUnprocessableEntity, "Only the key of a service account")
	got = visit(t, http.MethodPost, link, url.Values{"key": {key}})
	got.says(t, http.StatusOK, "Connected", cloudsim.GCPAccount)
	if strings.Contains(got.body, "PRIVATE KEY") {
		t.Error("the page shows the key back")
	}
	if conns := s.connections(eve); len(conns) != 2 {
		t.Errorf("Eve has %v", conns)
	}
	s.nowhere(client.Secret)
}

func TestGuestsAndTheInquisitiveGetNoLink(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	s.channel = rooms["checkout"]
	if _, err := s.sims.slack.Slash(people["gus"], s.channel, "/aurora connect aws"); err != nil {
		t.Fatal(err)
	}
	s.mustSee(people["gus"], "I only work for members of this workspace")
	if links := s.links(people["gus"]); len(links) != 0 {
		t.Errorf("a guest got %v", links)
	}
	base := s.cfg.PublicURL
	for _, path := range []string{"/connect/", "/connect/nothing", "/connect/" + strings.Repeat("a", 5000), "/connect/..%2f..%2fetc", "/nothing"} {
		if got := visit(t, http.MethodGet, base+path, nil); got.status != http.StatusNotFound {
			t.Errorf("GET %s gives %d", path, got.status)
		}
	}
	if got := visit(t, http.MethodDelete, base+"/connect/nothing", nil); got.status != http.StatusMethodNotAllowed {
		t.Errorf("DELETE gives %d", got.status)
	}
}

func TestLinkInDirectMessageAndMention(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	dm, err := s.sims.slack.OpenDM(eve)
	if err != nil {
		t.Fatal(err)
	}
	s.channel = dm
	if _, err := s.sims.slack.Say(eve, dm, "connect aws"); err != nil {
		t.Fatal(err)
	}
	s.mustSee(eve, "Open this link")
	if len(s.links(eve)) != 1 {
		t.Errorf("links: %v", s.links(eve))
	}
	s.channel = rooms["ops"]
	if _, err := s.sims.slack.Say(eve, s.channel, "@aurora connect aws"); err != nil {
		t.Fatal(err)
	}
	s.mustSee(eve, "Open this link")
	if seen := s.links(people["ada"]); len(seen) != 0 {
		t.Errorf("a mention showed the link to everybody: %v", seen)
	}
}

func TestDisconnectErasesCredentialAndStopsCards(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{script: modelsim.Script{
		{User: "remove the laptop", Reply: modelsim.Reply{Calls: []modelsim.Call{{Provider: "tailscale", Command: "tailscale device delete nHj9kP3CNTRL"}}}},
	}})
	client := s.sims.clouds.TailscaleClient()
	link := s.linkFor(eve, "tailscale")
	visit(t, http.MethodPost, link, url.Values{"client_id": {client.ID}, "client_secret": {client.Secret}, "scopes": {strings.Join(client.Scopes, " ")}}).
		says(t, http.StatusOK, "Connected")
	conn := s.connections(eve)[0]
	path := strings.TrimPrefix(conn.Token, "vault:")
	thread, err := s.sims.slack.Say(eve, s.channel, "@aurora mode agent")
	if err != nil {
		t.Fatal(err)
	}
	s.mustSee(eve, "Agent mode in this thread")
	if _, err := s.sims.slack.Say(eve, s.channel, "@aurora remove the laptop", slacksim.InThread(thread)); err != nil {
		t.Fatal(err)
	}
	s.mustSee(eve, "Confirm: delete in tailscale")
	if _, err := s.sims.slack.Slash(eve, s.channel, "/aurora disconnect tailscale"); err != nil {
		t.Fatal(err)
	}
	s.presses(eve, "disconnect")
	s.mustSee(eve, "is disconnected and its credential is erased")
	if _, _, err := s.app.stores.keeper.Get(t.Context(), path); err == nil {
		t.Error("the credential is still there")
	}
	if conns := s.connections(eve); len(conns) != 0 {
		t.Errorf("the row is still there: %v", conns)
	}
	card := s.button(eve, "confirm")
	if _, err := s.sims.slack.Click(eve, s.channel, card.ts, card.action); err != nil {
		t.Fatal(err)
	}
	s.mustSee(eve, "refused")
	if n := s.sims.clouds.Executed("devices.delete"); n != 0 {
		t.Errorf("it ran %d times", n)
	}
}

func TestConnectLinkSurvivesASealedVault(t *testing.T) {
	t.Parallel()
	r := newOutage(t, worldOptions{})
	link := r.linkFor(people["ada"], "aws")
	r.trusting(cloudsim.RoleStaging, visit(t, http.MethodGet, link, nil))
	r.vault.Seal(t)
	visit(t, http.MethodPost, link, roleForm(cloudsim.RoleStaging, "eu-west-1")).says(t, http.StatusServiceUnavailable, "Nothing was changed", "is sealed", "unseal it")
	r.vault.Unseal(t)
	visit(t, http.MethodPost, link, roleForm(cloudsim.RoleStaging, "eu-west-1")).says(t, http.StatusOK, "Connected")
	second := r.linkFor(people["ada"], "aws")
	r.redis.Kill(t)
	visit(t, http.MethodGet, second, nil).says(t, http.StatusServiceUnavailable, "try again")
}
