package buyers

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
)

// Form returns the form with which AWS sends the buyer to the seller. The purchase must have a
// token.
func Form(p marketplace.Purchase) url.Values {
	form := url.Values{marketplace.TokenField: {p.Token}}
	if p.FreeTrial {
		form.Set(marketplace.OfferTypeField, marketplace.FreeTrialOffer)
	}
	return form
}

// Arrive posts the form to the registration URL as the buyer's browser does: from another site. A
// browser's jar adds its cookies, SameSite or not. Close the answer's body.
func Arrive(ctx context.Context, browser *http.Client, registrationURL string, p marketplace.Purchase) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, registrationURL, strings.NewReader(Form(p).Encode()))
	if err != nil {
		return nil, fmt.Errorf("arriving at %s: %w", registrationURL, err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://aws.amazon.com")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	return browser.Do(r)
}
