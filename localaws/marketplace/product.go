package marketplace

import (
	"net/url"
	"regexp"
	"slices"

	"github.com/gatehouse-portal/gatehouse/localaws/metering"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Kind is how AWS tells the seller about a product's buyers.
type Kind string

// Listings made since June 2026 are of kind EventBridge.
const (
	SNS         Kind = "sns"
	EventBridge Kind = "eventbridge"
)

// Product is a SaaS listing.
type Product struct {
	// Code and ID are made up if they are empty.
	Code string `json:"code"`
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
	// Dimensions are metered. ContractDimensions are bought in advance. Both can be metered.
	Dimensions         []string `json:"dimensions"`
	ContractDimensions []string `json:"contractDimensions,omitempty"`
	// RegistrationURL is the seller's page, to which AWS sends buyers.
	RegistrationURL string `json:"registrationUrl,omitempty"`
	// Seller is the AWS account that sells. Callers leave it empty.
	Seller string `json:"seller,omitempty"`
}

// contractOnly: AWS sends nothing about subscriptions of such an older listing.
func (p Product) contractOnly() bool { return len(p.Dimensions) == 0 }

// marketplaceAccount is AWS's, which owns the topics.
const marketplaceAccount = "287250355862"

// SubscriptionTopic is the ARN of the topic for the product's subscriptions.
func (p Product) SubscriptionTopic() string {
	return topicARN("aws-mp-subscription-notification-" + p.Code)
}

// EntitlementTopic is the ARN of the topic for the product's contracts.
func (p Product) EntitlementTopic() string {
	return topicARN("aws-mp-entitlement-notification-" + p.Code)
}

func topicARN(name string) string { return "arn:aws:sns:us-east-1:" + marketplaceAccount + ":" + name }

var codeForm = regexp.MustCompile(`^[-_a-zA-Z0-9]{1,100}$`)

func (p Product) check() error {
	for name, value := range map[string]string{"code": p.Code, "id": p.ID} {
		if !codeForm.MatchString(value) {
			return badRequest("the %s of a product must have 1 to 100 letters, digits, - or _", name)
		}
	}
	if p.Kind != SNS && p.Kind != EventBridge {
		return badRequest("the kind of a product must be %q or %q", SNS, EventBridge)
	}
	if len(p.Dimensions)+len(p.ContractDimensions) == 0 {
		return badRequest("a product needs a dimension")
	}
	if slices.Contains(p.Dimensions, "") || slices.Contains(p.ContractDimensions, "") {
		return badRequest("a dimension must not be empty")
	}
	if p.RegistrationURL != "" {
		if u, err := url.Parse(p.RegistrationURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return badRequest("the registration URL must be an absolute http or https URL")
		}
	}
	return nil
}

// PutProduct creates a product, or replaces the one with its code. The kind and the id of a
// product cannot change.
func (s *Service) PutProduct(p Product) (Product, error) {
	p.Seller = s.env.Seller
	if p.Code == "" {
		p.Code = newCode(25)
	}
	if p.Kind == SNS {
		for _, arn := range []string{p.SubscriptionTopic(), p.EntitlementTopic()} {
			if !codeForm.MatchString(p.Code) {
				break
			}
			if err := s.Topics.EnsureTopic(arn); err != nil {
				return p, err
			}
		}
	}
	return p, s.change(func(d *draft) error {
		before, found, err := store.GetJSON[Product](productsIn(d.tx), p.Code)
		switch {
		case err != nil:
			return err
		case found && p.ID == "":
			p.ID = before.ID
		case p.ID == "":
			p.ID = "prod-" + newCode(13)
		}
		if found && (before.Kind != p.Kind || before.ID != p.ID) {
			return conflict("product %s is of kind %s and has the id %s; neither can change", p.Code, before.Kind, before.ID)
		}
		if err := p.check(); err != nil {
			return err
		}
		d.write(func(tx *store.Tx) error {
			b := productsIn(tx)
			if err := store.PutJSON(b, p.Code, p); err != nil {
				return err
			}
			return metering.Define(tx, p.Code, slices.Concat(p.Dimensions, p.ContractDimensions))
		})
		return nil
	})
}

// Products lists the products by code.
func (s *Service) Products() (all []Product, err error) {
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		all, err = store.AllJSON[Product](productsIn(tx))
		return err
	})
	return all, err
}

func badRequest(format string, args ...any) *wire.Error {
	return wire.Errorf("BadRequest", format, args...)
}

func conflict(format string, args ...any) *wire.Error {
	e := wire.Errorf("Conflict", format, args...)
	e.Status = 409
	return e
}

func notFound(format string, args ...any) *wire.Error {
	e := wire.Errorf("NotFound", format, args...)
	e.Status = 404
	return e
}
