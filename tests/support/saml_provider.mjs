// A SAML identity provider over HTTP: npm's `samlify` with people that a file names.
//
// GET /sign-in shows a button for each person; it posts the signed response to whoever asked.
// GET /sign-out?person=… sends the browser to the gate with a signed logout request.
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import samlify from "samlify";

const settings = JSON.parse(readFileSync(process.argv[2], "utf-8"));
samlify.setSchemaValidator({ validate: () => Promise.resolve("the gate's business") });

const idp = samlify.IdentityProvider({
  metadata: readFileSync(settings.metadata),
  privateKey: readFileSync(settings.key),
  requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
  isAssertionEncrypted: settings.encrypts,
});

async function gate() {
  const metadata = await (await fetch(settings.gate_metadata)).text();
  return samlify.ServiceProvider({ metadata, wantLogoutRequestSigned: true, wantMessageSigned: true });
}

const escaped = (text) =>
  String(text).replace(/[&<>"]/g, (found) => `&#${found.charCodeAt(0)};`);

function attributes(person) {
  const each = Object.entries(person.attributes).map(([name, values]) => {
    const listed = values.map((value) => `<saml:AttributeValue>${escaped(value)}</saml:AttributeValue>`);
    return `<saml:Attribute Name="${escaped(name)}">${listed.join("")}</saml:Attribute>`;
  });
  return `<saml:AttributeStatement>${each.join("")}</saml:AttributeStatement>`;
}

function statement(name, person) {
  return (
    `<saml:AuthnStatement AuthnInstant="${new Date().toISOString()}" SessionIndex="session-of-${escaped(name)}">` +
    `<saml:AuthnContext><saml:AuthnContextClassRef>${escaped(person.context)}</saml:AuthnContextClassRef>` +
    "</saml:AuthnContext></saml:AuthnStatement>"
  );
}

async function response(sp, asked, name, person) {
  const now = new Date();
  const later = new Date(now.getTime() + 300_000).toISOString();
  const acs = sp.entityMeta.getAssertionConsumerService("post");
  const filled = (template) => ({
    id: randomUUID(),
    context: samlify.SamlLib.replaceTagsByValue(
      template
        .replace("{AuthnStatement}", statement(name, person))
        .replace("{AttributeStatement}", attributes(person)),
      {
        ID: `_${randomUUID()}`,
        AssertionID: `_${randomUUID()}`,
        Destination: acs,
        Audience: sp.entityMeta.getEntityID(),
        SubjectRecipient: acs,
        Issuer: idp.entityMeta.getEntityID(),
        IssueInstant: now.toISOString(),
        StatusCode: "urn:oasis:names:tc:SAML:2.0:status:Success",
        ConditionsNotBefore: now.toISOString(),
        ConditionsNotOnOrAfter: later,
        SubjectConfirmationDataNotOnOrAfter: later,
        NameIDFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        NameID: `id-of-${name}`,
        InResponseTo: asked.extract.request.id,
      },
    ),
  });
  const made = await idp.createLoginResponse(sp, asked, "post", {}, filled, settings.encrypts);
  return [acs, made.context];
}

async function signIn(url) {
  const sp = await gate();
  const query = Object.fromEntries(url.searchParams);
  const octetString = ["SAMLRequest", "RelayState", "SigAlg"]
    .filter((name) => name in query)
    .map((name) => `${name}=${encodeURIComponent(query[name])}`)
    .join("&");
  const asked = await idp.parseLoginRequest(sp, "redirect", { query, octetString });
  const forms = [];
  for (const [name, person] of Object.entries(settings.people)) {
    const [acs, encoded] = await response(sp, asked, name, person);
    forms.push(
      `<form method="post" action="${escaped(acs)}"><input type="hidden" name="SAMLResponse" value="${encoded}">` +
        `<input type="hidden" name="RelayState" value="${escaped(query.RelayState ?? "")}">` +
        `<button>I am ${escaped(name)}</button></form>`,
    );
  }
  return `<!doctype html><title>Identity provider</title>${forms.join("")}`;
}

async function signOut(url) {
  const name = url.searchParams.get("person");
  const user = { logoutNameID: `id-of-${name}`, sessionIndex: `session-of-${name}` };
  return idp.createLogoutRequest(await gate(), "redirect", user).context;
}

createServer(async (request, answer) => {
  const url = new URL(request.url, "http://localhost");
  try {
    if (url.pathname === "/sign-in") {
      answer.writeHead(200, { "Content-Type": "text/html" }).end(await signIn(url));
    } else if (url.pathname === "/sign-out") {
      answer.writeHead(303, { Location: await signOut(url) }).end();
    } else if (url.pathname === "/signed-out") {
      answer.writeHead(200, { "Content-Type": "text/plain" }).end("signed out");
    } else {
      answer.writeHead(404).end();
    }
  } catch (error) {
    answer.writeHead(400, { "Content-Type": "text/plain" }).end(String(error?.stack ?? error));
  }
}).listen(settings.port, "127.0.0.1", () => console.log("ready"));
