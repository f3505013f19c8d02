package identity

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"golang.org/x/oauth2"

	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	attemptTTL = 10 * time.Minute
	// attemptKept is how long late or repeated callbacks find their destination.
	attemptKept = 24 * time.Hour
)

type attempt struct {
	verifier string // of PKCE, RFC 7636
	nonce    string
	returnTo string
}

// attempts are sign-ins in progress, under the hash of their state. The state travels in URLs,
// so only the browser that began one can take it, once and within attemptTTL.
type attempts struct {
	table table
	now   func() time.Time
}

func (a attempts) begin(ctx context.Context, browser, returnTo string) (state string, at attempt, err error) {
	state = newSecret()
	at = attempt{verifier: oauth2.GenerateVerifier(), nonce: newSecret(), returnTo: returnTo}
	it := newItem(attemptKey(state))
	it["browser"] = text(hash(browser))
	it["verifier"] = text(at.verifier)
	it["nonce"] = text(at.nonce)
	it["return_to"] = text(at.returnTo)
	it["valid_until"] = epoch(a.now().Add(attemptTTL))
	it[schema.TTL] = epoch(a.now().Add(attemptKept))
	return state, at, a.table.put(ctx, it)
}

// take returns an attempt and deletes its verifier and nonce. It returns errLapsed for one that was
// taken, is too old or is another browser's.
func (a attempts) take(ctx context.Context, state, browser string) (attempt, error) {
	if len(state) != secretLength || len(browser) != secretLength {
		return attempt{}, lapsed("")
	}
	it, err := a.table.find(ctx, attemptKey(state))
	if err != nil {
		return attempt{}, err
	}
	same := subtle.ConstantTimeCompare([]byte(it.text("browser")), []byte(hash(browser))) == 1
	if it == nil || !same || it.expired(a.now()) {
		return attempt{}, lapsed("")
	}
	at := attempt{verifier: it.text("verifier"), nonce: it.text("nonce"), returnTo: it.text("return_to")}
	if until, ok := it.time("valid_until"); ok && !a.now().Before(until) {
		return attempt{}, lapsed(at.returnTo)
	}
	taken, err := a.table.strip(ctx, attemptKey(state), "verifier", "nonce")
	if err != nil {
		return attempt{}, err
	}
	if !taken {
		return attempt{}, lapsed(at.returnTo)
	}
	return at, nil
}

var errLapsed = errors.New("the attempt is over")

func lapsed(returnTo string) error {
	return again(returnTo, &portal.Error{
		Code:    portal.Invalid,
		Message: "This sign-in was not started in this browser, took longer than ten minutes, or is already complete. Sign in again.",
		Err:     errLapsed,
	})
}

type signInAgain struct {
	error
	returnTo string
}

func (e *signInAgain) Unwrap() error { return e.error }

func again(returnTo string, err error) error { return &signInAgain{err, returnTo} }

// SignInAgain reports whether a new sign-in may help, and where on this portal it should lead,
// or "".
func SignInAgain(err error) (returnTo string, helps bool) {
	var e *signInAgain
	if !errors.As(err, &e) {
		return "", false
	}
	return e.returnTo, true
}

func attemptKey(state string) schema.Key { return schema.SignIn(hash(state)) }
