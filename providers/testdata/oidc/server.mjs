// An authorization server nobody here wrote, set to what Aurora must live with: PKCE is required, every refresh rotates
// the refresh token, and one that is used twice ends the whole grant. Its sign-in says yes by itself. /stats counts.
// Started with: node server.mjs PORT
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const scopes = 'openid offline_access';
const stats = { renewed: 0, errors: [], revoked: 0 };

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'aurora', client_secret: 'aurora-secret-of-the-test', redirect_uris: ['http://127.0.0.1:1/callback'],
    grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], token_endpoint_auth_method: 'client_secret_post',
  }],
  cookies: { keys: ['only-for-this-test'] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false }, revocation: { enabled: true } },
  rotateRefreshToken: true,
  issueRefreshToken: async () => true,
  expiresWithSession: async () => false,
  ttl: { AccessToken: 3600, IdToken: 3600, RefreshToken: 86400, Grant: 86400, Session: 86400, Interaction: 600 },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  async loadExistingGrant(ctx) {
    const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope(scopes);
    await grant.save();
    return grant;
  },
});

provider.on('grant.success', (ctx) => { if (ctx.oidc.params.grant_type === 'refresh_token') stats.renewed += 1; });
provider.on('grant.error', (_ctx, err) => stats.errors.push(err.error));
provider.on('grant.revoked', () => { stats.revoked += 1; });

const answer = provider.callback();
createServer((req, res) => {
  if (req.url === '/stats') {
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify(stats));
  } else if (req.url.startsWith('/interaction/')) {
    provider.interactionFinished(req, res, { login: { accountId: 'ada' } });
  } else {
    answer(req, res);
  }
}).listen(port, '127.0.0.1');
