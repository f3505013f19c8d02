package schema

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// The sessions table. It holds only hashes of tokens and states.

// Session is the row of the person who is signed in with a token.
//
// Owner: identity. Kept: TTL, GATEHOUSE_SESSION_IDLE after its last use, at most
// GATEHOUSE_SESSION_TTL.
func Session(tokenHash string) Key { return Key{sessionBegins + tokenHash, "session"} }

// AccountSession is the row that lists a session under its account.
//
// Owner: identity. Kept: TTL, GATEHOUSE_SESSION_TTL.
func AccountSession(account portal.AccountID, tokenHash string) Key {
	return Key{accountPartition(account), Session(tokenHash).PK}
}

// AccountSessions are the sessions of an account.
func AccountSessions(account portal.AccountID) Range {
	return Range{accountPartition(account), sessionBegins}
}

const sessionBegins = "session#"

// SessionListedBy returns the hash of the token of the session that an AccountSession lists.
func SessionListedBy(k Key) (tokenHash string) { return strings.TrimPrefix(k.SK, sessionBegins) }

// SignIn is the row of a sign-in in progress. Its secrets are removed once it is used.
//
// Owner: identity. Kept: TTL, 24 hours.
func SignIn(stateHash string) Key { return Key{"signin#" + stateHash, "signin"} }

// Claim is the row of a purchase on AWS Marketplace that a browser may confirm, by the hash of its
// secret.
//
// Owner: marketplace/arrival. Kept: TTL, 24 hours.
func Claim(secretHash string) Key { return Key{"claim#" + secretHash, "claim"} }
