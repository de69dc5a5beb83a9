package main

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"aurora/bot/slack/slacksim"
	"aurora/providers/cloudsim"
	"aurora/store"
)

// says has a person say something in a thread, as a line of its own where none is given, and waits for words.
func (s *story) says(who, text, thread, want string) string {
	s.t.Helper()
	var options []slacksim.SayOption
	if thread != "" {
		options = append(options, slacksim.InThread(thread))
	}
	ts, err := s.sims.slack.Say(who, s.channel, text, options...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mustSee(who, want)
	return ts
}

// confirms presses the newest card's button and waits until the cloud has done it, once.
func (s *story) confirms(who, action string) {
	s.t.Helper()
	card := s.button(who, "confirm")
	if _, err := s.sims.slack.Click(who, s.channel, card.ts, card.action); err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.sims.clouds.WaitExecuted(ctx, action, 1); err != nil {
		s.t.Fatalf("%s: %v\n%s", action, err, s.dump())
	}
	s.mustSee(who, "Confirmed by")
}

// disconnects asks for it and presses the button that asks once more.
func (s *story) disconnects(who, cloud, want string) {
	s.t.Helper()
	s.says(who, "@aurora disconnect "+cloud, "", "Nothing goes before you press")
	s.presses(who, "disconnect")
	s.mustSee(who, want)
}

// onlyConnection gives the one connection of a person.
func (s *story) onlyConnection(who string) store.Connection {
	s.t.Helper()
	conns := s.connections(who)
	if len(conns) != 1 {
		s.t.Fatalf("there are %d connections", len(conns))
	}
	return conns[0]
}

func TestAzureFromFormToDisconnect(t *testing.T) {
	t.Parallel()
	needs(t, []string{"az"})
	s := newcomer(t, worldOptions{change: asOperator})
	full, reader := s.sims.clouds.AzurePrincipals()[0], s.sims.clouds.AzurePrincipals()[1]
	tenant := s.sims.clouds.World().Azure.Tenant
	link := s.linkFor(eve, "azure")
	visit(t, http.MethodGet, link, nil).says(t, http.StatusOK, "Connect azure", "az ad sp create-for-rbac", "<textarea")
	alone := url.Values{"tenant_id": {tenant}, "client_id": {full.ClientID}, "client_secret": {full.Secret}}
	refused := visit(t, http.MethodPost, link, alone)
	refused.says(t, http.StatusUnprocessableEntity, "Ask mode needs a second one")
	if strings.Contains(refused.body, full.Secret) {
		t.Error("the page shows the secret back")
	}
	form := url.Values{
		"tenant_id": {tenant}, "client_id": {full.ClientID}, "client_secret": {full.Secret},
		"reader_client_id": {reader.ClientID}, "reader_client_secret": {reader.Secret},
	}
	visit(t, http.MethodPost, link, form).says(t, http.StatusOK, "Connected", tenant)
	conn := s.onlyConnection(eve)
	if conn.Account != tenant || len(conn.Projects) != 2 || conn.ReadOnly {
		t.Errorf("connected: %+v", conn)
	}
	s.sims.clouds.Forget()
	s.says(eve, "@aurora run az vm list", "", "checkout-vm-2")
	for _, e := range s.sims.clouds.Requests("Microsoft.Compute/*") {
		if e.Principal != reader.ClientID {
			t.Errorf("Ask worked as %s", e.Principal)
		}
	}
	if n := s.sims.clouds.Executed("oauth.token.client_credentials"); n != 1 {
		t.Errorf("two subscriptions were read with %d sign-ins", n)
	}
	s.says(eve, "@aurora run az vm deallocate -g checkout -n checkout-vm-1 --subscription acme-lab", "", "Switch to Agent mode")
	thread := s.says(eve, "@aurora mode agent", "", "Agent mode in this thread")
	s.says(eve, "@aurora run az vm deallocate -g checkout -n checkout-vm-1 --subscription acme-lab", thread, "acme-prod (")
	s.says(eve, "@aurora run az vm show -g checkout -n checkout-vm-1 --subscription acme-prod", thread, "Standard_B1s")
	s.says(eve, "@aurora run az vm deallocate -g checkout -n checkout-vm-1 --subscription acme-prod", thread, "Confirm: disrupt in azure")
	s.confirms(eve, "Microsoft.Compute/virtualMachines/deallocate/action")
	s.says(eve, "@aurora run az vm delete -g checkout -n checkout-vm-2 --subscription acme-prod", thread, "Confirm: delete in azure")
	s.confirms(eve, "Microsoft.Compute/virtualMachines/delete")
	if vm, _ := s.sims.clouds.AzureVM("checkout-vm-1"); vm.Power != "deallocated" || s.sims.clouds.Executed("Microsoft.Compute/virtualMachines/delete") != 1 {
		t.Errorf("checkout-vm-1 is %s", vm.Power)
	}
	if strings.Contains(s.dump(), "was not let through") {
		t.Error("az looks for something besides its own cloud")
	}
	s.disconnects(eve, "azure", "Delete the client secrets or certificates of the applications "+full.ClientID+" and "+reader.ClientID)
	s.erased(conn)
	s.nowhere(full.Secret)
	s.nowhere(reader.Secret)
}

// erased makes sure that neither credential nor row is left.
func (s *story) erased(conn store.Connection) {
	s.t.Helper()
	if _, _, err := s.app.stores.keeper.Get(s.t.Context(), strings.TrimPrefix(conn.Token, "vault:")); err == nil {
		s.t.Error("the credential is still there")
	}
	if conns := s.connections(eve); len(conns) != 0 {
		s.t.Errorf("the row is still there: %v", conns)
	}
}

func TestScalewayFromFormToDisconnect(t *testing.T) {
	t.Parallel()
	needs(t, []string{"scw"})
	s := newcomer(t, worldOptions{change: asOperator})
	full, reader := s.sims.clouds.ScalewayKeys()[0], s.sims.clouds.ScalewayKeys()[1]
	world := s.sims.clouds.World().Scaleway
	link := s.linkFor(eve, "scaleway")
	form := url.Values{"access_key": {full.AccessKey}, "secret_key": {"11111111-1111-4111-8111-111111111111"}, "region": {"fr-par"}, "for_aurora": {"yes"}}
	visit(t, http.MethodPost, link, form).says(t, http.StatusUnprocessableEntity, "does not accept the API key", `value="`+full.AccessKey+`"`)
	form.Set("secret_key", full.SecretKey)
	form.Set("reader_access_key", reader.AccessKey)
	form.Set("reader_secret_key", reader.SecretKey)
	got := visit(t, http.MethodPost, link, form)
	got.says(t, http.StatusOK, "Connected", world.Organization, "read-only key alone")
	if strings.Contains(got.body, full.SecretKey) {
		t.Error("the page shows the secret back")
	}
	conn := s.onlyConnection(eve)
	s.sims.clouds.Forget()
	s.says(eve, "@aurora run scw instance server list zone=all", "", "cache-2")
	for _, e := range s.sims.clouds.Requests("instance.*") {
		if e.Principal != reader.AccessKey {
			t.Errorf("Ask worked with %s", e.Principal)
		}
	}
	s.says(eve, "@aurora run scw instance server list project-id=99999999-9999-4999-8999-999999999999", "", "is not part of any of your connections")
	thread := s.says(eve, "@aurora mode agent", "", "Agent mode in this thread")
	id := world.Servers[0].ID
	s.says(eve, "@aurora run scw instance server get "+id, thread, "cache-1")
	s.says(eve, "@aurora run scw instance server stop "+id, thread, "Confirm: disrupt in scaleway")
	s.confirms(eve, "instance.servers.action.poweroff")
	s.says(eve, "@aurora run scw instance server delete "+id, thread, "Confirm: delete in scaleway")
	s.confirms(eve, "instance.servers.delete")
	if n := s.sims.clouds.Executed("instance.servers.action.poweroff"); n != 1 {
		t.Errorf("it was stopped %d times", n)
	}
	if _, err := s.sims.clouds.Revoke("scaleway", reader.AccessKey); err != nil {
		t.Fatal(err)
	}
	s.says(eve, "@aurora run scw instance server list", "", "no longer accepts the API key")
	if conn := s.onlyConnection(eve); conn.Status != store.ConnectionBroken {
		t.Errorf("after a refusal the connection is %s", conn.Status)
	}
	s.disconnects(eve, "scaleway", "is deleted at Scaleway")
	s.erased(conn)
	if n := s.sims.clouds.Executed("iam.api-keys.delete"); n != 1 { // the other was gone
		t.Errorf("%d keys were deleted", n)
	}
	s.nowhere(full.SecretKey)
	s.nowhere(reader.SecretKey)
}

func TestTailscaleFromFormToDisconnect(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{change: asOperator})
	client := s.sims.clouds.TailscaleClient()
	link := s.linkFor(eve, "tailscale")
	form := url.Values{"client_id": {client.ID}, "client_secret": {client.Secret}, "tailnet": {cloudsim.Tailnet}, "for_aurora": {"yes"}}
	visit(t, http.MethodPost, link, form).says(t, http.StatusOK, "Connected", "reading half")
	conn := s.onlyConnection(eve)
	device := s.sims.clouds.World().Tailscale[0].Devices[0]
	s.says(eve, "@aurora run tailscale device list", "", device.Hostname)
	thread := s.says(eve, "@aurora mode agent", "", "Agent mode in this thread")
	s.says(eve, "@aurora run tailscale device expire "+device.NodeID, thread, "Confirm: disrupt in tailscale")
	s.confirms(eve, "devices.expire")
	s.says(eve, "@aurora run tailscale device delete "+device.NodeID, thread, "Confirm: delete in tailscale")
	s.confirms(eve, "devices.delete")
	if n := s.sims.clouds.Executed("devices.delete"); n != 1 {
		t.Errorf("it was deleted %d times", n)
	}
	s.disconnects(eve, "tailscale", "is deleted at Tailscale")
	s.erased(conn)
	s.nowhere(client.Secret)
}

func TestDisconnectErasesThoughTheCloudIsAway(t *testing.T) {
	t.Parallel()
	s := newcomer(t, worldOptions{})
	key := s.sims.clouds.ScalewayKeys()[0]
	form := url.Values{"access_key": {key.AccessKey}, "secret_key": {key.SecretKey}, "region": {"fr-par"}, "for_aurora": {"yes"}}
	visit(t, http.MethodPost, s.linkFor(eve, "scaleway"), form).says(t, http.StatusOK, "Connected")
	conn := s.onlyConnection(eve)
	if err := s.sims.clouds.Inject(cloudsim.Fault{Action: "iam.api-keys.delete", Kind: cloudsim.FaultCutBefore, Times: -1}); err != nil {
		t.Fatal(err)
	}
	s.disconnects(eve, "scaleway", "Scaleway did not delete "+key.AccessKey)
	s.erased(conn)
}

// asOperator lets newcomers change things.
func asOperator(c *config) { c.DefaultRole = string(store.Operator) }
