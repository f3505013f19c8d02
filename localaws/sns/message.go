package sns

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

const (
	// maxMessage is the maximum size of a message or batch, bodies and attributes, in bytes.
	// Topics with a larger limit are not implemented.
	maxMessage = 256 << 10
	maxSubject = 100
)

var messageMembers = []string{"Message", "Subject", "MessageStructure", "MessageAttributes", "MessageGroupId", "MessageDeduplicationId"}

type message struct {
	body       string
	subject    *string
	attributes map[string]sqs.AttributeValue
	group      *string
	dedup      *string
	// structured: body is JSON with a message per protocol.
	structured bool
}

func parseMessage(in form) (message, error) {
	m := message{
		body:       in.text("Message"),
		subject:    in.optional("Subject"),
		attributes: map[string]sqs.AttributeValue{},
		group:      in.optional("MessageGroupId"),
		dedup:      in.optional("MessageDeduplicationId"),
		structured: in.text("MessageStructure") == "json",
	}
	for _, entry := range in.list("MessageAttributes", "entry") {
		name := entry.text(".Name")
		value, err := parseAttribute(name, entry.in(".Value"))
		if err != nil {
			return m, err
		}
		m.attributes[name] = value
	}
	return m, nil
}

func parseAttribute(name string, in form) (sqs.AttributeValue, error) {
	value := sqs.AttributeValue{DataType: in.text("DataType"), StringValue: in.optional("StringValue")}
	if err := checkAttributeName(name); err != nil {
		return value, err
	}
	binary := in.optional("BinaryValue")
	if binary != nil {
		var err error
		if value.BinaryValue, err = base64.StdEncoding.DecodeString(*binary); err != nil {
			return value, invalidValue("The message attribute '%s' is not base64.", name)
		}
	}
	base, label, labelled := strings.Cut(value.DataType, ".")
	field := "String"
	if base == "Binary" {
		field = "Binary"
	}
	switch {
	case value.DataType == "":
		return value, wire.Errorf("ValidationError", "1 validation error detected: Value null at 'messageAttributes.%s.member.dataType' failed to satisfy constraint: Member must not be null", name)
	case !slices.Contains([]string{"Binary", "Number", "String"}, base) || labelled && label == "":
		return value, invalidValue("The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
	case field == "Binary" && value.StringValue != nil, field == "String" && binary != nil:
		return value, invalidValue("The message attribute '%s' with type '%s' must use field '%s'.", name, value.DataType, field)
	case len(value.BinaryValue) == 0 && (value.StringValue == nil || *value.StringValue == ""):
		return value, invalidValue("The message attribute '%s' must contain non-empty message attribute value for message attribute type '%s'.", name, value.DataType)
	}
	if base == "Number" {
		if _, err := strconv.ParseFloat(*value.StringValue, 64); err != nil {
			return value, invalidValue("Could not cast message attribute '%s' value to number.", name)
		}
	}
	return value, nil
}

func checkAttributeName(name string) error {
	switch {
	case name == "" || len(name) > 256:
		return invalidValue("Length of message attribute name must be less than 256 bytes.")
	case strings.HasPrefix(name, "."):
		return invalidValue("Invalid message attribute name starting with character '.' was found.")
	case strings.HasSuffix(name, "."):
		return invalidValue("Invalid message attribute name ending with character '.' was found.")
	case strings.Contains(name, ".."):
		return invalidValue("Message attribute name can not have successive '.' character.")
	}
	for _, c := range name {
		if !isAlphanumeric(c) && c != '_' && c != '-' && c != '.' {
			return invalidValue("Invalid non-alphanumeric character '#x%X' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.", c)
		}
	}
	return nil
}

// check applies the rules common to all topics.
func (m message) check() error {
	switch {
	case m.body == "":
		return invalidParameter("Empty message")
	case m.subject != nil && !validSubject(*m.subject):
		return invalidParameter("Subject")
	case m.size() > maxMessage:
		return invalidParameter("Message too long")
	}
	if !validID(m.group) {
		return invalidParameter("MessageGroupId Reason: MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length")
	}
	if !validID(m.dedup) {
		return invalidParameter("MessageDeduplicationId Reason: MessageDeduplicationId can only include alphanumeric and punctuation characters. 1 to 128 in length")
	}
	if m.structured {
		_, err := m.forQueues()
		return err
	}
	return nil
}

// validSubject: printable ASCII, up to 100 characters, no space at the start (SNS API
// Reference, Publish).
func validSubject(subject string) bool {
	return subject != "" && len(subject) <= maxSubject && subject[0] > ' ' &&
		!strings.ContainsFunc(subject, func(c rune) bool { return c < ' ' || c > '~' })
}

func validID(id *string) bool {
	return id == nil || (len(*id) >= 1 && len(*id) <= 128 &&
		!strings.ContainsFunc(*id, func(c rune) bool { return c <= ' ' || c > '~' }))
}

func (m message) size() int {
	n := len(m.body)
	for name, v := range m.attributes {
		n += len(name) + len(v.DataType) + len(v.BinaryValue)
		if v.StringValue != nil {
			n += len(*v.StringValue)
		}
	}
	return n
}

// forQueues returns a structured message's body for SQS, or its default.
func (m message) forQueues() (string, error) {
	if !m.structured {
		return m.body, nil
	}
	var bodies map[string]any
	if err := json.Unmarshal([]byte(m.body), &bodies); err != nil {
		return "", invalidParameter("Message Structure - JSON message body failed to parse")
	}
	fallback, ok := bodies["default"].(string)
	if !ok {
		return "", invalidParameter("Message Structure - No default entry in JSON message body")
	}
	if body, ok := bodies["sqs"].(string); ok {
		return body, nil
	}
	return fallback, nil
}
