// Package marketplace has what its subfolders share: how a purchase on AWS Marketplace names the
// stream of its licence.
package marketplace

import (
	"fmt"
	"strings"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// MaxName is the maximum length of an id of AWS Marketplace that becomes part of a stream's name.
const MaxName = 200

// Where AWS Marketplace announces what happens to the licences of a listing.
const (
	// ByTopic listings have SNS topics. Their notices name a customer and no licence.
	ByTopic = "sns"
	// ByEvent listings send events to the seller's default event bus. These name the licence.
	ByEvent = "eventbridge"
)

// LicenceID returns the id in the ARN of a licence. AWS writes the ARN with and without "arn:" in
// front, and with different parts in the middle; the id at its end is always the same.
func LicenceID(arn string) (portal.LicenceID, error) {
	arn = strings.TrimSpace(arn)
	if len(arn) > 2*MaxName {
		return "", fmt.Errorf("is longer than %d characters", 2*MaxName)
	}
	id := arn[strings.LastIndex(arn, ":")+1:]
	if !strings.HasPrefix(id, "l-") || len(id) == len("l-") {
		return "", fmt.Errorf("does not end with the id of a licence, l-…")
	}
	return portal.LicenceID(id), CheckName(id)
}

// CheckName returns why an id cannot be part of a stream's name, as the end of a sentence. It
// allows letters, digits and - _ . = + @.
func CheckName(id string) error {
	switch {
	case id == "":
		return fmt.Errorf("is empty")
	case len(id) > MaxName:
		return fmt.Errorf("is longer than %d characters", MaxName)
	}
	for _, r := range id {
		if r > 0x7f || !strings.ContainsRune("-_.=+@", r) && !('0' <= r && r <= '9') && !('a' <= r && r <= 'z') && !('A' <= r && r <= 'Z') {
			return fmt.Errorf("has the character %q, which no id of AWS Marketplace has", r)
		}
	}
	return nil
}

// Stream returns the stream of what was bought. notices is ByTopic or ByEvent. With "", it follows
// from the purchase: AWS names a customer only for listings that have topics.
func Stream(bought events.Purchase, notices string) (portal.Stream, error) {
	if notices == ByTopic || notices == "" && bought.Customer != "" || bought.ARN == "" {
		if err := CheckName(string(bought.Product)); err != nil {
			return "", fmt.Errorf("the product code %w", err)
		}
		if err := CheckName(bought.Customer); err != nil {
			return "", fmt.Errorf("the customer identifier %w", err)
		}
		return portal.LegacyStream(bought.Product, bought.Customer), nil
	}
	id, err := LicenceID(bought.ARN)
	if err != nil {
		return "", fmt.Errorf("the licence's ARN %w", err)
	}
	return portal.LicenceStream(id), nil
}
