package marketplace

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Path is where requests play buyers and AWS:
//
//	GET, PUT  settings                       Settings
//	GET, POST products                       list; PutProduct
//	GET, POST purchases                      list; Subscribe with an Order
//	GET       purchases/AGREEMENT            one
//	POST      purchases/AGREEMENT/STEP       token, start, pay, fail, amend, cancel, end,
//	                                         deprovision, renew, resubscribe, rename
//	GET       purchases/AGREEMENT/arrive     the page from which the buyer registers
//	GET       notices                        everything that was sent or lost
//	POST      notices/ID/send                send it again
//	GET       billed                         what was metered
//	GET, POST subscriptions                  a page for people, see ConsolePath
//
// Bodies and answers are JSON. The server must check who may use it.
const Path = "/_localaws/marketplace"

// maxBody is in bytes.
const maxBody = 1 << 20

// Admin serves the paths below Path.
func (s *Service) Admin() http.Handler {
	mux := http.NewServeMux()
	handle := func(method, path string, answer func(*http.Request) (any, error)) {
		mux.HandleFunc(method+" "+Path+path, func(w http.ResponseWriter, r *http.Request) { respond(w, r, answer) })
	}
	handle("GET", "/settings", func(*http.Request) (any, error) { return s.Settings() })
	handle("PUT", "/settings", with(s.SetSettings))
	handle("GET", "/products", func(*http.Request) (any, error) { return list(s.Products()) })
	handle("POST", "/products", with(s.PutProduct))
	handle("GET", "/purchases", func(*http.Request) (any, error) { return list(s.Purchases()) })
	handle("POST", "/purchases", with(s.Subscribe))
	handle("GET", "/purchases/{agreement}", func(r *http.Request) (any, error) { return s.Find(r.PathValue("agreement")) })
	handle("POST", "/purchases/{agreement}/{step}", s.takeStep)
	handle("GET", "/notices", func(*http.Request) (any, error) { return list(s.Notices()) })
	handle("POST", "/notices/{id}/send", s.resend)
	handle("GET", "/billed", func(*http.Request) (any, error) { return list(s.Billed()) })
	mux.HandleFunc("GET "+Path+"/purchases/{agreement}/arrive", s.serveArrival)
	s.consoleRoutes(mux)
	return mux
}

// with decodes the request's body.
func with[In, Out any](f func(In) (Out, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		var in In
		if err := decode(r, &in); err != nil {
			return nil, err
		}
		return f(in)
	}
}

func (s *Service) takeStep(r *http.Request) (any, error) {
	agreement := r.PathValue("agreement")
	simple := s.simpleSteps()
	step := r.PathValue("step")
	switch {
	case simple[step] != nil:
		return with(func(struct{}) (Purchase, error) { return simple[step](agreement) })(r)
	case step == "amend":
		return with(func(a Amendment) (Purchase, error) { return s.Amend(agreement, a) })(r)
	case step == "end":
		return with(func(e Ending) (Purchase, error) { return s.End(agreement, e) })(r)
	case step == "renew":
		return with(func(n Renewal) (Purchase, error) { return s.Renew(agreement, n) })(r)
	}
	return nil, notFound("there is no step %q", step)
}

// simpleSteps need no more than the agreement.
func (s *Service) simpleSteps() map[string]func(string) (Purchase, error) {
	return map[string]func(string) (Purchase, error){
		"token": s.IssueToken, "start": s.Start, "pay": s.Pay, "fail": s.FailPayment, "cancel": s.Cancel,
		"deprovision": s.Deprovision, "resubscribe": s.Resubscribe, "rename": s.Rename,
	}
}

// decode wants JSON as the type, which pages of other sites cannot send. No body means an
// empty object.
func decode(r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		e := badRequest("the Content-Type must be application/json")
		e.Status = http.StatusUnsupportedMediaType
		return e
	}
	dec := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		return badRequest("the body is not what this path takes: %s", err)
	}
	return nil
}

// list answers an empty list with [].
func list[T any](all []T, err error) ([]T, error) {
	if all == nil {
		all = []T{}
	}
	return all, err
}

func respond(w http.ResponseWriter, r *http.Request, answer func(*http.Request) (any, error)) {
	body, err := answer(r)
	status := http.StatusOK
	if err != nil {
		refusal := refusalOf(r, err)
		status = refusal.HTTPStatus()
		body = map[string]string{"message": refusal.Message}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(body)
}

// refusalOf logs an error that is no refusal.
func refusalOf(r *http.Request, err error) *wire.Error {
	var refusal *wire.Error
	if !errors.As(err, &refusal) {
		zerolog.Ctx(r.Context()).Error().Err(err).Msg("the local AWS Marketplace failed")
		refusal = &wire.Error{Message: "the local AWS failed; its log says why", Status: http.StatusInternalServerError}
	}
	return refusal
}

func (s *Service) resend(r *http.Request) (any, error) {
	return with(func(struct{}) (Notice, error) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil {
			return Notice{}, notFound("there is no notice %q", r.PathValue("id"))
		}
		return s.Resend(id)
	})(r)
}
