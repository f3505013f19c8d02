package sns

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/sns/filter"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Values of FilterPolicyScope. The default is byAttributes.
const (
	byAttributes = "MessageAttributes"
	byBody       = "MessageBody"
)

type subscription struct {
	ARN, TopicARN, Endpoint string
	// Owner is another account that subscribed, or empty.
	Owner string `json:",omitempty"`
	Raw   bool
	// FilterPolicy, FilterScope and Redrive are as given, or empty.
	FilterPolicy string `json:",omitempty"`
	FilterScope  string `json:",omitempty"`
	Redrive      string `json:",omitempty"`
	// Token is that with which the owner of the queue has to confirm, or empty, and Confirmed the one that was given.
	Token     string `json:",omitempty"`
	Confirmed string `json:",omitempty"`

	filter filter.Policy
}

func (sub *subscription) fifo() bool { return strings.HasSuffix(sub.Endpoint, ".fifo") }

func isQueueARN(arn string) bool {
	parts := strings.Split(arn, ":")
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == "sqs" && parts[5] != ""
}

// set changes one attribute. context starts the error's reason. Call compile
// afterwards.
func (sub *subscription) set(name, value, context string) error {
	switch name {
	case "RawMessageDelivery":
		sub.Raw = strings.EqualFold(value, "true")
		if !sub.Raw && !strings.EqualFold(value, "false") {
			return invalidParameter("%sRawMessageDelivery: Invalid value [%s]. Must be true or false.", context, value)
		}
	case "FilterPolicy":
		sub.FilterPolicy = value
	case "FilterPolicyScope":
		if value != byAttributes && value != byBody {
			return invalidParameter("%sFilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", context, value)
		}
		sub.FilterScope = value
	case "RedrivePolicy":
		sub.Redrive = value
	case "DeliveryPolicy", "ReplayPolicy", "SubscriptionRoleArn":
		return wire.NotImplemented("The subscription attribute " + name)
	default:
		return invalidParameter("AttributeName")
	}
	return nil
}

func (sub *subscription) compile(context string) error {
	sub.filter = filter.Policy{}
	if sub.FilterPolicy != "" {
		var err error
		sub.filter, err = filter.Parse(sub.FilterPolicy, sub.FilterScope == byBody)
		switch {
		case errors.Is(err, filter.ErrUnsupported):
			return wire.NotImplemented("In a filter policy " + strings.TrimSuffix(err.Error(), " is "+filter.ErrUnsupported.Error()))
		case err != nil:
			return invalidParameter("%sFilterPolicy: %s", context, err)
		}
	}
	if sub.Redrive == "" {
		return nil
	}
	target := sub.deadLetters()
	switch {
	case target == "":
		return invalidParameter("%sRedrivePolicy: failed to parse JSON, or deadLetterTargetArn is missing", context)
	case !isQueueARN(target):
		return invalidParameter("%sRedrivePolicy: deadLetterTargetArn is an invalid arn", context)
	case strings.HasSuffix(target, ".fifo") != sub.fifo():
		return invalidParameter("%sRedrivePolicy: must use a dead-letter queue of the same type as the subscribed queue", context)
	}
	return nil
}

func (sub *subscription) deadLetters() string {
	var policy struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if sub.Redrive == "" || json.Unmarshal([]byte(sub.Redrive), &policy) != nil {
		return ""
	}
	return policy.Target
}

func (sub *subscription) wants(m message, body string) bool {
	switch {
	case sub.FilterPolicy == "":
		return true
	case sub.FilterScope == byBody:
		return sub.filter.HoldsOfBody(body)
	}
	attributes := map[string]filter.Attribute{}
	for name, value := range m.attributes {
		a := filter.Attribute{DataType: value.DataType}
		if value.StringValue != nil {
			a.Text = *value.StringValue
		}
		attributes[name] = a
	}
	return sub.filter.HoldsOfAttributes(attributes)
}

func (sub *subscription) attributes() map[string]string {
	all := map[string]string{"RawMessageDelivery": strconv.FormatBool(sub.Raw)}
	if sub.FilterPolicy != "" {
		all["FilterPolicy"] = sub.FilterPolicy
		all["FilterPolicyScope"] = byAttributes
	}
	if sub.FilterScope != "" {
		all["FilterPolicyScope"] = sub.FilterScope
	}
	if sub.Redrive != "" {
		all["RedrivePolicy"] = sub.Redrive
	}
	return all
}

// contradicts reports whether a given attribute differs from other's.
func (sub *subscription) contradicts(other *subscription, given map[string]string) bool {
	mine, theirs := sub.attributes(), other.attributes()
	for name := range given {
		value, ok := theirs[name]
		if !ok && name == "FilterPolicyScope" {
			value = byAttributes
		}
		if mine[name] != value {
			return true
		}
	}
	return false
}
