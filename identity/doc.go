// Package identity authenticates requests. People sign in with the identity provider (OpenID
// Connect, by default Amazon Cognito) and get a session; clients send the provider's tokens.
// Either yields an Identity with an account id. It does not decide what an account may do, or
// whether it is registered.
//
//	GET /sign-in ----> provider's pages ----> GET /sign-in/callback
//	  attempt stored,     state, nonce,         attempt taken (once, same browser),
//	  browser cookie      PKCE challenge        code exchanged, ID token verified,
//	                                            account mapped, session begun
//
//	request ---> Authenticate ---> bearer token, else session cookie, else nobody
//
// Its rows are in three tables: the account of an identity (journal), e-mail and name
// (records), and sessions and sign-ins in progress (sessions).
//
// Session tokens and states are stored as SHA-256 hashes only. Neither they nor the provider's
// tokens appear in a log line or an error.
package identity
