package schema

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// The sessions table. It holds only hashes of tokens and states.

// Session is the row of a session.
func Session(tokenHash string) Key { return Key{sessionBegins + tokenHash, "session"} }

// AccountSession is the row that lists a session under its account.
func AccountSession(account portal.AccountID, tokenHash string) Key {
	return Key{accountPartition(account), Session(tokenHash).PK}
}

// AccountSessions are the sessions of an account.
func AccountSessions(account portal.AccountID) Range {
	return Range{accountPartition(account), sessionBegins}
}

const sessionBegins = "session#"

// SessionListedBy returns the hash of the session's token that an AccountSession lists.
func SessionListedBy(k Key) (tokenHash string) { return strings.TrimPrefix(k.SK, sessionBegins) }

// DeletedSession is the row that says that a session's account was deleted.
func DeletedSession(tokenHash string) Key { return Key{"deleted-session#" + tokenHash, "session"} }

// SignIn is the row of a sign-in in progress.
func SignIn(stateHash string) Key { return Key{"signin#" + stateHash, "signin"} }

// Claim is the row of a purchase on AWS Marketplace that a browser may confirm, by the hash of its
// secret.
//
// Owner: marketplace/arrival. Kept: TTL, 24 hours.
func Claim(secretHash string) Key { return Key{"claim#" + secretHash, "claim"} }
