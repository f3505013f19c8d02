package notice_test

import (
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/portal"
)

func TestOnlyOriginsOnTheListCount(t *testing.T) {
	t.Parallel()
	forwarded := "arn:aws:sns:us-east-1:123456789012:forwarded"
	allowed := notice.Allowed{Topics: []string{subscriptionTopic, forwarded}, Accounts: []portal.AWSAccount{"123456789012"}}
	strange := "arn:aws:sns:us-east-1:999999999999:aws-mp-subscription-notification-n0123EXAMPLE"
	for name, test := range map[string]struct{ body, refusal string }{
		"a listed topic":                          {enveloped(subscriptionTopic, subscribed), ""},
		"a listed topic, with raw delivery":       {subscribed, ""},
		"a listed account":                        {licenceEvent, ""},
		"a listed account through a listed topic": {enveloped(forwarded, licenceEvent), ""},
		"a test of a listed account":              {testEvent, ""},
		"a test of another account":               {strings.Replace(testEvent, "123456789012", "999999999999", 1), "GATEHOUSE_MARKETPLACE_ACCOUNTS does not list"},
		"a test through another topic":            {enveloped(strange, testEvent), "GATEHOUSE_MARKETPLACE_TOPICS does not list"},
		"a test of a listed topic":                {enveloped(subscriptionTopic, testMessage), ""},
		"a test of another topic":                 {enveloped(strange, testMessage), "GATEHOUSE_MARKETPLACE_TOPICS does not list"},
		"another topic":                           {enveloped(strange, subscribed), "GATEHOUSE_MARKETPLACE_TOPICS does not list"},
		"another topic, with an event":            {enveloped(strange, licenceEvent), "GATEHOUSE_MARKETPLACE_TOPICS does not list"},
		"another account":                         {strings.Replace(licenceEvent, `"account":"123456789012"`, `"account":"999999999999"`, 1), "GATEHOUSE_MARKETPLACE_ACCOUNTS does not list"},
		"another account through a listed topic":  {enveloped(forwarded, strings.Replace(licenceEvent, `"account":"123456789012"`, `"account":"999999999999"`, 1)), "GATEHOUSE_MARKETPLACE_ACCOUNTS does not list"},
		"another source":                          {strings.Replace(licenceEvent, "aws.agreement-marketplace", "aws.ec2", 1), "Correct the pattern"},
		"another product, with raw delivery":      {strings.Replace(subscribed, "n0123EXAMPLE", "other", 1), "lists no topic of the product"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := notice.Parse([]byte(test.body), delivery)
			if err != nil {
				t.Fatal(err)
			}
			got := allowed.Refusal(n.Origin)
			if (got == "") != (test.refusal == "") || !strings.Contains(got, test.refusal) {
				t.Errorf("the refusal is %q, want %q in it", got, test.refusal)
			}
			if (notice.Allowed{}).Refusal(n.Origin) == "" {
				t.Error("an empty list lets it count")
			}
		})
	}
}

func TestTheListIsChecked(t *testing.T) {
	t.Parallel()
	topics, accounts := notice.Allowed{
		Topics:   []string{subscriptionTopic, "aws-mp-subscription-notification-x", "arn:aws:sqs:us-east-1:123456789012:queue", "arn:aws:sns:us-east-1:12:topic"},
		Accounts: []portal.AWSAccount{"123456789012", "12345678901", "seller"},
	}.Check()
	if len(topics) != 3 || len(accounts) != 2 {
		t.Errorf("it found %v and %v, want three wrong topics and two wrong accounts", topics, accounts)
	}
}
