// Package tryit sends a person's request to an API of the catalog, and shows the answer. The
// portal is inside the operator's network, so the Sender reaches only endpoints of the catalog,
// and no private address behind them. The API key's value is in no Exchange, error or log line.
package tryit

import (
	"net/http"
	"time"
)

// The limits of one request.
const (
	// Timeout is for the whole request, the answer's body included.
	Timeout = 29 * time.Second
	// MaxRequest and MaxResponse bound the bodies, in bytes. A longer answer is cut.
	MaxRequest  = 1 << 20
	MaxResponse = 10 << 20
)

// Key is the value of an API key. It prints and encodes as Mask.
type Key string

// Mask stands for secrets, whatever their length.
const Mask = "••••"

func (Key) String() string { return Mask }

// GoString keeps the value out of %#v.
func (Key) GoString() string { return Mask }

// MarshalText keeps the value out of JSON and logs.
func (Key) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// Request is a person's request to an API.
type Request struct {
	Endpoint string
	Method   string
	// Path follows Endpoint. It begins with "/", is percent-encoded, and may have a query.
	Path string
	// Header is what the person wants to send; see Sent.Dropped.
	Header http.Header
	Body   []byte
	// Key is sent as x-api-key; "" sends none. The caller has checked that it may go to Endpoint.
	Key Key
	// TakesKeys says that the API accepts keys. Only explanations use it.
	TakesKeys bool
}

// Exchange is what happened to a request.
type Exchange struct {
	Request Sent `json:"request"`
	// Response is nil if no answer came, for the reason in Failure.
	Response    *Response `json:"response" doc:"The API's answer; null if none came."`
	Failure     Failure   `json:"failure,omitempty" enum:"private_address,dns,refused,tls,timeout,network" doc:"Why no answer came, or, with a response, why its body is not whole. private_address: the portal does not call addresses inside a network."`
	Explanation string    `json:"explanation,omitempty" doc:"What an error means, and what to change."`
	Left        *Left     `json:"left,omitempty" doc:"What is left of a quota or rate, if the answer's headers say so."`
	TookMS      int64     `json:"took_ms" doc:"Milliseconds until the answer's body had arrived."`
}

// Sent is a request as it was sent. Secrets are masked.
type Sent struct {
	Method  string   `json:"method"`
	URL     string   `json:"url"`
	Headers []Header `json:"headers" doc:"As sent. Values of keys and credentials are masked."`
	Dropped []string `json:"dropped" doc:"Headers that the portal does not send on, such as Host and Cookie."`
	Body    string   `json:"body,omitempty"`
}

// Response is an answer.
type Response struct {
	Status   int      `json:"status"`
	Reason   string   `json:"reason" doc:"The status in words."`
	Protocol string   `json:"protocol"`
	Headers  []Header `json:"headers" doc:"Without cookies."`
	Body     Body     `json:"body"`
}

// Header is one header field, sorted by name.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Body is an answer's body as text.
type Body struct {
	Kind Kind `json:"kind" enum:"none,json,text,binary" doc:"json is indented. binary has no text."`
	// Type is the Content-Type's media type, or "".
	Type string `json:"type,omitempty"`
	Text string `json:"text,omitempty"`
	// Size is that of the body in bytes, decompressed, up to MaxResponse.
	Size      int    `json:"size" doc:"In bytes, decompressed."`
	Truncated bool   `json:"truncated,omitempty" doc:"The body is longer than what is here."`
	Note      string `json:"note,omitempty" doc:"What is missing from the text, and how to get it."`
}

// Kind is how a Body is shown.
type Kind string

// Kinds of bodies.
const (
	KindNone   Kind = "none"
	KindJSON   Kind = "json"
	KindText   Kind = "text"
	KindBinary Kind = "binary"
)
