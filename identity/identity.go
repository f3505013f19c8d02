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

// Via says by what somebody showed who they are.
type Via string

// The two ways. What arrives by session must be same-origin to change anything.
const (
	ViaBearer  Via = "bearer"
	ViaSession Via = "session"
)

// Identity is whoever is asking. Email and Name are for display and for operators,
// empty if the provider does not tell (access tokens do not); no account is chosen by them.
type Identity struct {
	Account portal.AccountID
	Issuer  string
	Subject string
	Email   string
	Name    string
	Groups  []string
	Admin   bool
	Via     Via
}

// String is the account id: an Identity that is printed shows no personal data.
func (i Identity) String() string { return string(i.Account) }

// GoString keeps personal data out of %#v, too.
func (i Identity) GoString() string { return fmt.Sprintf("identity.Identity{Account:%q}", i.Account) }

type contextKey struct{}

// nobody is a context in which From answers nobody.
func nobody(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, nil)
}

// From is who is asking, as Authenticate found out; ok is false for nobody.
func From(ctx context.Context) (id Identity, ok bool) {
	id, ok = ctx.Value(contextKey{}).(Identity)
	return id, ok
}

// With is a context in which From answers id.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// Tables names the tables; see the package comment for what is in them.
type Tables struct{ Journal, Records, Sessions string }

// Options are what a Service works with besides its configuration.
type Options struct {
	DynamoDB database
	Tables   Tables
	// OnError answers a request that failed, by the error's code and message. SignInAgain
	// says whether a new sign-in would help.
	OnError func(w http.ResponseWriter, r *http.Request, err error)
	// OnSignIn is called after every sign-in, before the browser is sent on. Its
	// error is logged and the sign-in stands. Optional.
	OnSignIn func(ctx context.Context, id Identity) error
	// OnSignOut answers a sign-out here that is to go on at next, an address of the
	// identity provider's. Optional: without it the browser is redirected (303), which it
	// holds against the form-action of the page's Content Security Policy.
	OnSignOut func(w http.ResponseWriter, r *http.Request, next string)
	// CrossSiteForms are the paths to which pages of other sites may post forms: those
	// whose handlers do not go by the session. Optional.
	CrossSiteForms []string
	Log            zerolog.Logger
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Service knows who is asking. It is safe for concurrent use.
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

// New is a Service for one provider, or an error that names every fault of the
// configuration. It does no I/O: the provider is asked on first use.
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
		accounts: newAccounts(table{options.DynamoDB, options.Tables.Journal}, options.Now),
		people:   newPeople(table{options.DynamoDB, options.Tables.Records}, options.Now),
		sessions: sessions{sessionTable, config.SessionTTL, config.SessionIdle, options.Now},
		attempts: attempts{sessionTable, options.Now},
		origin:   originOf(base),
	}, nil
}

// identify is the Identity that verified claims stand for. An identity that was
// never seen before gets its account id here.
func (s *Service) identify(ctx context.Context, c claims) (Identity, error) {
	account, err := s.accounts.of(ctx, c.Issuer, c.Subject)
	if err != nil {
		return Identity{}, err
	}
	return Identity{
		Account: account, Issuer: c.Issuer, Subject: c.Subject,
		Email: c.Email, Name: c.displayName(), Groups: c.groups,
	}, nil
}

// log is the log of a request, or the service's own outside of one.
func (s *Service) log(ctx context.Context) *zerolog.Logger {
	if log := zerolog.Ctx(ctx); log.GetLevel() != zerolog.Disabled {
		return log
	}
	return &s.options.Log
}
