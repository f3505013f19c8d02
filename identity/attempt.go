package identity

import (
	"context"
	"crypto/subtle"
	"time"

	"golang.org/x/oauth2"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// attemptTTL is how long somebody may take on the provider's pages.
const attemptTTL = 10 * time.Minute

// attempt is a sign-in under way: what was sent along to the provider, and where
// the browser wants to go afterwards.
type attempt struct {
	verifier string // of PKCE, RFC 7636
	nonce    string
	returnTo string
}

// attempts are kept under the hash of their state. Each may be taken once, within
// attemptTTL, by the browser that began it: the state alone, which travels in
// URLs, is not enough to finish somebody else's sign-in.
type attempts struct {
	table table
	now   func() time.Time
}

// begin stores a new attempt of a browser, which is known by a secret in a cookie.
func (a attempts) begin(ctx context.Context, browser, returnTo string) (state string, at attempt, err error) {
	state = newSecret()
	at = attempt{verifier: oauth2.GenerateVerifier(), nonce: newSecret(), returnTo: returnTo}
	it := key(attemptKey(state), "signin")
	it["browser"] = text(hash(browser))
	it["verifier"] = text(at.verifier)
	it["nonce"] = text(at.nonce)
	it["return_to"] = text(at.returnTo)
	it["expires_at"] = epoch(a.now().Add(attemptTTL))
	return state, at, a.table.put(ctx, it)
}

// take ends an attempt and returns it. A second time it is Invalid, as it is in
// another browser, which leaves the attempt as it was.
func (a attempts) take(ctx context.Context, state, browser string) (attempt, error) {
	if len(state) != secretLength || len(browser) != secretLength {
		return attempt{}, lapsed()
	}
	it, err := a.table.find(ctx, attemptKey(state), "signin")
	if err != nil {
		return attempt{}, err
	}
	same := subtle.ConstantTimeCompare([]byte(it.text("browser")), []byte(hash(browser))) == 1
	if it == nil || !same || it.expired(a.now()) {
		return attempt{}, lapsed()
	}
	taken, err := a.table.take(ctx, attemptKey(state), "signin")
	if err != nil {
		return attempt{}, err
	}
	if !taken {
		return attempt{}, lapsed()
	}
	return attempt{verifier: it.text("verifier"), nonce: it.text("nonce"), returnTo: it.text("return_to")}, nil
}

func lapsed() error {
	return portal.Fail(portal.Invalid,
		"This sign-in was not started in this browser, took longer than ten minutes, or is already complete. Sign in again.")
}

func attemptKey(state string) string { return "signin#" + hash(state) }
