package main

import (
	"cmp"
	"context"
	"fmt"
	"os"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"aurora/providers"
	"aurora/providers/aws"
	"aurora/providers/azure"
	"aurora/providers/gcp"
	"aurora/providers/ovh"
	"aurora/providers/policy"
	"aurora/providers/scaleway"
	"aurora/providers/tailscale"
)

// clouds are the connectors.
type clouds struct {
	aws       *aws.Connector
	gcp       *gcp.Connector
	tailscale *tailscale.Connector
	ovh       *ovh.Connector // nil while it is off
	azure     *azure.Connector
	scaleway  *scaleway.Connector
}

// newClouds makes the connectors.
func newClouds(ctx context.Context, c config, engine *policy.Engine, programs providers.Programs, confine providers.Sandbox) (clouds, error) {
	ts, err := tailscale.New(tailscale.Config{Resolve: engine.ResolveCall, BaseURL: c.EndpointTailscale})
	if err != nil {
		return clouds{}, err
	}
	found := clouds{tailscale: ts}
	if found.gcp, err = newGCP(c); err != nil {
		return clouds{}, err
	}
	if found.ovh, err = newOVH(c, engine); err != nil {
		return clouds{}, err
	}
	identity, err := awsIdentity(ctx, c)
	if err != nil {
		return clouds{}, err
	}
	if found.azure, err = newAzure(c, programs["az"], confine); err != nil {
		return clouds{}, err
	}
	if found.scaleway, err = scaleway.New(scaleway.Config{API: c.EndpointScaleway}); err != nil {
		return clouds{}, err
	}
	sts := cmp.Or(c.EndpointSTS, c.EndpointAWS)
	found.aws, err = aws.New(aws.Config{Identity: identity, Region: c.AWSRegion, Endpoint: c.EndpointAWS, STSEndpoint: sts})
	return found, err
}

// newAzure makes the connector with what this machine has: certificates to trust, and a token of Aurora's own. az tells
// about itself confined, as it runs.
func newAzure(c config, az providers.Program, confine providers.Sandbox) (*azure.Connector, error) {
	trusted, err := c.trusted()
	if err != nil {
		return nil, err
	}
	made := azure.Config{Login: c.EndpointEntra, ARM: c.EndpointARM, CA: trusted}
	if az.Err == nil && az.Entry != "" {
		made.Learn = func(ctx context.Context, s providers.Session, file string) ([]byte, error) {
			return az.Learn(ctx, confine, s, file, "version")
		}
	}
	if c.AzureTokenFile != "" { // read each time: the platform replaces it
		made.Federated = func() (string, error) {
			raw, err := os.ReadFile(c.AzureTokenFile)
			return string(raw), err
		}
	}
	return azure.New(made)
}

// trusted are the certificates that CLIs trust which look at none of the machine's; nil leaves them their own.
func (c config) trusted() ([]byte, error) {
	if c.cloudCA != nil || c.CAFile == "" {
		return c.cloudCA, nil
	}
	raw, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read SSL_CERT_FILE: %w", err)
	}
	return raw, nil
}

// awsIdentity is who Aurora is to AWS: by the SDK's own chain, which reads the environment, files and the machine's role.
func awsIdentity(ctx context.Context, c config) (sdk.CredentialsProvider, error) {
	if c.identity != nil {
		return credentials.NewStaticCredentialsProvider(c.identity.id, c.identity.secret.Reveal(), c.identity.session.Reveal()), nil
	}
	found, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(c.AWSRegion))
	if err != nil {
		return nil, fmt.Errorf("read Aurora's own AWS identity: %w", err)
	}
	return found.Credentials, nil
}
