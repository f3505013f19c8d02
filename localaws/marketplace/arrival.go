package marketplace

import (
	"html/template"
	"net/http"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// The fields of the form with which AWS sends buyers to the seller (Marketplace Seller Guide,
// "Integrating your SaaS subscription product").
const (
	TokenField     = "x-amzn-marketplace-token"
	OfferTypeField = "x-amzn-marketplace-offer-type"
	// FreeTrialOffer is the offer type of a free trial. Other offers have no such field.
	FreeTrialOffer = "free-trial"
)

// serveArrival shows a page with the button "Set up your account". It posts a new registration
// token to the product's registration URL, like AWS's own page.
func (s *Service) serveArrival(w http.ResponseWriter, r *http.Request) {
	page, err := s.arrival(r.PathValue("agreement"))
	if err != nil {
		respond(w, r, func(*http.Request) (any, error) { return nil, err })
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	if err := arrivalPage.Execute(w, page); err != nil {
		zerolog.Ctx(r.Context()).Error().Err(err).Msg("the local AWS Marketplace could not write a page")
	}
}

type arrivalView struct {
	Purchase
	Title string
	URL   template.URL
}

func (s *Service) arrival(agreement string) (view arrivalView, err error) {
	err = s.env.DB.View(func(tx *store.Tx) error {
		p, err := purchaseIn(tx, agreement)
		if err != nil {
			return err
		}
		product, _, err := store.GetJSON[Product](productsIn(tx), p.Product)
		if err == nil && product.RegistrationURL == "" {
			err = conflict("product %s has no registration URL", product.Code)
		}
		view.Title, view.URL = product.Name, template.URL(product.RegistrationURL) // http or https, see Product.check
		if view.Title == "" {
			view.Title = product.Code
		}
		return err
	})
	if err != nil {
		return view, err
	}
	view.Purchase, err = s.IssueToken(agreement)
	return view, err
}

var arrivalPage = template.Must(template.New("arrival").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Set up your account</title>
<style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:0 auto;padding:1em;overflow-wrap:anywhere}button{font:inherit;padding:.5em 1em}</style></head><body>
<h1>You have subscribed to {{.Title}}</h1>
<p>This page plays AWS Marketplace for the AWS account {{.Account}}. The agreement is {{.Agreement}}.</p>
<form method="post" action="{{.URL}}">
<input type="hidden" name="` + TokenField + `" value="{{.Token}}">
{{- if .FreeTrial}}
<input type="hidden" name="` + OfferTypeField + `" value="` + FreeTrialOffer + `">
{{- end}}
<button>Set up your account</button>
</form>
</body></html>
`))
