package cloudsim_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
	"tailscale.com/client/tailscale/v2"

	"aurora/providers/cloudsim"
)

func stsClient(sim *cloudsim.Server, key cloudsim.AWSKey) *sts.Client {
	return sts.New(sts.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(sim.Endpoints().AWS), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(key.ID, key.Secret, key.SessionToken),
	})
}

func TestSTSForTheGoSDK(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	client := stsClient(sim, sim.AWSKey())
	input := &sts.AssumeRoleInput{
		RoleArn: aws.String(cloudsim.RoleReadOnly), RoleSessionName: aws.String("aurora-u1"), ExternalId: aws.String(externalID),
		SourceIdentity: aws.String("u1"), DurationSeconds: aws.Int32(900), Policy: aws.String(denyStops),
		PolicyArns: []types.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")}},
		Tags:       []types.Tag{{Key: aws.String("thread"), Value: aws.String("T1:C1:1")}},
	}
	out, err := client.AssumeRole(t.Context(), input)
	if err != nil {
		t.Fatal(err)
	}
	session := cloudsim.AWSKey{ID: *out.Credentials.AccessKeyId, Secret: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
	who, err := stsClient(sim, session).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Account != cloudsim.ProdAccount || *who.Arn != *out.AssumedRoleUser.Arn {
		t.Fatalf("the session is %+v: %v", who, err)
	}
	input.ExternalId = nil
	_, err = client.AssumeRole(t.Context(), input)
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "AccessDenied" {
		t.Errorf("without external id: %v, want AccessDenied", err)
	}
}

func tailnetClient(t *testing.T, sim *cloudsim.Server, key cloudsim.TailscaleClient, scopes ...string) *tailscale.Client {
	t.Helper()
	base, err := url.Parse(sim.Endpoints().Tailscale)
	if err != nil {
		t.Fatal(err)
	}
	return &tailscale.Client{BaseURL: base, Tailnet: "-", Auth: &tailscale.OAuth{ClientID: key.ID, ClientSecret: key.Secret, Scopes: scopes}}
}

func TestTailnetForTheGoClient(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	client := tailnetClient(t, sim, sim.TailscaleClient())
	ctx := t.Context()
	devices, err := client.Devices().List(ctx)
	if err != nil || len(devices) != 3 {
		t.Fatalf("%d devices: %v", len(devices), err)
	}
	laptop, ok := sim.Device("new-laptop")
	if !ok {
		t.Fatal("there is no new-laptop")
	}
	steps := map[string]func() error{
		"authorize": func() error { return client.Devices().SetAuthorized(ctx, laptop.NodeID, true) },
		"tags":      func() error { return client.Devices().SetTags(ctx, laptop.NodeID, []string{"tag:prod"}) },
		"routes":    func() error { return client.Devices().SetSubnetRoutes(ctx, laptop.NodeID, []string{"10.1.0.0/16"}) },
		"key": func() error {
			return client.Devices().SetKey(ctx, laptop.NodeID, tailscale.DeviceKey{KeyExpiryDisabled: true})
		},
		"dns":    func() error { return client.DNS().SetNameservers(ctx, []string{"9.9.9.9"}) },
		"search": func() error { return client.DNS().SetSearchPaths(ctx, []string{"example.org"}) },
		"settings": func() error {
			return client.TailnetSettings().Update(ctx, tailscale.UpdateTailnetSettingsRequest{DevicesApprovalOn: tailscale.PointerTo(false)})
		},
	}
	for name, step := range steps {
		if err := step(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d, _ := sim.Device(laptop.NodeID); !d.Authorized || !d.NoExpiry || len(d.Tags) != 1 || len(d.Enabled) != 1 {
		t.Errorf("the device is %+v", d)
	}
	if routes, err := client.Devices().SubnetRoutes(ctx, laptop.NodeID); err != nil || len(routes.Enabled) != 1 {
		t.Errorf("the routes are %+v: %v", routes, err)
	}
	if err := client.Devices().Delete(ctx, laptop.NodeID); err != nil {
		t.Error(err)
	}
	if _, err := client.Devices().Get(ctx, laptop.NodeID); !tailscale.IsNotFound(err) {
		t.Errorf("the deleted device: %v, want not found", err)
	}
	if err := client.Devices().SetTags(ctx, "n5xYFQ2CNTRL", []string{"tag:unknown"}); err == nil {
		t.Error("a tag nobody owns was taken")
	}
}

func TestTailnetPolicyAndKeysForTheGoClient(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	client := tailnetClient(t, sim, sim.TailscaleClient())
	ctx := t.Context()
	raw, err := client.PolicyFile().Raw(ctx)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := client.PolicyFile().Get(ctx)
	if err != nil || len(parsed.TagOwners) != 2 {
		t.Fatalf("the policy is %+v: %v", parsed, err)
	}
	if err := client.PolicyFile().Set(ctx, raw.HuJSON+"// changed\n", raw.ETag); err != nil {
		t.Fatal(err)
	}
	if err := client.PolicyFile().Set(ctx, raw.HuJSON, raw.ETag); err == nil {
		t.Error("a policy file was replaced with an old ETag")
	}
	if err := client.PolicyFile().Validate(ctx, `{"acls": [}`); err == nil {
		t.Error("a broken policy file is valid")
	}
	var request tailscale.CreateKeyRequest
	if _, err := client.Keys().CreateAuthKey(ctx, request); err == nil {
		t.Error("an OAuth client made a key without tags")
	}
	request.Capabilities.Devices.Create.Tags = []string{"tag:prod"}
	key, err := client.Keys().CreateAuthKey(ctx, request)
	if err != nil || key.Key == "" {
		t.Fatalf("create a key: %+v: %v", key, err)
	}
	if shown, err := client.Keys().Get(ctx, key.ID); err != nil || shown.Key != "" {
		t.Errorf("a key's secret is shown again: %v", err)
	}
	if err := client.Keys().Delete(ctx, key.ID); err != nil {
		t.Error(err)
	}
}

func TestTailnetScopesBoundTheToken(t *testing.T) {
	t.Parallel()
	sim := start(t, cloudsim.Config{})
	readOnly := sim.NewTailscaleClient(cloudsim.Tailnet, "devices:core:read", "dns:read")
	client := tailnetClient(t, sim, readOnly)
	if _, err := client.Devices().List(t.Context()); err != nil {
		t.Errorf("reading with devices:core:read: %v", err)
	}
	err := client.Devices().Delete(t.Context(), "n5xYFQ2CNTRL")
	var refused tailscale.APIError
	if !errors.As(err, &refused) || refused.Status != 403 || sim.Executed("devices.delete") != 0 {
		t.Errorf("deleting with devices:core:read: %v", err)
	}
	if _, err := client.Keys().List(t.Context(), false); err == nil {
		t.Error("keys are listed without auth_keys:read")
	}
	if _, err := tailnetClient(t, sim, readOnly, "devices:core").Devices().List(t.Context()); err == nil {
		t.Error("a client was given more than its scopes")
	}
	if n, err := sim.Revoke("tailscale", readOnly.ID); n != 1 || err != nil {
		t.Fatalf("revoke: %d, %v", n, err)
	}
	if _, err := client.Devices().List(t.Context()); err == nil {
		t.Error("a revoked client's token still works")
	}
}
