package sqs

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	maxAttributes = 10
	maxDelay      = 900
	traceHeader   = "AWSTraceHeader"
)

const allowedCharacters = "#x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF"

func (e entry) check() error {
	if e.MessageBody == "" {
		return missingParameter("MessageBody")
	}
	if c, bad := illegalCharacter(e.MessageBody); bad {
		return plainRefusal("InvalidMessageContents",
			"Invalid binary character '#x%X' was found in the message body, the set of allowed characters is %s", c, allowedCharacters)
	}
	if e.DelaySeconds != nil && (*e.DelaySeconds < 0 || *e.DelaySeconds > maxDelay) {
		return invalidValue(*e.DelaySeconds, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	}
	if err := checkID("MessageGroupId", e.MessageGroupID); err != nil {
		return err
	}
	if err := checkID("MessageDeduplicationId", e.MessageDeduplicationID); err != nil {
		return err
	}
	if len(e.MessageAttributes) > maxAttributes {
		return invalidParameter("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(e.MessageAttributes), maxAttributes)
	}
	for _, name := range slices.Sorted(maps.Keys(e.MessageAttributes)) {
		if err := checkAttributeName(name); err != nil {
			return err
		}
		if err := e.MessageAttributes[name].check("(user)", name); err != nil {
			return err
		}
	}
	return checkSystemAttributes(e.MessageSystemAttributes)
}

// illegalCharacter finds a character that XML 1.0 does not allow (section 2.2).
func illegalCharacter(s string) (rune, bool) {
	for _, c := range s {
		switch {
		case c == '\t', c == '\n', c == '\r', 0x20 <= c && c <= 0xD7FF, 0xE000 <= c && c <= 0xFFFD, c >= 0x10000:
		default:
			return c, true
		}
	}
	return 0, false
}

func checkID(parameter string, id *string) error {
	if id == nil {
		return nil
	}
	printable := func(c rune) bool { return c > ' ' && c < 0x7F }
	if len(*id) < 1 || len(*id) > 128 || strings.ContainsFunc(*id, func(c rune) bool { return !printable(c) }) {
		return invalidValue(*id, parameter, parameter+" can only include alphanumeric and punctuation characters. 1 to 128 in length.")
	}
	return nil
}

func checkAttributeName(name string) error {
	lower := strings.ToLower(name)
	switch {
	case name == "" || len(name) > 256:
		return invalidParameter("Length of message attribute name must be between 1 and 256 bytes.")
	case strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon."):
		return invalidParameter("Message attribute name can not start with reserved prefix 'AWS.' or 'Amazon.'.")
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "."):
		return invalidParameter("Message attribute name can not start or end with '.'.")
	case strings.Contains(name, ".."):
		return invalidParameter("Message attribute name can not have successive '.' characters.")
	}
	for _, c := range name {
		if !isAlphanumeric(c) && c != '_' && c != '-' && c != '.' {
			return invalidParameter("Invalid non-alphanumeric character '#x%X' was found in the message attribute name. Can only include alphanumeric characters, hyphens, underscores, or dots.", c)
		}
	}
	return nil
}

func (v AttributeValue) check(kind, name string) error {
	if v.DataType == "" {
		return invalidParameter("The message %s attribute '%s' must contain a non-empty message attribute type.", kind, name)
	}
	if v.StringListValues != nil || v.BinaryListValues != nil {
		return refusal("UnsupportedOperation", "Message attribute list values in SendMessage operation are not supported.")
	}
	base, _, _ := strings.Cut(v.DataType, ".")
	if !slices.Contains([]string{"String", "Number", "Binary"}, base) || len(v.DataType) > 256 {
		return invalidParameter("The type of message %s attribute '%s' is invalid. You must use only the following supported type prefixes: Binary, Number, String.", kind, name)
	}
	text := v.StringValue
	if base == "Binary" {
		if len(v.BinaryValue) == 0 || text != nil {
			return emptyAttribute(kind, name, base)
		}
		return nil
	}
	if text == nil || *text == "" || v.BinaryValue != nil {
		return emptyAttribute(kind, name, base)
	}
	if _, bad := illegalCharacter(*text); bad {
		return invalidParameter("Message %s attribute '%s' contains characters outside of %s.", kind, name, allowedCharacters)
	}
	if _, err := strconv.ParseFloat(*text, 64); base == "Number" && err != nil {
		return invalidParameter("Can't cast the value of message %s attribute '%s' to a number.", kind, name)
	}
	return nil
}

func emptyAttribute(kind, name, base string) error {
	return invalidParameter("Message %s attribute '%s' must contain a non-empty value of type '%s'.", kind, name, base)
}

func checkSystemAttributes(attributes map[string]AttributeValue) error {
	for name, value := range attributes {
		if name != traceHeader {
			return invalidParameter("Message system attribute name '%s' is invalid.", name)
		}
		if value.DataType != "String" {
			return invalidParameter("The type of message (system) attribute '%s' is invalid. You must use only the following supported type prefixes: String.", name)
		}
		if err := value.check("(system)", name); err != nil {
			return err
		}
	}
	return nil
}

// size is what AWS limits: the body and the names, types and values of attributes.
func (e entry) size() int {
	n := len(e.MessageBody)
	for name, v := range e.MessageAttributes {
		n += len(name) + len(v.DataType) + len(v.BinaryValue)
		if v.StringValue != nil {
			n += len(*v.StringValue)
		}
	}
	return n
}

func md5Hex(data []byte) string {
	sum := md5.Sum(data)
	return hex.EncodeToString(sum[:])
}

// md5OfAttributes is checked by clients. It covers, sorted by name: name, data type, one byte
// for the transport type (1 string, 2 binary) and value. All but that byte follow their length
// in four bytes (SQS Developer Guide, "Calculating the MD5 message digest for message
// attributes").
func md5OfAttributes(attributes map[string]AttributeValue) string {
	if len(attributes) == 0 {
		return ""
	}
	var buf []byte
	part := func(p string) {
		buf = binary.BigEndian.AppendUint32(buf, uint32(len(p)))
		buf = append(buf, p...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		v := attributes[name]
		part(name)
		part(v.DataType)
		if v.StringValue != nil {
			buf = append(buf, 1)
			part(*v.StringValue)
		} else {
			buf = append(buf, 2)
			part(string(v.BinaryValue))
		}
	}
	return md5Hex(buf)
}
