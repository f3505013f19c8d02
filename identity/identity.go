package identity

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Via is how a request was authenticated.
type Via string

// The ways to authenticate.
const (
	ViaBearer  Via = "bearer"
	ViaSession Via = "session"
)

// Identity is the authenticated caller. Email and Name are for display and for operators only, and
// "" if unknown, as with access tokens.
type Identity struct {
	Account  portal.AccountID
	Issuer   string
	Subject  string
	Email    string
	Name     string
	Verified bool
	Groups   []string
	// TimeZone is the person's choice, a name of the tz database, or "". Only sessions have it.
	TimeZone string
	// Admin means an admin of the portal, ByGroup one by the identity provider's admin group.
	Admin   bool
	ByGroup bool
	Via     Via
}

// String returns the account id, so that printing shows no personal data.
func (i Identity) String() string { return string(i.Account) }

// GoString keeps personal data out of %#v, too.
func (i Identity) GoString() string { return fmt.Sprintf("identity.Identity{Account:%q}", i.Account) }

type contextKey struct{}

func nobody(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, nil)
}

// From returns the identity that Authenticate found; ok is false for nobody.
func From(ctx context.Context) (id Identity, ok bool) {
	id, ok = ctx.Value(contextKey{}).(Identity)
	return id, ok
}

// With returns a context in which From returns id.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// Without returns a context of a person who is not signed in.
func Without(ctx context.Context) context.Context { return context.WithValue(ctx, contextKey{}, nil) }

// Tables names the tables.
type Tables struct{ Journal, Records, Sessions string }

// Options are what a Service needs besides its configuration.
type Options struct {
	DynamoDB database
	Tables   Tables
	// OnError writes the response to a failed request; see SignInAgain.
	OnError func(w http.ResponseWriter, r *http.Request, err error)
	// Promoted reports whether an account was promoted to admin. Optional.
	Promoted func(ctx context.Context, account portal.AccountID) (bool, error)
	// TimeZone returns a person's chosen time zone, for new sessions. Optional.
	TimeZone func(ctx context.Context, account portal.AccountID) (string, error)
	// OnSignIn is called after every sign-in, before the redirect. Its error is logged and
	// does not undo the sign-in. Optional.
	OnSignIn func(ctx context.Context, id Identity) error
	// OnSignOut responds to a sign-out that continues at next, an address of the identity provider.
	// Without it the browser is redirected (303), which the page's form-action must allow.
	OnSignOut func(w http.ResponseWriter, r *http.Request, next string)
	// CrossSiteForms are paths to which other sites' pages may post forms. One that ends with
	// "/" stands for the paths with one more segment. Their handlers must not rely on the
	// session.
	CrossSiteForms []string
	Log            zerolog.Logger
	Now            func() time.Time
}

// Service authenticates requests and serves the sign-in. It is safe for concurrent use.
type Service struct {
	config   Config
	options  Options
	provider *provider
	verifier *verifier
	accounts *accounts
	people   *people
	sessions sessions
	attempts attempts
	origin   origin
}

// New returns a Service, or an error that names every fault of the configuration. It does no I/O.
func New(config Config, options Options) (*Service, error) {
	config, err := config.complete()
	if options.DynamoDB == nil || options.OnError == nil || options.Tables.Journal == "" ||
		options.Tables.Records == "" || options.Tables.Sessions == "" {
		err = errors.Join(err, errors.New("DynamoDB, the names of three tables and OnError are required"))
	}
	if err != nil {
		return nil, fmt.Errorf("configuring identity: %w", err)
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	base, err := url.Parse(config.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("configuring identity: %w", err)
	}
	provider := newProvider(config)
	sessionTable := table{options.DynamoDB, options.Tables.Sessions}
	return &Service{
		config:   config,
		options:  options,
		provider: provider,
		verifier: newVerifier(config, provider, options.Now),
		accounts: newAccounts(table{options.DynamoDB, options.Tables.Journal}, options.Tables.Records, options.Now),
		people:   newPeople(table{options.DynamoDB, options.Tables.Records}, options.Tables.Journal, options.Now),
		sessions: sessions{sessionTable, options.Tables.Journal, config.SessionTTL, config.SessionIdle, options.Now},
		attempts: attempts{sessionTable, options.Now},
		origin:   originOf(base),
	}, nil
}

func (s *Service) identify(ctx context.Context, c claims) (Identity, error) {
	account, err := s.accounts.of(ctx, c.Issuer, c.Subject)
	if err != nil {
		return Identity{}, err
	}
	return c.identity(account), nil
}

func (c claims) identity(account portal.AccountID) Identity {
	return Identity{
		Account: account, Issuer: c.Issuer, Subject: c.Subject,
		Email: c.Email, Name: c.displayName(), Verified: c.Email != "" && c.verified(), Groups: c.groups,
	}
}

func (s *Service) log(ctx context.Context) *zerolog.Logger {
	if log := zerolog.Ctx(ctx); log.GetLevel() != zerolog.Disabled {
		return log
	}
	return &s.options.Log
}
