// Package cloudsim is the clouds' own endpoints on loopback: AWS (STS, EC2, S3, Secrets Manager, Logs, Lambda, RDS, IAM,
// CloudWatch), Google (Compute Engine, Resource Manager, sign-in), Tailscale, Scaleway, OVH and Azure, with a small world
// of accounts, machines and credentials behind them. The real command line tools are its clients.
//
// Tests start one in process ([New], [Server.Start]) and read back what was asked ([Server.Journal], [Server.Executed]);
// `aurora playground` serves one with [Server.ListenAndServe]; a program in another process does the same over HTTP under
// /sim/. It is meant to be as strict as the clouds: signatures, trust policies, external ids, session policies, scopes and
// expiry are enforced, and what a cloud refuses is refused with that cloud's own words.
//
// It never imports a cloud's client library, never talks to anything but its own callers, and writes no file.
package cloudsim
