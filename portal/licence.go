package portal

// LicenceID is AWS License Manager's id of what a buyer bought, "l-…". Amendments and renewals of
// the agreement keep it.
type LicenceID string

// ProductCode is AWS Marketplace's code of a listing.
type ProductCode string

// AWSAccount is the twelve digits of an AWS account.
type AWSAccount string
