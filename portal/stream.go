package portal

import "strings"

// Stream names one journal stream: the facts about one account, one licence, the
// catalog or the portal as a whole.
//
//	account/<id>                     an account
//	licence/<id>                     a Marketplace licence
//	legacy/<product>/<customer>      a Marketplace customer of an older listing
//	catalog                          what is offered
//	portal                           settings, and notices to everybody
type Stream string

// The streams that there is one of.
const (
	CatalogStream Stream = "catalog"
	PortalStream  Stream = "portal"
)

// StreamKind says what a stream is about.
type StreamKind string

// The kinds. KindUnknown is a name that is no stream of Gatehouse's, or one that only a
// newer version knows.
const (
	KindUnknown StreamKind = ""
	KindAccount StreamKind = "account"
	KindLicence StreamKind = "licence"
	KindLegacy  StreamKind = "legacy"
	KindCatalog StreamKind = "catalog"
	KindPortal  StreamKind = "portal"
)

const accountPrefix = "account/"

// AccountStream is the stream of an account.
func AccountStream(id AccountID) Stream { return Stream(accountPrefix + string(id)) }

// Account is the account whose stream this is; ok is false for another stream.
func (s Stream) Account() (id AccountID, ok bool) {
	rest, ok := strings.CutPrefix(string(s), accountPrefix)
	return AccountID(rest), ok && rest != ""
}

// Kind tells what the stream is about.
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

// Actor says who asked for something: "account/<id>" for a person, "operator" for
// somebody at the command line, "" for a worker.
type Actor string

// Operator is the actor of what is asked for at the command line.
const Operator Actor = "operator"

// AccountActor is a person, by the account they signed in to.
func AccountActor(id AccountID) Actor { return Actor(accountPrefix + string(id)) }

// Account is the account of the person who asked; ok is false for any other actor.
func (a Actor) Account() (id AccountID, ok bool) { return Stream(a).Account() }
