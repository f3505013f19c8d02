package portal

// LicenceID is AWS License Manager's id of what a buyer bought, "l-…". It stays the same when the
// agreement is amended or renewed.
type LicenceID string

// ProductCode is the code that AWS Marketplace gives a listing.
type ProductCode string

// AWSAccount is the twelve digits of an AWS account.
type AWSAccount string
