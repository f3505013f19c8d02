// Package identity answers one question: who is asking. People sign in with the
// identity provider (OpenID Connect, Amazon Cognito unless configured otherwise)
// and are known by a session afterwards; clients send the provider's tokens.
// Either way the answer is an Identity with an account id, which is all that the
// rest of the portal goes by. What somebody may do is not decided here, and
// whether the account is registered neither: that is the worker's answer.
//
//	GET /sign-in ----> provider's pages ----> GET /sign-in/callback
//	  attempt stored,     state, nonce,         attempt taken (once, same browser),
//	  browser cookie      PKCE challenge        code exchanged, ID token verified,
//	                                            account mapped, session opened
//
//	request ---> Authenticate ---> bearer token, else session cookie, else nobody
//
// Three tables hold what it knows, in rows that package schema lists: which account an identity
// has (journal), e-mail and name (records), and sessions and sign-ins under way (sessions). A
// sign-in has ten minutes to finish, and its destination is remembered for a day.
//
// Session tokens and states are stored as SHA-256 hashes only, and neither they
// nor the provider's tokens stand in a log line or an error.
package identity
