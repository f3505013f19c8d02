// Package notice reads the messages that AWS Marketplace sends to the intake queue. It decides
// nothing about licences.
package notice

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// MaxText is how many bytes are kept of a notice that this version cannot read.
const MaxText = 4 << 10

// Delivery has SQS's id and time of a message. They count when SNS's are missing, as with raw
// delivery.
type Delivery struct {
	ID string
	At time.Time
}

// Notice is one message, read.
type Notice struct {
	// Subject is the licence's stream, or portal.MarketplaceStream.
	Subject portal.Stream
	Origin  Origin
	Data    events.MarketplaceNotified
}

// ID is SNS's or SQS's id of the message. Repeats of a notice have the same.
func (n Notice) ID() string {
	return portal.DeriveID("marketplace-notice", n.Data.Source, string(n.Subject))
}

// AboutAgreement reports whether the notice is about an agreement.
func (n Notice) AboutAgreement() bool { return isAgreement(n.Data.Kind) }

// Origin is the sender as the message names it.
type Origin struct {
	// Topic is the SNS topic's ARN, "" if there is none or SNS delivers raw.
	Topic string
	// Source, Account and Region are "" unless the notice is an event.
	Source  string
	Account portal.AWSAccount
	Region  string
	Product portal.ProductCode
}

// Event reports whether the notice came from the event bus.
func (o Origin) Event() bool { return o.Source != "" }

// Unreadable is a message that is no notice, or names a licence impossibly.
type Unreadable struct {
	// Field is the wrong field, "" for the whole message.
	Field string
	Text  string
}

func (u *Unreadable) Error() string {
	if u.Field == "" {
		return "the message " + u.Text
	}
	return fmt.Sprintf("the notice's %s %s", u.Field, u.Text)
}

func unreadable(field, format string, args ...any) error {
	return &Unreadable{Field: field, Text: fmt.Sprintf(format, args...)}
}

// Parse reads the body of one SQS message: an SNS envelope, an event, an event in an envelope, or
// a raw message of SNS. It also accepts what AWS sends undocumented: other spellings of fields,
// blanks around values, trailing commas, booleans as text.
//
// Unknown actions and detail-types become events.NoticeUnknown with the text, and so do notices
// about a licence that name none. Their subject, and that of tests and of notices about agreements, is
// portal.MarketplaceStream. Every error is an *Unreadable.
func Parse(body []byte, delivery Delivery) (Notice, error) {
	outer, err := readObject(body)
	if err != nil {
		return Notice{}, err
	}
	envelope, ok, err := readEnvelope(outer)
	if err != nil {
		return Notice{}, err
	}
	if !ok {
		envelope = snsEnvelope{id: delivery.ID, at: delivery.At, message: string(body)}
	}
	if envelope.confirmation {
		return envelope.unknown(), nil
	}
	inner, err := readObject([]byte(envelope.message))
	switch {
	case err != nil && ok:
		return envelope.unknown(), nil
	case err != nil:
		return Notice{}, err
	case inner.isEvent():
		return readEvent(inner, envelope.topic, envelope.message)
	case inner.text("action") != "":
		return readAction(inner, envelope)
	case ok:
		return envelope.unknown(), nil
	}
	return Notice{}, unreadable("", "is neither a message of SNS nor an event of AWS Marketplace")
}

// object compares names without their spelling: "customer-identifier", "CustomerIdentifier" and
// "customer_identifier" are one.
type object map[string]json.RawMessage

func readObject(body []byte) (object, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(withoutTrailingCommas(body), &raw); err != nil || raw == nil {
		return nil, unreadable("", "is not a JSON object")
	}
	read := object{}
	for name, value := range raw {
		plain := plainName(name)
		if before, twice := read[plain]; twice && string(before) != string(value) {
			return nil, unreadable(plain, "is there twice, with different values")
		}
		read[plain] = value
	}
	return read, nil
}

func plainName(name string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(name))
}

// text returns a text without blanks around it, or a number as text; "" for anything else.
func (o object) text(name string) string {
	var number json.Number
	if json.Unmarshal(o[name], &number) == nil && number != "" {
		return strings.TrimSpace(number.String())
	}
	var value string
	if json.Unmarshal(o[name], &value) != nil {
		return ""
	}
	return strings.TrimSpace(value)
}

// truth accepts true as text, too.
func (o object) truth(name string) bool {
	var value bool
	if json.Unmarshal(o[name], &value) == nil {
		return value
	}
	return strings.EqualFold(o.text(name), "true")
}

// object returns an empty object if the member is none.
func (o object) object(name string) object {
	read, err := readObject(o[name])
	if err != nil {
		return object{}
	}
	return read
}

// withoutTrailingCommas: AWS's documentation has one in the message of an entitlement.
func withoutTrailingCommas(body []byte) []byte {
	kept := make([]byte, 0, len(body))
	inText, escaped := false, false
	for i, b := range body {
		switch {
		case escaped:
			escaped = false
		case inText:
			escaped, inText = b == '\\', b != '"'
		case b == '"':
			inText = true
		case b == ',' && closes(body[i+1:]):
			continue
		}
		kept = append(kept, b)
	}
	return kept
}

func closes(rest []byte) bool {
	for _, b := range rest {
		switch b {
		case ' ', '\t', '\r', '\n':
		case '}', ']':
			return true
		default:
			return false
		}
	}
	return false
}

func keptText(text string) string {
	text = strings.ToValidUTF8(text, "�")
	if len(text) <= MaxText {
		return text
	}
	end := MaxText
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

func readTime(field, text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || at.Year() < 2000 {
		return time.Time{}, unreadable(field, "is not a time, such as 2026-11-27T16:00:00Z")
	}
	return at.UTC(), nil
}
