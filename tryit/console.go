package tryit

import (
	"context"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/library"
	"github.com/gatehouse-portal/gatehouse/openapi"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Shelves returns a viewer's shelf, as *library.Library does.
type Shelves interface {
	For(ctx context.Context, viewer catalog.Viewer) (*library.Shelf, error)
}

// Values returns the value of an account's key to send it, as *operations.Operations
// does.
type Values interface {
	ValueToSend(ctx context.Context, account portal.AccountID, key portal.KeyID) (string, error)
}

// Console tries operations of the catalog for people: it finds the API as they may see it, builds
// the request, adds their key and sends it, within limits. It is safe for concurrent use.
type Console struct {
	shelves Shelves
	values  Values
	sender  *Sender
	limits  *limits
}

// NewConsole returns a Console. now is the clock of the limits.
func NewConsole(shelves Shelves, values Values, sender *Sender, now func() time.Time) *Console {
	return &Console{shelves: shelves, values: values, sender: sender, limits: newLimits(now)}
}

// Caller is the person who tries something. Account is "" for one who is not signed in;
// WithAddress limits those.
type Caller struct {
	Viewer  catalog.Viewer
	Account portal.AccountID
}

// Attempt is what to send: an operation of the API's OpenAPI document with values, or a method
// and a path.
type Attempt struct {
	Product, API string
	// Operation is the operation's ID. If it is "", Method and Path count, and of Values only
	// Body.
	Operation    string
	Values       openapi.Values
	Method, Path string
	// Header overrides the operation's headers, but not the key's.
	Header http.Header
	Key    portal.KeyID
}

// Try sends the request and returns what happened; see Sender.Send. A product or API that the caller
// does not see is NotFound, as are an unknown operation and a key of another account. Values that do
// not fit are Invalid, and the error wraps openapi.Problems. A key for an API that takes none
// (catalog.Document.TakesKeys) is Invalid; without an account it is Unauthorized. Beyond the limits the
// error is TooManyRequests.
func (c *Console) Try(ctx context.Context, caller Caller, attempt Attempt) (Exchange, error) {
	shelf, err := c.shelves.For(ctx, caller.Viewer)
	if err != nil {
		return Exchange{}, err
	}
	api, _, err := shelf.API(attempt.Product, attempt.API)
	if err != nil {
		return Exchange{}, err
	}
	if err := check(shelf.Document, api, caller, attempt); err != nil {
		return Exchange{}, err
	}
	request, err := compose(ctx, shelf, api, attempt)
	if err != nil {
		return Exchange{}, err
	}
	end, err := c.limits.begin(caller.limited(ctx))
	if err != nil {
		return Exchange{}, err
	}
	defer end()
	if attempt.Key != "" {
		value, err := c.values.ValueToSend(ctx, caller.Account, attempt.Key)
		if err != nil {
			return Exchange{}, err
		}
		request.Key = Key(value)
	}
	exchange, err := c.sender.Send(ctx, request)
	if exchange.Failure == FailurePrivate {
		zerolog.Ctx(ctx).Warn().Str("product", attempt.Product).Str("api", attempt.API).
			Msg("a try-it request was not sent, because the API's host has a private address; GATEHOUSE_TRY_PRIVATE_HOSTS can allow it")
	}
	return exchange, err
}

func check(document catalog.Document, api catalog.API, caller Caller, attempt Attempt) error {
	switch {
	case api.Private:
		return portal.Fail(portal.Conflict, "This API can be called only from inside its owner's network. Copy the code and run it there.")
	case api.Endpoint == "":
		return portal.Fail(portal.Conflict, "This API has no public address, so it cannot be tried here.")
	case attempt.Key == "":
		return nil
	case caller.Account == "":
		return portal.Fail(portal.Unauthorized, "Sign in to use one of your keys.")
	case !document.TakesKeys(api):
		return portal.Fail(portal.Invalid, "This API takes no keys of this portal. Send the request without a key.")
	}
	return nil
}

func (c Caller) limited(ctx context.Context) caller {
	if c.Account != "" {
		return caller{name: string(c.Account), signedIn: true}
	}
	return caller{name: network(ctx)}
}
