package web

import (
	"cmp"
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/marketplace/arrival"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// The fields of the form that AWS Marketplace sends (Marketplace Seller Guide, "SaaS customer
// onboarding").
const (
	tokenField = "x-amzn-marketplace-token"
	offerField = "x-amzn-marketplace-offer-type"
	freeTrial  = "free-trial"
)

func (s *Web) marketplaceRoutes(r chi.Router) {
	if s.market.Desk == nil {
		return
	}
	r.With(s.market.Limit).Post(ArrivalPath+"{target}", s.page(s.arrive))
	get(r, ArrivalPath+"{target}", s.page(func(w http.ResponseWriter, r *http.Request) error {
		http.Redirect(w, r, PurchasesPath, http.StatusSeeOther)
		return nil
	}))
	get(r, PurchasesPath, s.page(s.purchasesPage))
	r.Post(PurchasesPath+"/confirm", s.page(s.member(s.confirmPurchase)))
}

// arrive receives a buyer, whose browser AWS Marketplace sends with a form. It needs no session:
// browsers send no cookie with the form. The token goes only to AWS.
func (s *Web) arrive(w http.ResponseWriter, r *http.Request) error {
	target, err := param(r, "target")
	if err != nil {
		return err
	}
	token, trial, fault := arrivalForm(w, r)
	if fault != nil {
		s.showArrival(w, r, *fault)
		return nil
	}
	claim, err := s.market.Desk.Receive(r.Context(), target, token, trial)
	if err == nil {
		var secret string
		if secret, err = s.market.Claims.Keep(r.Context(), claim); err == nil {
			s.market.Cookies.SetCookie(w, purchaseCookie, suffixOf(claim), secret, arrival.Kept)
			http.Redirect(w, r, PurchasesPath, http.StatusSeeOther)
			return nil
		}
	}
	known := arrivalOf(err)
	if known.Heading == "" {
		return err
	}
	known.Status, known.Message = s.status(err), cmp.Or(known.Message, portal.MessageOf(err))
	log := zerolog.Ctx(r.Context()).Warn()
	if known.Status >= http.StatusInternalServerError {
		log = zerolog.Ctx(r.Context()).Error()
	}
	log.Err(err).Str("target", target).Msg("a buyer from AWS Marketplace could not be received")
	s.showArrival(w, r, known)
	return nil
}

// arrivalForm reads the token and whether the offer is a free trial. It ignores a token in the
// address.
func arrivalForm(w http.ResponseWriter, r *http.Request) (token string, trial bool, fault *arrivalFault) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return "", false, &noForm
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return "", false, &largeForm
		}
		return "", false, &noToken
	}
	tokens := r.PostForm[tokenField]
	if len(tokens) != 1 || strings.TrimSpace(tokens[0]) == "" {
		return "", false, &noToken
	}
	return tokens[0], strings.EqualFold(strings.TrimSpace(r.PostForm.Get(offerField)), freeTrial), nil
}

type arrivalFault struct {
	Status           int
	Heading, Message string
	Next             []string
	// AtAWS says that the next steps begin at the buyer's subscriptions, whose address is AWS.
	AtAWS   bool
	AWS     string
	Request string
}

var (
	againFromAWS = []string{
		"Open your subscriptions on AWS Marketplace.",
		"Choose the product, and then “Set up your account”. AWS brings you back here.",
	}
	tellOperator = []string{
		"Your purchase is safe with AWS. Nothing has to be bought again.",
		"Tell the operator of this portal what this page says.",
	}
	confirmLater = []string{
		"Your purchase waits in this browser for 24 hours.",
		"Go back to it once your account is open, and confirm it again.",
	}
	tryAgain = []string{
		"Wait a minute. Your purchase is safe with AWS.",
		"Reload this page, and let your browser send the form again. Or come back from your subscriptions on AWS Marketplace.",
	}

	noToken = arrivalFault{
		Status: http.StatusBadRequest, Heading: "Your purchase did not arrive", Next: againFromAWS, AtAWS: true,
		Message: "AWS Marketplace sends one registration with each buyer. This request had none, or several.",
	}
	noForm = arrivalFault{
		Status: http.StatusUnsupportedMediaType, Heading: "Your purchase did not arrive", Next: againFromAWS, AtAWS: true,
		Message: "AWS Marketplace sends buyers here with a form. This request was none.",
	}
	largeForm = arrivalFault{
		Status: http.StatusRequestEntityTooLarge, Heading: "Your purchase did not arrive", Next: againFromAWS, AtAWS: true,
		Message: "The form is too large to be one of AWS Marketplace.",
	}
	nothingToConfirm = arrivalFault{
		Status: http.StatusNotFound, Heading: "There is nothing to confirm", Next: againFromAWS, AtAWS: true,
		Message: "This browser has no such purchase. You may have confirmed it already, or it may have waited for too long.",
	}
)

// arrivalOf returns the page for an error, without a heading if there is none. The status is the
// error's, and so is a message that the page lacks.
func arrivalOf(err error) arrivalFault {
	switch {
	case errors.Is(err, seller.ErrExpiredToken):
		return arrivalFault{Heading: "The link has expired", Message: "AWS Marketplace's links to this portal work for a few hours.", Next: againFromAWS, AtAWS: true}
	case errors.Is(err, seller.ErrInvalidToken):
		return arrivalFault{Heading: "Your purchase did not arrive", Message: "AWS Marketplace does not know the registration that came with you.", Next: againFromAWS, AtAWS: true}
	case errors.Is(err, arrival.ErrForeign):
		return arrivalFault{Heading: "This purchase belongs elsewhere", Next: tellOperator, AtAWS: true}
	case errors.Is(err, seller.ErrDisabled), errors.Is(err, seller.ErrDenied):
		return arrivalFault{Heading: "We cannot look up your purchase", Next: tellOperator}
	case errors.Is(err, seller.ErrThrottled), errors.Is(err, seller.ErrDown), errors.Is(err, arrival.ErrUndecided), portal.CodeOf(err) == portal.Unavailable:
		return arrivalFault{Heading: "We cannot look up your purchase right now", Next: tryAgain, AtAWS: true}
	}
	return arrivalFault{}
}

func (s *Web) showArrival(w http.ResponseWriter, r *http.Request, fault arrivalFault) {
	if fault.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "60")
	}
	if fault.AtAWS {
		fault.AWS = s.market.subscriptionsURL()
	}
	fault.Request = s.correlation(r.Context())
	w.Header().Set("Cache-Control", "private, no-store")
	s.render(w, r, fault.Status, view{page: "marketplace-fault", Title: fault.Heading, Body: fault})
}
