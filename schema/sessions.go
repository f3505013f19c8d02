package schema

import (
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Session is a session, by the hash of its token.
func Session(tokenHash string) Key { return Key{sessionBegins + tokenHash, "session"} }

// AccountSession lists a session under its account.
func AccountSession(account portal.AccountID, tokenHash string) Key {
	return Key{accountPartition(account), Session(tokenHash).PK}
}

// AccountSessions are an account's.
func AccountSessions(account portal.AccountID) Range {
	return Range{accountPartition(account), sessionBegins}
}

const sessionBegins = "session#"

// SessionListedBy returns the hash of the token of an AccountSession.
func SessionListedBy(k Key) (tokenHash string) { return strings.TrimPrefix(k.SK, sessionBegins) }

// DeletedSession says that a session's account was deleted.
func DeletedSession(tokenHash string) Key { return Key{"deleted-session#" + tokenHash, "session"} }

// SignIn is a sign-in in progress, by the hash of its state.
func SignIn(stateHash string) Key { return Key{"signin#" + stateHash, "signin"} }

// Claim is a purchase on AWS Marketplace that a browser may confirm, by the hash of its secret.
func Claim(secretHash string) Key { return Key{"claim#" + secretHash, "claim"} }
