// Package events is the wire format: every message of Gatehouse, requests and
// facts alike, is a CloudEvent 1.0 in structured JSON, and every type of message
// is a Go struct in this package. Type names and members are data: they are
// written out once, never renamed, and pinned by one golden file per type. The
// body alone is enough to handle or replay a message.
package events

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Event is one message: who says what about which stream, and the payload.
type Event struct {
	// ID is what duplicates are recognised by. Of a request that opens an operation
	// it is the operation id, of a fact it is derived from stream and sequence.
	ID string
	// Source is the part of Gatehouse that made it, e.g. "/gatehouse/api".
	Source string
	// Subject is the stream it is about.
	Subject portal.Stream
	// Time is when it was made, UTC.
	Time time.Time
	// Sequence is a fact's place in its stream, from 1; 0 for requests.
	Sequence int64
	// Operation is the operation that it serves; empty for what nobody asked for.
	Operation portal.OperationID
	// Actor says who asked, "" for a worker. The subject is what they asked about: an admin
	// who suspends somebody is the actor, the account of that person the subject.
	Actor portal.Actor
	// Intent orders the requests about one stream; a decision carries that of its request.
	Intent portal.Intent
	// Causation is the id of the message that led to this one.
	Causation string
	// Correlation runs from the first HTTP request through all that follows.
	Correlation string
	// TraceParent is the W3C trace context, if there is one.
	TraceParent string
	// Replay counts how often an operator has sent it again after it was given up; 0 for
	// what never was.
	Replay int64
	// Data is the payload: one of this package's structs, by value.
	Data Payload
}

// Payload is the data of one type of message.
type Payload interface {
	// EventType is the CloudEvents type, e.g. "gatehouse.SubscribeRequested.v1".
	EventType() string
}

// Request asks for something. Scopes are what a decision about it decides over.
type Request interface {
	Payload
	Scopes() []portal.Scope
}

// Fact states what is so from now on. Facts are only ever appended to a journal.
type Fact interface {
	Payload
	isFact()
}

// understood is implemented by facts that change what API Gateway should hold. Their
// events carry the extension "mustunderstand": a worker that does not know such a type
// postpones deciding and converging for the stream, where it would pass over any other.
type understood interface {
	// MustUnderstand says whether passing over the fact would do harm.
	MustUnderstand() bool
}

// MustUnderstand says whether a program that does not know the event's type may pass
// over it.
func (e Event) MustUnderstand() bool {
	u, ok := e.Data.(understood)
	return ok && u.MustUnderstand()
}

// NotUnderstood says whether the event is a recorded fact of a type that this program
// does not know and must not pass over.
func (e Event) NotUnderstood() bool {
	_, unknown := e.Data.(Unknown)
	return unknown && e.MustUnderstand()
}

// Type is the payload's type, "" without one.
func (e Event) Type() string {
	if e.Data == nil {
		return ""
	}
	return e.Data.EventType()
}

// Fact is the payload as a fact; ok is false for a request.
func (e Event) Fact() (f Fact, ok bool) {
	f, ok = e.Data.(Fact)
	return f, ok
}

// Name is the short name of a type, for people: "SubscribeRequested".
func Name(eventType string) string {
	parts := strings.Split(eventType, ".")
	if len(parts) != 3 {
		return eventType
	}
	return parts[1]
}

const (
	specVersion = "1.0"
	// ContentType is the media type of an encoded event (CloudEvents HTTP binding,
	// structured mode).
	ContentType = "application/cloudevents+json"
	// MaxSize bounds an encoded event, bytes: one SQS billing unit (64 KB).
	MaxSize = 64 << 10
)

// envelope is the CloudEvent as it is on the wire. Extension names are lower case
// letters only, as CloudEvents 1.0 section 3.1 wants them; "sequence" is the
// registered extension of that name.
type envelope struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Source          string          `json:"source"`
	Type            string          `json:"type"`
	Subject         string          `json:"subject"`
	Time            time.Time       `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	Sequence        string          `json:"sequence,omitempty"`
	Operation       string          `json:"operationid,omitempty"`
	Actor           string          `json:"actor,omitempty"`
	MustUnderstand  string          `json:"mustunderstand,omitempty"`
	Intent          string          `json:"intent,omitempty"`
	Causation       string          `json:"causationid,omitempty"`
	Correlation     string          `json:"correlationid,omitempty"`
	TraceParent     string          `json:"traceparent,omitempty"`
	Replay          string          `json:"replay,omitempty"`
	Data            json.RawMessage `json:"data"`
}

// Encode is the event as structured JSON. It fails if a required attribute is
// missing or the result is larger than MaxSize: that is a fault of the program.
func Encode(e Event) ([]byte, error) {
	if e.ID == "" || e.Source == "" || e.Subject == "" || e.Time.IsZero() || e.Data == nil {
		return nil, fmt.Errorf("encoding event %q: id, source, subject, time and data are required", e.ID)
	}
	data, err := json.Marshal(e.Data)
	if err != nil {
		return nil, fmt.Errorf("encoding %s %s: %w", e.Type(), e.ID, err)
	}
	body, err := json.Marshal(envelope{
		SpecVersion: specVersion, ID: e.ID, Source: e.Source, Type: e.Type(), Subject: string(e.Subject),
		Time: e.Time.UTC(), DataContentType: "application/json",
		Sequence: sequenceText(e.Sequence), Operation: string(e.Operation), Actor: string(e.Actor), Intent: numberText(int64(e.Intent)),
		MustUnderstand: flagText(e.MustUnderstand()),
		Causation:      e.Causation, Correlation: e.Correlation, TraceParent: e.TraceParent, Replay: numberText(e.Replay), Data: data,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding %s %s: %w", e.Type(), e.ID, err)
	}
	if len(body) > MaxSize {
		return nil, fmt.Errorf("encoding %s %s: %d bytes, more than a message may have (%d)", e.Type(), e.ID, len(body), MaxSize)
	}
	return body, nil
}

// Decode reads an event. What cannot be read, or is of a type that this program
// does not know, is a portal.Error with code Invalid: trying again is no use.
// Members it does not know are passed over, so that old code reads new messages.
func Decode(body []byte) (Event, error) { return decodeAs(body, envelope.payload) }

// payload is the data of a type that this program knows.
func (env envelope) payload() (Payload, error) {
	decode, ok := types[env.Type]
	if !ok {
		return nil, unreadable("its type is unknown: "+env.Type, nil)
	}
	data, err := decode(env.Data)
	if err != nil {
		return nil, unreadable("its data is not that of a "+Name(env.Type), err)
	}
	return data, nil
}

func decodeAs(body []byte, payload func(envelope) (Payload, error)) (Event, error) {
	var env envelope
	if err := json.Unmarshal(body, &env); err != nil {
		return Event{}, unreadable("it is not JSON", err)
	}
	if env.SpecVersion != specVersion || env.ID == "" || env.Subject == "" {
		return Event{}, unreadable("it is not a CloudEvent 1.0 of ours", nil)
	}
	data, err := payload(env)
	if err != nil {
		return Event{}, err
	}
	sequence, err := parseNumber(env.Sequence)
	if err != nil {
		return Event{}, unreadable("its sequence is not a number", err)
	}
	intent, err := parseNumber(env.Intent)
	if err != nil {
		return Event{}, unreadable("its intent is not a number", err)
	}
	replay, err := parseNumber(env.Replay)
	if err != nil {
		return Event{}, unreadable("its replay is not a number", err)
	}
	return Event{
		ID: env.ID, Source: env.Source, Subject: portal.Stream(env.Subject), Time: env.Time.UTC(),
		Sequence: sequence, Operation: portal.OperationID(env.Operation), Actor: portal.Actor(env.Actor), Intent: portal.Intent(intent),
		Causation: env.Causation, Correlation: env.Correlation, TraceParent: env.TraceParent, Replay: replay, Data: data,
	}, nil
}

func unreadable(why string, err error) error {
	return &portal.Error{Code: portal.Invalid, Message: "The message could not be read: " + why + ".", Err: err}
}

// sequenceText pads, so that the text sorts as the number does (the extension's
// rule).
func sequenceText(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%012d", n)
}

// flagText is "true", or nothing: CloudEvents extensions are texts here.
func flagText(set bool) string {
	if set {
		return "true"
	}
	return ""
}

func numberText(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func parseNumber(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	return strconv.ParseInt(text, 10, 64)
}
