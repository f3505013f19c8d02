package sqs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Values of DeduplicationScope and FifoThroughputLimit.
const (
	scopeQueue = "queue"
	scopeGroup = "messageGroup"
	perQueue   = "perQueue"
	perGroup   = "perMessageGroupId"
)

// maxMessageSize limits a message and a batch, in bytes.
const maxMessageSize = 1 << 20

// settings are in seconds and bytes.
type settings struct {
	ID, Name string
	// Account is one of the other accounts, or "".
	Account           string `json:",omitempty"`
	FIFO              bool
	Created, Modified time.Time
	Purged            time.Time
	Tags              map[string]string

	DelaySeconds                  int
	MaximumMessageSize            int
	MessageRetentionPeriod        int
	ReceiveMessageWaitTimeSeconds int
	VisibilityTimeout             int
	Policy                        string
	access                        *policy // parsed from Policy
	ManagedSSE                    bool
	Redrive                       *redrivePolicy
	RedriveAllow                  *redriveAllowPolicy

	ContentBasedDeduplication bool
	DeduplicationScope        string
	FifoThroughputLimit       string
}

func defaultSettings(name string, fifo bool) settings {
	s := settings{
		Name: name, FIFO: fifo,
		MaximumMessageSize: maxMessageSize, MessageRetentionPeriod: 4 * 24 * 3600,
		VisibilityTimeout: 30, ManagedSSE: true,
	}
	if fifo {
		s.DeduplicationScope, s.FifoThroughputLimit = scopeQueue, perQueue
	}
	return s
}

func (s settings) attributes() map[string]string {
	all := map[string]string{
		"DelaySeconds":                  strconv.Itoa(s.DelaySeconds),
		"MaximumMessageSize":            strconv.Itoa(s.MaximumMessageSize),
		"MessageRetentionPeriod":        strconv.Itoa(s.MessageRetentionPeriod),
		"ReceiveMessageWaitTimeSeconds": strconv.Itoa(s.ReceiveMessageWaitTimeSeconds),
		"VisibilityTimeout":             strconv.Itoa(s.VisibilityTimeout),
		"SqsManagedSseEnabled":          strconv.FormatBool(s.ManagedSSE),
	}
	if s.Policy != "" {
		all["Policy"] = s.Policy
	}
	if s.Redrive != nil {
		all["RedrivePolicy"] = s.Redrive.String()
	}
	if s.RedriveAllow != nil {
		all["RedriveAllowPolicy"] = s.RedriveAllow.String()
	}
	if s.FIFO {
		all["FifoQueue"] = "true"
		all["ContentBasedDeduplication"] = strconv.FormatBool(s.ContentBasedDeduplication)
		all["DeduplicationScope"] = s.DeduplicationScope
		all["FifoThroughputLimit"] = s.FifoThroughputLimit
	}
	return all
}

// with returns AWS's refusal of the first wrong attribute. It does not check that the
// dead-letter queue exists.
func (s settings) with(attributes map[string]string) (settings, error) {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := s.set(name, attributes[name]); err != nil {
			return settings{}, err
		}
	}
	if s.FifoThroughputLimit == perGroup && s.DeduplicationScope != scopeGroup {
		return settings{}, plainRefusal("InvalidAttributeValue",
			"The perMessageGroupId value for the FifoThroughputLimit attribute is allowed only when the value for the DeduplicationScope attribute is messageGroup.")
	}
	return s, nil
}

func (s *settings) set(name, value string) (err error) {
	switch name {
	case "DelaySeconds":
		s.DelaySeconds, err = number(name, value, 0, 900)
	case "MaximumMessageSize":
		s.MaximumMessageSize, err = number(name, value, 1024, maxMessageSize)
	case "MessageRetentionPeriod":
		s.MessageRetentionPeriod, err = number(name, value, 60, 14*24*3600)
	case "ReceiveMessageWaitTimeSeconds":
		s.ReceiveMessageWaitTimeSeconds, err = number(name, value, 0, 20)
	case "VisibilityTimeout":
		s.VisibilityTimeout, err = number(name, value, 0, maxVisibility)
	case "Policy":
		s.Policy = value
		s.access, err = parsePolicy(value)
	case "RedrivePolicy":
		s.Redrive, err = parseRedrivePolicy(value)
	case "RedriveAllowPolicy":
		s.RedriveAllow, err = parseRedriveAllowPolicy(value)
	case "SqsManagedSseEnabled":
		// Clients cannot see that nothing is encrypted here.
		s.ManagedSSE, err = flag(name, value)
	case "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds":
		err = wire.NotImplemented("The queue attribute " + name)
	default:
		err = s.setFIFO(name, value)
	}
	return err
}

func (s *settings) setFIFO(name, value string) (err error) {
	switch name {
	case "FifoQueue", "ContentBasedDeduplication":
		if !s.FIFO {
			return unknownAttribute(name)
		}
	case "DeduplicationScope", "FifoThroughputLimit":
		if !s.FIFO {
			return plainRefusal("InvalidAttributeName", "You can specify the %s only when FifoQueue is set to true.", name)
		}
	}
	switch name {
	case "FifoQueue":
		fifo, err := flag(name, value)
		if err == nil && !fifo {
			err = plainRefusal("InvalidAttributeValue",
				"Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.")
		}
		return err
	case "ContentBasedDeduplication":
		s.ContentBasedDeduplication, err = flag(name, value)
	case "DeduplicationScope":
		s.DeduplicationScope, err = oneOf(name, value, scopeQueue, scopeGroup)
	case "FifoThroughputLimit":
		s.FifoThroughputLimit, err = oneOf(name, value, perQueue, perGroup)
	default:
		err = unknownAttribute(name)
	}
	return err
}

func number(name, value string, least, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return 0, invalidAttributeValue(name)
	}
	return n, nil
}

func flag(name, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, invalidAttributeValue(name)
}

func oneOf(name, value string, allowed ...string) (string, error) {
	if !slices.Contains(allowed, value) {
		return "", invalidAttributeValue(name)
	}
	return value, nil
}

// difference returns the first in alphabetical order.
func difference(a, b settings) (name string, differ bool) {
	before, after := a.attributes(), b.attributes()
	names := maps.Clone(before)
	maps.Copy(names, after)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if before[name] != after[name] {
			return name, true
		}
	}
	return "", false
}

func checkName(name string, fifo bool) error {
	base, isFIFO := strings.CutSuffix(name, ".fifo")
	if fifo && (!isFIFO || !validName(base) || len(name) > 80) {
		return invalidParameter("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length")
	}
	if !fifo && (!validName(name) || len(name) > 80) {
		return invalidParameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

func validName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return !isAlphanumeric(c) && c != '-' && c != '_'
	})
}

func isAlphanumeric(c rune) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

func epochSeconds(t time.Time) string { return fmt.Sprint(t.Unix()) }
