package portal

import "strings"

// shortLicence is how many characters of a licence's id people see.
const shortLicence = 12

// ShortLicence returns the beginning of a licence's id, by which people tell purchases apart. Licences of
// older listings have the customer's id instead.
func ShortLicence(licence Stream) string {
	id := string(licence)[strings.LastIndex(string(licence), "/")+1:]
	if len(id) <= shortLicence {
		return id
	}
	return id[:shortLicence] + "…"
}

// LicenceID is AWS License Manager's id of what a buyer bought, "l-…". It stays the same when the
// agreement is amended or renewed.
type LicenceID string

// ProductCode is AWS Marketplace's code of a listing.
type ProductCode string

// AWSAccount is the twelve digits of an AWS account.
type AWSAccount string
