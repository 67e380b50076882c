// An OpenID provider for tests: npm's oidc-provider with the people, clients and habits that a test asks for.
//
// node oidc_provider.mjs SETTINGS.json   (issuer, port, certificate, key, clients, people, audience, signing_keys)
// POST /test/rotate puts a new signing key first; POST /test/drop makes it the only one.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));

function newKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), alg: 'RS256', use: 'sig' };
}

function told(provider) {
  provider.on('backchannel.error', (_ctx, error) => console.log('back-channel logout failed', error));
  return provider;
}

function account(id) {
  const person = settings.people[id];
  return person && { accountId: id, claims: () => ({ sub: id, ...person.claims }) };
}

function providerWith(keys) {
  return new Provider(settings.issuer, {
    clients: settings.clients,
    jwks: { keys },
    cookies: { keys: ['for tests'] },
    findAccount: (_ctx, id) => account(id),
    claims: { openid: ['sub', 'acr', 'amr', 'auth_time'], profile: ['name', 'preferred_username', 'groups', 'departments', 'clearance'] },
    scopes: ['openid', 'profile', 'offline_access', 'user/ImagingStudy.rs', 'patient/ImagingStudy.rs'],
    acrValues: ['gold'],
    pkce: { required: () => true },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: 'user/ImagingStudy.rs patient/ImagingStudy.rs',
          audience: resource.replace(/^urn:(jwt|opaque):/, ''),
          accessTokenFormat: resource.startsWith('urn:opaque:') ? 'opaque' : 'jwt',
          accessTokenTTL: 600,
        }),
        useGrantedResource: () => true,
      },
    },
    extraTokenClaims: (_ctx, token) => (token.accountId ? settings.people[token.accountId].claims : undefined),
    conformIdTokenClaims: settings.claims_by_userinfo !== false,
    // The gate under test is on a loopback address, which the provider's own fetch refuses.
    fetch: (url, options) => globalThis.fetch(url, { ...options, dispatcher: undefined }),
    interactions: { url: (_ctx, interaction) => `/test/interaction/${interaction.uid}` },
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, IdToken: 600, AccessToken: 600, ClientCredentials: 600 },
  });
}

let keys = [newKey()];
let provider = told(providerWith(keys));

// Whoever comes in is who the query of the authorization request hints at: `login_hint`, or the cookie of the test.
async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  const wanted = /(?:^|; )person=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
  if (details.prompt.name === 'login') {
    const person = settings.people[wanted];
    if (!person) return provider.interactionFinished(request, response, { error: 'access_denied', error_description: 'no' });
    const login = { accountId: wanted, amr: person.amr, acr: person.acr };
    return provider.interactionFinished(request, response, { login });
  }
  const grant = new provider.Grant({ accountId: details.session.accountId, clientId: details.params.client_id });
  grant.addOIDCScope(details.params.scope);
  for (const [resource, scopes] of Object.entries(details.prompt.details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
}

function handle(request, response) {
  if (request.url.startsWith('/test/interaction/')) {
    interact(request, response).catch((error) => { response.statusCode = 500; response.end(String(error)); });
  } else if (request.url === '/test/rotate' || request.url === '/test/drop') {
    keys = request.url === '/test/rotate' ? [newKey(), ...keys] : [newKey()];
    provider = told(providerWith(keys));
    response.end('ok');
  } else {
    provider.callback()(request, response);
  }
}

const tls = { cert: readFileSync(settings.certificate), key: readFileSync(settings.key) };
createServer(tls, handle).listen(settings.port, '127.0.0.1', () => console.log('ready'));
