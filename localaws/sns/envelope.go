package sns

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"time"
)

// envelope is what a queue gets unless the delivery is raw (SNS Developer Guide,
// "Amazon SNS message and JSON formats"). Messages of FIFO topics carry a
// sequence number and no signature.
type envelope struct {
	Type           string
	MessageID      string `json:"MessageId"`
	SequenceNumber string `json:",omitempty"`
	TopicARN       string `json:"TopicArn"`
	Subject        string `json:",omitempty"`
	Message        string
	Timestamp      string
	// SignatureVersion, Signature and SigningCertURL are there as on AWS, but
	// nothing is signed: the signature is the base64 of a text that says so, and
	// there is no certificate at the URL. Whoever verifies them must fail.
	SignatureVersion  string `json:",omitempty"`
	Signature         string `json:",omitempty"`
	SigningCertURL    string `json:",omitempty"`
	UnsubscribeURL    string
	MessageAttributes map[string]envelopeAttribute `json:",omitempty"`
}

type envelopeAttribute struct{ Type, Value string }

const unsigned = "this local AWS signs nothing"

// wrap returns the JSON of the envelope for one subscription.
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
		panic(err) // only strings
	}
	return string(bytes.TrimSpace(buf.Bytes()))
}
