// Package cloudsim is the clouds' own endpoints on loopback: AWS (STS, EC2, S3, Secrets Manager, Logs, Lambda, RDS, IAM,
// CloudWatch), Google (Compute Engine, Resource Manager, sign-in), Tailscale, Scaleway, OVH and Azure, with a small world
// of accounts, machines and credentials behind them. The real command line tools are its clients.
//
// Tests start one in process ([New], [Server.Start]) and read back what was asked ([Server.Journal], [Server.Executed]);
// `aurora playground` serves one with [Server.ListenAndServe]; a program in another process does the same over HTTP under
// /sim/. It is meant to be as strict as the clouds: signatures, trust policies, external ids, session policies, scopes and
// expiry are enforced, and what a cloud refuses is refused with that cloud's own words.
//
// The control interface answers JSON, and a refusal as {"error": "..."}:
//
//	GET    /sim/endpoints, /sim/credentials            where everything answers; the secrets it was made with
//	GET    /sim/journal?since=&cloud=&action=          requests as [Entry]; action may be a pattern such as ec2:*
//	GET    /sim/executed?action=                       how often it was carried out
//	GET    /sim/wait?action=&n=&timeout_ms=            waits until it was carried out n times; with &held=1, until a fault holds one
//	POST   /sim/forget                                 empties the journal
//	GET    /sim/state, PUT /sim/state                  the [World]
//	POST   /sim/faults, DELETE /sim/faults             a [Fault]; DELETE clears all and releases what is held
//	POST   /sim/release                                lets held requests go on
//	POST   /sim/hook {url}, DELETE /sim/hook           every request is posted there as {stage, entry}; the answer may be a [Fault]
//	POST   /sim/trust {role, external_id|document}     a role's trust policy
//	POST   /sim/consent {client, consent}              answers the sign-in page of gcp, ovh-eu, ovh-ca, ovh-us or azure
//	POST   /sim/credentials/aws {account, user}        a new access key
//	POST   /sim/credentials/gcp {email, scopes, seconds}
//	POST   /sim/credentials/tailscale {tailnet, scopes}
//	POST   /sim/credentials/expire {cloud, id}         id empty: every short-lived one
//	POST   /sim/credentials/revoke {cloud, id}
//	POST   /sim/grants/revoke {client, account}        takes a person's consent back
//
// It never imports a cloud's client library, never talks to anything but its own callers, and writes no file.
package cloudsim
