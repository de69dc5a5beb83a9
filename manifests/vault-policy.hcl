# What Aurora's token or AppRole needs in Vault, and nothing else:
#   vault secrets enable -path=kv -version=2 kv
#   vault policy write aurora manifests/vault-policy.hcl

# Credentials: read, and write with check-and-set. No listing.
path "kv/data/aurora/users/*" {
  capabilities = ["create", "read", "update"]
}
path "kv/data/aurora/orgs/*" {
  capabilities = ["create", "read", "update"]
}

# Disconnecting destroys all versions and what is known about them.
path "kv/metadata/aurora/users/*" {
  capabilities = ["delete"]
}
path "kv/metadata/aurora/orgs/*" {
  capabilities = ["delete"]
}

# Its own token: how long it lasts, renewing it, and whether this policy is attached.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "sys/capabilities-self" {
  capabilities = ["update"]
}
