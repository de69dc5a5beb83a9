// Package manifests embeds the files that tell other systems about Aurora, as `aurora manifest` prints them. It holds
// no code of its own.
package manifests

import _ "embed"

// Slack is the app manifest to paste when the Slack app is made: exactly the scopes and events Aurora uses.
//
//go:embed slack.json
var Slack []byte

// AWSRoles is the CloudFormation template of the roles that Aurora assumes in somebody's account. CloudFormation takes a
// template from S3 alone, so whoever runs Aurora puts it there.
//
//go:embed aws-roles.yaml
var AWSRoles []byte
