package metering

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// tokenLife is how long a registration token can be resolved (Marketplace Seller Guide,
// "Onboarding customers to your SaaS product").
const tokenLife = 4 * time.Hour

// token is what a registration token resolves to, even if the licence changes.
type token struct {
	Product, Account, Licence string
	Customer                  string `json:",omitempty"`
	Issued                    time.Time
}

var accountForm = regexp.MustCompile(`^[0-9]{12}$`)

// IssueToken does what AWS does when a buyer subscribes: it activates the licence and
// returns the x-amzn-marketplace-token with which AWS sends the buyer to the seller's
// registration page. The token can be resolved for four hours; only its hash is stored.
//
// licenceARN is an ARN or an id like l-0123; empty means the account's one licence for the
// product. customer is the customer identifier, empty for integrations since June 2026. An
// active licence stays as it is, and an ended one starts again.
func (s *Service) IssueToken(product, account, licenceARN, customer string) (string, error) {
	if product == "" || !accountForm.MatchString(account) {
		return "", fmt.Errorf("issuing a token: product %q is empty, or account %q is not a 12-digit id", product, account)
	}
	issued := newToken()
	arn := s.licenceARN(licenceARN, product, account)
	err := s.env.DB.Update(func(tx *store.Tx) error {
		now := s.env.Now()
		l, found, err := Get(tx, arn)
		switch {
		case err != nil:
			return err
		case found && (l.Product != product || l.Account != account):
			return fmt.Errorf("licence %s belongs to another account or product", arn)
		}
		if !found || !l.active(now) {
			l = Licence{ARN: arn, Product: product, Account: account, Customer: customer, Started: now}
			if err := Put(tx, l); err != nil {
				return err
			}
		}
		l.Customer = customer
		return putToken(tx, issued, l, now)
	})
	if err != nil {
		return "", fmt.Errorf("issuing a token: %w", err)
	}
	return issued, nil
}

// Issue returns another registration token for the licence, within the caller's transaction.
func Issue(tx *store.Tx, l Licence, now time.Time) (string, error) {
	issued := newToken()
	return issued, putToken(tx, issued, l, now)
}

// newToken contains characters that a form must encode, like AWS's tokens.
func newToken() string {
	secret := make([]byte, 48)
	_, _ = rand.Read(secret)
	return base64.StdEncoding.EncodeToString(secret)
}

func putToken(tx *store.Tx, issued string, l Licence, now time.Time) error {
	b := tokensIn(tx)
	return store.PutJSON(b, hashOf(issued), token{Product: l.Product, Account: l.Account, Licence: l.ARN, Customer: l.Customer, Issued: now})
}

func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

type resolveCustomerIn struct{ RegistrationToken *string }

type resolveCustomerOut struct {
	CustomerAWSAccountID string `json:"CustomerAWSAccountId"`
	CustomerIdentifier   string `json:",omitempty"`
	LicenseARN           string `json:"LicenseArn"`
	ProductCode          string
}

// resolveCustomer takes a token for an invalid one unless the seller asks. AWS documents that only the seller's account
// can resolve it, and not the error.
func (s *Service) resolveCustomer(ctx context.Context, in *resolveCustomerIn) (*resolveCustomerOut, error) {
	if in.RegistrationToken == nil {
		return nil, invalid("registrationToken", "not be null")
	}
	var t token
	err := s.env.DB.View(func(tx *store.Tx) (err error) {
		if err := checkEnabled(tx); err != nil {
			return err
		}
		var found bool
		t, found, err = store.GetJSON[token](tokensIn(tx), hashOf(*in.RegistrationToken))
		switch {
		case err != nil:
			return err
		case !found || s.env.Caller(ctx) != s.env.Seller:
			return wire.Errorf("InvalidTokenException", "Registration token is invalid.")
		case !s.env.Now().Before(t.Issued.Add(tokenLife)):
			return wire.Errorf("ExpiredTokenException", "The submitted registration token has expired.")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &resolveCustomerOut{
		CustomerAWSAccountID: t.Account, CustomerIdentifier: t.Customer, LicenseARN: t.Licence, ProductCode: t.Product,
	}, nil
}
