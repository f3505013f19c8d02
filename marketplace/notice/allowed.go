package notice

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Allowed are the origins whose notices count. The queue's policy already keeps other senders
// away; this is the second guard.
type Allowed struct {
	Topics []string
	// Accounts are the seller's AWS accounts.
	Accounts []portal.AWSAccount
}

// Refusal returns why a notice from there does not count, for operators; "" if it does.
func (a Allowed) Refusal(from Origin) string {
	switch {
	case from.Topic != "" && !slices.Contains(a.Topics, from.Topic):
		return fmt.Sprintf("It came from the SNS topic %s, which GATEHOUSE_MARKETPLACE_TOPICS does not list. Add the topic there if it is yours, or else end its subscription.", from.Topic)
	case from.Event() && from.Source != EventSource && from.Source != TestSource:
		return fmt.Sprintf("It is an event of %s, and not of AWS Marketplace (%s). Correct the pattern of the EventBridge rule.", from.Source, EventSource)
	case from.Event() && !slices.Contains(a.Accounts, from.Account):
		return fmt.Sprintf("It is an event of the AWS account %s, which GATEHOUSE_MARKETPLACE_ACCOUNTS does not list. Add the account there if it is the seller's, or else remove its EventBridge rule.", from.Account)
	case from.Topic == "" && !from.Event() && !a.product(from.Product):
		return fmt.Sprintf("It came by SNS with raw delivery, which does not say from which topic, and GATEHOUSE_MARKETPLACE_TOPICS lists no topic of the product %q. Add the topic there if it is yours.", from.Product)
	}
	return ""
}

func (a Allowed) product(code portal.ProductCode) bool {
	return code != "" && slices.ContainsFunc(a.Topics, func(topic string) bool { return ProductOf(topic) == code })
}

// Check returns what is wrong with the list, one error for each value.
func (a Allowed) Check() (topics, accounts []error) {
	for _, topic := range a.Topics {
		if parts := strings.Split(topic, ":"); len(parts) != 6 || parts[0] != "arn" || parts[2] != "sns" || parts[3] == "" || !isAccount(parts[4]) || parts[5] == "" {
			topics = append(topics, fmt.Errorf("%q: want ARNs of SNS topics, like arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-<product code>", topic))
		}
	}
	for _, account := range a.Accounts {
		if !isAccount(string(account)) {
			accounts = append(accounts, fmt.Errorf("%q: want the twelve digits of AWS accounts", account))
		}
	}
	return topics, accounts
}

func isAccount(text string) bool {
	return len(text) == 12 && strings.Trim(text, "0123456789") == ""
}
