// Package events is the wire format. Every message, request or fact, is a CloudEvent 1.0 in
// structured JSON; its type is a Go struct here. Names of types and members are data: never
// renamed, and pinned by one golden file per type. The body alone is enough to handle or replay a
// message.
package events

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Event is one message: its CloudEvents attributes and its payload.
type Event struct {
	// ID is the same for duplicates. A request's id is its operation's; a fact's derives from its
	// stream and sequence.
	ID string
	// Source is the sending part of Gatehouse, e.g. "/gatehouse/api".
	Source  string
	Subject portal.Stream
	// Time is in UTC.
	Time time.Time
	// Sequence is a fact's place in its stream, from 1; 0 for requests.
	Sequence  int64
	Operation portal.OperationID
	// Actor submitted the request, "" for a worker. If an admin suspends a person, the admin is
	// the actor and the person's account the subject.
	Actor portal.Actor
	// Intent orders the requests about a stream. A decision has its request's.
	Intent    portal.Intent
	Causation string
	// Correlation is the same for all that one HTTP request led to.
	Correlation string
	// TraceParent and TraceState are the W3C trace context, if any: CloudEvents' extension for distributed
	// tracing. A fact's names the handling that made it.
	TraceParent, TraceState string
	// Replay counts an operator's replays of the message.
	Replay int64
	// Data is one of this package's structs, by value.
	Data Payload
}

// Payload is the data of one message type.
type Payload interface {
	// EventType is the CloudEvents type, e.g. "gatehouse.SubscribeRequested.v1".
	EventType() string
}

// Request asks for something. The decision is about its Scopes.
type Request interface {
	Payload
	Scopes() []portal.Scope
}

// Fact states what holds from now on.
type Fact interface {
	Payload
	isFact()
}

// understood marks facts about what API Gateway should hold. Their events carry the extension
// "mustunderstand": a worker that does not know such a type postpones deciding and converging for
// its stream. It ignores other unknown types.
type understood interface {
	MustUnderstand() bool
}

// MustUnderstand reports whether a program that does not know the type must not ignore the
// event.
func (e Event) MustUnderstand() bool {
	u, ok := e.Data.(understood)
	return ok && u.MustUnderstand()
}

// NotUnderstood reports whether the event is a fact that this program neither knows nor may
// ignore.
func (e Event) NotUnderstood() bool {
	_, unknown := e.Data.(Unknown)
	return unknown && e.MustUnderstand()
}

// Type is the payload's type, "" without a payload.
func (e Event) Type() string {
	if e.Data == nil {
		return ""
	}
	return e.Data.EventType()
}

// Fact returns the payload as a fact; ok is false for a request.
func (e Event) Fact() (f Fact, ok bool) {
	f, ok = e.Data.(Fact)
	return f, ok
}

// Name shortens a type for people, e.g. to "SubscribeRequested".
func Name(eventType string) string {
	parts := strings.Split(eventType, ".")
	if len(parts) != 3 {
		return eventType
	}
	return parts[1]
}

const (
	specVersion = "1.0"
	// ContentType is the media type of an encoded event (CloudEvents HTTP binding, structured
	// mode).
	ContentType = "application/cloudevents+json"
	// MaxSize bounds an encoded event, in bytes: one SQS billing unit (64 KB).
	MaxSize = 64 << 10
)

// CloudEvents 1.0, section 3.1, allows only lower-case letters and digits in names of extensions;
// "sequence" is a registered extension.
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
	TraceState      string          `json:"tracestate,omitempty"`
	Replay          string          `json:"replay,omitempty"`
	Data            json.RawMessage `json:"data"`
}

// Encode returns the event as structured JSON. A missing required attribute, or more than
// MaxSize, is a fault of the program. An event that only its trace context makes too large loses that.
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
		Causation:      e.Causation, Correlation: e.Correlation, TraceParent: e.TraceParent, TraceState: e.TraceState, Replay: numberText(e.Replay), Data: data,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding %s %s: %w", e.Type(), e.ID, err)
	}
	if len(body) > MaxSize && (e.TraceParent != "" || e.TraceState != "") {
		e.TraceParent, e.TraceState = "", ""
		return Encode(e)
	}
	if len(body) > MaxSize {
		return nil, fmt.Errorf("encoding %s %s: %d bytes, more than a message may have (%d)", e.Type(), e.ID, len(body), MaxSize)
	}
	return body, nil
}

// Decode reads an event. If it cannot, or the type is unknown, the error is portal.Invalid:
// retrying is pointless. Unknown members are ignored, so that old code reads new messages.
func Decode(body []byte) (Event, error) { return decodeAs(body, envelope.payload) }

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
		Causation: env.Causation, Correlation: env.Correlation, TraceParent: env.TraceParent, TraceState: env.TraceState, Replay: replay, Data: data,
	}, nil
}

func unreadable(why string, err error) error {
	return &portal.Error{Code: portal.Invalid, Message: "The message could not be read: " + why + ".", Err: err}
}

// sequenceText pads the number so that texts sort as numbers do, a rule of the extension.
func sequenceText(n int64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%012d", n)
}

// flagText is "true" or absent: CloudEvents extensions here are texts.
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
