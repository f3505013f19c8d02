package sns

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"
)

// envelope is the body in a queue without raw delivery (SNS Developer Guide, "Amazon SNS
// message and JSON formats"). FIFO topics add a sequence number and no signature.
type envelope struct {
	Type           string
	MessageID      string `json:"MessageId"`
	SequenceNumber string `json:",omitempty"`
	TopicARN       string `json:"TopicArn"`
	Subject        string `json:",omitempty"`
	Message        string
	Timestamp      string
	// The signature is not real: it is the base64 of unsigned, and there is no certificate at
	// the URL. Verification must fail.
	SignatureVersion  string `json:",omitempty"`
	Signature         string `json:",omitempty"`
	SigningCertURL    string `json:",omitempty"`
	UnsubscribeURL    string
	MessageAttributes map[string]envelopeAttribute `json:",omitempty"`
}

type envelopeAttribute struct{ Type, Value string }

const unsigned = "this local AWS signs nothing"

func (s *Service) wrap(t *topic, sub *subscription, m message, body string, out publishOut, now time.Time) string {
	e := envelope{
		Type: "Notification", MessageID: out.MessageID, SequenceNumber: out.SequenceNumber,
		TopicARN: t.ARN, Message: body,
		Timestamp:      now.UTC().Format("2006-01-02T15:04:05.000Z"),
		UnsubscribeURL: s.env.Endpoint() + "/?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(sub.ARN),
	}
	if m.subject != nil {
		e.Subject = *m.subject
	}
	if !t.FIFO {
		e.SignatureVersion = "1"
		if version := t.Attributes["SignatureVersion"]; version != "" {
			e.SignatureVersion = version
		}
		e.Signature = base64.StdEncoding.EncodeToString([]byte(unsigned))
		e.SigningCertURL = s.env.Endpoint() + "/no-certificate.pem"
	}
	if len(m.attributes) > 0 {
		e.MessageAttributes = map[string]envelopeAttribute{}
	}
	for name, value := range m.attributes {
		text := base64.StdEncoding.EncodeToString(value.BinaryValue)
		if value.StringValue != nil {
			text = *value.StringValue
		}
		e.MessageAttributes[name] = envelopeAttribute{Type: value.DataType, Value: text}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(e); err != nil {
		panic(err) // strings cannot fail
	}
	return string(bytes.TrimSpace(buf.Bytes()))
}
