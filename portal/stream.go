package portal

import "strings"

// Stream names one journal stream:
//
//	account/<id>                     an account
//	licence/<id>                     a Marketplace licence
//	legacy/<product>/<customer>      a Marketplace customer of an older listing
//	catalog                          the products and plans on offer
//	portal                           settings, and notices to everybody
//	marketplace/<id>                 a notice of AWS Marketplace that names no licence
type Stream string

// The streams of which there is only one.
const (
	CatalogStream Stream = "catalog"
	PortalStream  Stream = "portal"
	// MarketplaceStream stands for the streams of notices that name no licence; see NoticeStream.
	MarketplaceStream Stream = "marketplace"
)

// StreamKind is the kind of thing that a stream is about.
type StreamKind string

// KindUnknown is for a name that is no stream of Gatehouse's, or only of a newer version's.
const (
	KindUnknown StreamKind = ""
	KindAccount StreamKind = "account"
	KindLicence StreamKind = "licence"
	KindLegacy  StreamKind = "legacy"
	KindCatalog StreamKind = "catalog"
	KindPortal  StreamKind = "portal"
	// KindMarketplace is the kind of a NoticeStream, and of MarketplaceStream.
	KindMarketplace StreamKind = "marketplace"
)

const accountPrefix = "account/"

// AccountStream returns the stream of an account.
func AccountStream(id AccountID) Stream { return Stream(accountPrefix + string(id)) }

// Account returns the stream's account, or "" and false for other streams.
func (s Stream) Account() (id AccountID, ok bool) {
	if rest, is := strings.CutPrefix(string(s), accountPrefix); is {
		return AccountID(rest), rest != ""
	}
	return "", false
}

// Kind returns what the stream is about.
func (s Stream) Kind() StreamKind {
	switch s {
	case CatalogStream:
		return KindCatalog
	case PortalStream:
		return KindPortal
	case MarketplaceStream:
		return KindMarketplace
	}
	kind, rest, _ := strings.Cut(string(s), "/")
	if rest == "" {
		return KindUnknown
	}
	switch kind := StreamKind(kind); kind {
	case KindAccount, KindLicence, KindMarketplace:
		return kind
	case KindLegacy:
		if product, customer, _ := strings.Cut(rest, "/"); product != "" && customer != "" {
			return kind
		}
	}
	return KindUnknown
}

// Actor is who made a request: "account/<id>" for a person, "operator" for the command line, ""
// for a worker.
type Actor string

// Operator is the actor of requests from the command line.
const Operator Actor = "operator"

// AccountActor returns the actor of an account.
func AccountActor(id AccountID) Actor { return Actor(accountPrefix + string(id)) }

// Account returns the actor's account, or "" and false for other actors.
func (a Actor) Account() (id AccountID, ok bool) { return Stream(a).Account() }

const (
	licencePrefix = "licence/"
	legacyPrefix  = "legacy/"
)

// LicenceStream returns the stream of a Marketplace licence.
func LicenceStream(id LicenceID) Stream { return Stream(licencePrefix + string(id)) }

// LegacyStream returns the stream of a customer of an older listing, for which AWS issues no licence.
func LegacyStream(product ProductCode, customer string) Stream {
	return Stream(legacyPrefix + string(product) + "/" + customer)
}

// Customer returns the customer identifier of a LegacyStream, "" for other streams.
func (s Stream) Customer() string {
	if s.Kind() != KindLegacy {
		return ""
	}
	return string(s[strings.LastIndex(string(s), "/")+1:])
}

// NoticeStream returns the stream of a notice of AWS Marketplace that names no licence. Each notice has its own, so
// keeping one takes no longer the more there are.
func NoticeStream(id string) Stream { return MarketplaceStream + Stream("/"+id) }

// IsLicence reports whether the stream is about a purchase on AWS Marketplace.
func (s Stream) IsLicence() bool {
	kind := s.Kind()
	return kind == KindLicence || kind == KindLegacy
}
