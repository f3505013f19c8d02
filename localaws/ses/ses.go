// Package ses is a local Amazon SES (API version 2) that captures mail instead of delivering it.
// A sender's address must be verified, and the sending rate is limited. Unlike on AWS,
// identities are verified at once.
//
// The rules are those of SendEmail and CreateEmailIdentity in
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/ and of the quotas in
// https://docs.aws.amazon.com/ses/latest/dg/quotas.html.
package ses

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service holds identities and captured mail.
type Service struct {
	env wire.Env

	mu     sync.Mutex
	second time.Time
	sent   int
}

// New returns the service.
func New(env wire.Env) *Service { return &Service{env: env} }

// The operations, by method and path.
const (
	sendEmail      = "SendEmail"
	createIdentity = "CreateEmailIdentity"
)

var routes = map[string]string{
	"POST /v2/email/outbound-emails": sendEmail,
	"POST /v2/email/identities":      createIdentity,
}

// Operations lists the names of the operations.
func Operations() []string { return []string{sendEmail, createIdentity} }

// Operation names a request's operation, or "".
func (s *Service) Operation(r *http.Request) string { return routes[r.Method+" "+r.URL.Path] }

// ServeHTTP runs the operation.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	operations := map[string]wire.Operation{sendEmail: wire.Op(s.sendEmail), createIdentity: wire.Op(s.createIdentity)}
	operation, ok := operations[s.Operation(r)]
	if !ok {
		s.refuse(w, r, wire.NotImplemented(r.Method+" "+r.URL.Path))
		return
	}
	body, err := wire.ReadBody(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	out, err := operation(wire.WithRequest(r.Context(), r), body)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	answer, err := json.Marshal(out)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Requestid", wire.NewUUID())
	_, _ = w.Write(answer)
}

// refuse answers with an error. SES spells the member "message".
func (s *Service) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var known *wire.Error
	if !errors.As(err, &known) {
		zerolog.Ctx(r.Context()).Error().Err(err).Msg("the local SES failed")
		known = &wire.Error{Code: "InternalServiceErrorException", Message: "The local SES failed; its log says why.", Status: http.StatusInternalServerError}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Requestid", wire.NewUUID())
	w.Header().Set("X-Amzn-Errortype", known.Code)
	w.WriteHeader(known.HTTPStatus())
	_ = json.NewEncoder(w).Encode(map[string]string{"message": known.Message})
}

// MaxSendRate is how many mails a second SES first allows outside the sandbox.
const MaxSendRate = 14

func (s *Service) throttled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.env.Now().Truncate(time.Second); !now.Equal(s.second) {
		s.second, s.sent = now, 0
	}
	s.sent++
	return s.sent > MaxSendRate
}

type createIdentityInput struct {
	EmailIdentity string
}

type createIdentityOutput struct {
	IdentityType             string
	VerifiedForSendingStatus bool
}

func (s *Service) createIdentity(_ context.Context, in *createIdentityInput) (*createIdentityOutput, error) {
	if in.EmailIdentity == "" {
		return nil, wire.Errorf("BadRequestException", "The identity is missing.")
	}
	return &createIdentityOutput{IdentityType: identityType(in.EmailIdentity), VerifiedForSendingStatus: true}, s.verify(in.EmailIdentity)
}
