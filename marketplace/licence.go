// Package marketplace names the licences that are bought on AWS Marketplace, and their streams.
package marketplace

import (
	"fmt"
	"strings"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// MaxName is the maximum length of an id of AWS Marketplace that becomes part of a stream's name.
const MaxName = 200

// How AWS Marketplace announces changes of a listing's licences.
const (
	// ByTopic: SNS topics, whose notices name a customer and no licence.
	ByTopic = "sns"
	// ByEvent: events on the seller's default event bus, which name the licence.
	ByEvent = "eventbridge"
)

// LicenceID returns the last part of a licence's ARN. AWS writes the parts before it in several
// ways.
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

// CheckName returns why an id cannot be in a stream's name, as the end of a sentence. It allows
// letters, digits and - _ . = + @.
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

// Stream returns the licence's stream. notices is ByTopic or ByEvent, or "" to tell from the
// purchase: AWS names a customer only for listings with topics.
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

const legacyAddress = "legacy:"

// Address names a licence in addresses of pages and JSON, without a slash: the id alone, l-…, or
// legacy:<product code>:<customer identifier>.
func Address(licence portal.Stream) string {
	if rest, ok := strings.CutPrefix(string(licence), string(portal.KindLegacy)+"/"); ok {
		product, customer, _ := strings.Cut(rest, "/")
		return legacyAddress + product + ":" + customer
	}
	return strings.TrimPrefix(string(licence), string(portal.KindLicence)+"/")
}

// Parse returns the stream of a licence that is named by its stream, its id l-…, or its Address. ok is false
// for a name that no licence has.
func Parse(name string) (licence portal.Stream, ok bool) {
	licence = portal.Stream(name)
	if rest, is := strings.CutPrefix(name, legacyAddress); is {
		product, customer, _ := strings.Cut(rest, ":")
		licence = portal.LegacyStream(portal.ProductCode(product), customer)
	}
	if strings.HasPrefix(name, "l-") {
		licence = portal.LicenceStream(portal.LicenceID(name))
	}
	return licence, licence.IsLicence()
}
