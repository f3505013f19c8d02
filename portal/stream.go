package portal

import "strings"

// Stream names one journal stream:
//
//	account/<id>                     an account
//	licence/<id>                     a Marketplace licence
//	legacy/<product>/<customer>      a Marketplace customer of an older listing
//	catalog                          the products and plans on offer
//	portal                           settings, and notices to everybody
type Stream string

// The streams of which there is only one.
const (
	CatalogStream Stream = "catalog"
	PortalStream  Stream = "portal"
)

// StreamKind is the kind of thing that a stream is about.
type StreamKind string

// KindUnknown is for a name that is not one of Gatehouse's streams, or that only a newer
// version knows.
const (
	KindUnknown StreamKind = ""
	KindAccount StreamKind = "account"
	KindLicence StreamKind = "licence"
	KindLegacy  StreamKind = "legacy"
	KindCatalog StreamKind = "catalog"
	KindPortal  StreamKind = "portal"
)

const accountPrefix = "account/"

// AccountStream returns the stream of an account.
func AccountStream(id AccountID) Stream { return Stream(accountPrefix + string(id)) }

// Account returns the account whose stream this is; ok is false for other streams.
func (s Stream) Account() (id AccountID, ok bool) {
	rest, ok := strings.CutPrefix(string(s), accountPrefix)
	return AccountID(rest), ok && rest != ""
}

// Kind returns what the stream is about.
func (s Stream) Kind() StreamKind {
	switch s {
	case CatalogStream:
		return KindCatalog
	case PortalStream:
		return KindPortal
	}
	kind, rest, _ := strings.Cut(string(s), "/")
	if rest == "" {
		return KindUnknown
	}
	switch kind := StreamKind(kind); kind {
	case KindAccount, KindLicence:
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

// AccountActor returns the actor for a person signed in to an account.
func AccountActor(id AccountID) Actor { return Actor(accountPrefix + string(id)) }

// Account returns the account of the person; ok is false for other actors.
func (a Actor) Account() (id AccountID, ok bool) { return Stream(a).Account() }
