package providers

import (
	"testing"

	"aurora/providers/policy"
)

// Whoever is told that an outcome is unknown is told by which read he can find out.
func TestLostChangeNamesARead(t *testing.T) {
	t.Parallel()
	engine, err := policy.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	e := &Executor{Config{Policy: engine}}
	for line, want := range map[string]string{
		"tailscale device delete nHj9kP3CNTRL":                                          "tailscale device get nHj9kP3CNTRL",
		"tailscale device rename nHj9kP3CNTRL web-9":                                    "tailscale device get nHj9kP3CNTRL",
		"tailscale key delete kAuth1111CNTRL":                                           "tailscale key get kAuth1111CNTRL",
		"tailscale dns nameservers set 1.1.1.1":                                         "tailscale dns nameservers get",
		"aws ec2 terminate-instances --instance-ids i-0a1b2c3d4e5f60001":                "aws ec2 describe-instances --instance-ids i-0a1b2c3d4e5f60001 --output json",
		"aws rds delete-db-instance --db-instance-identifier shop --region eu-west-1":   "aws rds describe-db-instances --db-instance-identifier shop --region eu-west-1",
		"aws ec2 create-tags --resources i-0a1b2c3d4e5f60001 --tags Key=team,Value=red": "aws ec2 describe-tags",
		"aws ec2 run-instances --image-id ami-1 --count 1":                              "aws ec2 describe-instances",
		"gcloud compute instances delete web-1 --zone=us-east1-b":                       "gcloud compute instances describe web-1 --zone=us-east1-b --format=json",
		"gcloud compute disks delete data-1 --zone=us-east1-b --project=acme-prod":      "gcloud compute disks describe data-1 --zone us-east1-b --project acme-prod",
		"az vm delete --resource-group rg --name web-1 --yes":                           "az vm show --resource-group rg --name web-1",
		"scw instance server delete 11111111-1111-1111-1111-111111111111":               "scw instance server get 11111111-1111-1111-1111-111111111111",
		"kubectl delete pod checkout-1 --namespace shop":                                "kubectl describe pod checkout-1 --namespace shop",
	} {
		command, bad := engine.Parse(line)
		if bad != nil {
			t.Errorf("%s: %s", line, bad.Reason)
			continue
		}
		p := Prepared{Command: command, Verdict: engine.Classify(command)}
		if p.Verdict.Effect == policy.Read {
			t.Errorf("%s only reads", line)
		}
		if got := e.lookAfter(p); got != want {
			t.Errorf("after %s: %q, want %q", line, got, want)
		}
	}
}
