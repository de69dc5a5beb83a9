package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// Organizations is one service at one place in each partition. It gives 20 accounts a page at most.
const (
	accountsPage  = 20
	accountsTries = 5
	accountsReply = 1 << 20 // bytes
)

type accountsPageOut struct {
	Accounts []struct {
		ID     string `json:"Id"`
		Name   string `json:"Name"`
		Status string `json:"Status"`
		State  string `json:"State"` // takes the place of Status
	} `json:"Accounts"`
	NextToken string `json:"NextToken"`
}

// organizationsError is an answer of Organizations that is none.
type organizationsError struct {
	code, message string
}

func (e *organizationsError) Error() string { return "AWS Organizations: " + e.code + ": " + e.message }

// listAccounts lists the active accounts of the organisation that the keys' account manages.
func (c *Connector) listAccounts(ctx context.Context, keys *types.Credentials, partition string) ([]member, error) {
	var list []member
	next := ""
	for {
		page, err := c.accountsPage(ctx, keys, partition, next)
		var told *organizationsError
		switch {
		case errors.As(err, &told) && (told.code == "AccessDeniedException" || told.code == "AWSOrganizationsNotInUseException"):
			return nil, refuse("AWS Organizations does not list its accounts to this role: give the account that manages the organisation or administers it, "+
				"or paste the account ids. AWS says: %s", told.message)
		case err != nil:
			return nil, unreachable(err)
		}
		for _, a := range page.Accounts {
			if (a.State == "ACTIVE" || a.State == "" && a.Status == "ACTIVE") && accountID.MatchString(a.ID) {
				list = append(list, member{a.ID, a.Name})
			}
		}
		if len(list) > mostAccounts {
			return nil, refuse("The organisation has more than %d accounts, and one connection takes no more: paste the ids of those that are meant.", mostAccounts)
		}
		if page.NextToken == "" {
			return list, nil
		}
		next = page.NextToken
	}
}

// accountsPage asks for one page, with patience where AWS asks for it.
func (c *Connector) accountsPage(ctx context.Context, keys *types.Credentials, partition, next string) (page accountsPageOut, err error) {
	wait := 200 * time.Millisecond
	for n := 1; ; n++ {
		page, err = c.askOrganizations(ctx, keys, partition, next)
		var told *organizationsError
		if n == accountsTries || !errors.As(err, &told) || told.code != "TooManyRequestsException" && told.code != "ThrottlingException" {
			return page, err
		}
		select {
		case <-ctx.Done():
			return page, context.Cause(ctx)
		case <-time.After(wait):
			wait *= 2
		}
	}
}

func (c *Connector) askOrganizations(ctx context.Context, keys *types.Credentials, partition, next string) (page accountsPageOut, err error) {
	body, err := json.Marshal(struct {
		MaxResults int
		NextToken  string `json:",omitempty"`
	}{accountsPage, next})
	if err != nil {
		return page, fmt.Errorf("ask for accounts: %w", err)
	}
	address, region := c.organizations(partition)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/", bytes.NewReader(body))
	if err != nil {
		return page, fmt.Errorf("ask for accounts: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSOrganizationsV20161128.ListAccounts")
	sum := sha256.Sum256(body)
	signer := sdk.Credentials{AccessKeyID: *keys.AccessKeyId, SecretAccessKey: *keys.SecretAccessKey, SessionToken: *keys.SessionToken}
	if err := v4.NewSigner().SignHTTP(ctx, signer, req, hex.EncodeToString(sum[:]), "organizations", region, c.config.Now()); err != nil {
		return page, fmt.Errorf("ask for accounts: %w", err)
	}
	client := c.config.HTTP
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second}
	}
	answer, err := client.Do(req)
	if err != nil {
		return page, fmt.Errorf("ask for accounts: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	return readAccounts(answer)
}

func readAccounts(answer *http.Response) (page accountsPageOut, err error) {
	raw, err := io.ReadAll(io.LimitReader(answer.Body, accountsReply))
	if err != nil {
		return page, fmt.Errorf("read the list of accounts: %w", err)
	}
	if answer.StatusCode == http.StatusOK {
		if err := json.Unmarshal(raw, &page); err != nil {
			return page, fmt.Errorf("read the list of accounts: %w", err)
		}
		return page, nil
	}
	var told struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
		Capital string `json:"Message"`
	}
	_ = json.Unmarshal(raw, &told) // what cannot be read has no code
	_, code, qualified := strings.Cut(told.Type, "#")
	if !qualified {
		code = told.Type
	}
	return page, &organizationsError{code: code, message: told.Message + told.Capital}
}

// organizations is the address of the service in a partition, and the region that requests are signed for.
func (c *Connector) organizations(partition string) (address, region string) {
	switch partition {
	case "aws-cn":
		address, region = "https://organizations.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1"
	case "aws-us-gov":
		address, region = "https://organizations.us-gov-west-1.amazonaws.com", "us-gov-west-1"
	default:
		address, region = "https://organizations.us-east-1.amazonaws.com", "us-east-1"
	}
	if c.config.Endpoint != "" {
		address = strings.TrimSuffix(c.config.Endpoint, "/")
	}
	return address, region
}
