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
// Three tables with string keys "pk" and "sk" hold what it knows:
//
//	journal   identity#<hash>  account   the account id of one (issuer, subject), for ever
//	records   person#<account> person    e-mail and name, the only place of both that lasts
//	sessions  session#<hash>   session   who is signed in, until when
//	sessions  account#<id>     session#… the sessions of an account
//	sessions  signin#<hash>    signin    a sign-in under way: ten minutes to finish, its destination for a day
//
// Session tokens and states are stored as SHA-256 hashes only, and neither they
// nor the provider's tokens stand in a log line or an error.
package identity
