package sqs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
)

// policyOf allows SNS to send to the queue "a" under a condition.
func policyOf(condition string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},` +
		`"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:a","Condition":` + condition + `}}`
}

func TestAQueuesPolicyDecidesWhichServicesDeliver(t *testing.T) {
	t.Parallel()
	const topic = "arn:aws:sns:us-east-1:000000000000:topic"
	deny := strings.Replace(anybody, "]}", `,{"Effect":"Deny","Principal":"*","Action":"sqs:*","Resource":"*","Condition":`, 1)
	from := func(operator, arn string) string {
		return policyOf(`{"` + operator + `":{"aws:SourceArn":"` + arn + `"}}`)
	}
	for name, c := range map[string]struct {
		policy string
		want   bool
	}{
		"no policy":                             {"", false},
		"everybody":                             {anybody, true},
		"everybody by account":                  {strings.Replace(anybody, `"*"`, `{"AWS":"*"}`, 1), true},
		"another account":                       {strings.Replace(anybody, `"*"`, `{"AWS":"111122223333"}`, 1), false},
		"another service":                       {strings.Replace(anybody, `"*"`, `{"Service":["events.amazonaws.com"]}`, 1), false},
		"everybody but SNS":                     {strings.Replace(anybody, `"Principal":"*"`, `"NotPrincipal":{"Service":"sns.amazonaws.com"}`, 1), false},
		"another action":                        {strings.Replace(anybody, "SendMessage", "ReceiveMessage", 1), false},
		"every action, in a list":               {strings.Replace(anybody, `"sqs:SendMessage"`, `["SQS:Get*","SQS:*"]`, 1), true},
		"every action but this":                 {strings.Replace(anybody, `"Action":"sqs:SendMessage"`, `"NotAction":"sqs:Send*"`, 1), false},
		"another queue":                         {strings.Replace(anybody, `"Resource":"*"`, `"Resource":"arn:aws:sqs:us-east-1:000000000000:b"`, 1), false},
		"the topic":                             {from("ArnEquals", topic), true},
		"the topic, compared as a string":       {from("StringEquals", topic), true},
		"another topic":                         {from("ArnEquals", topic+"2"), false},
		"one of several topics":                 {policyOf(`{"ArnLike":{"AWS:SourceArn":["arn:aws:sns:us-east-1:1:x","` + topic + `"]}}`), true},
		"topics by a pattern":                   {from("ArnLike", "arn:aws:sns:*:*:to?ic"), true},
		"a pattern that would cross a colon":    {from("ArnLike", "arn:aws:*:topic"), false},
		"a string pattern that crosses a colon": {from("StringLike", "arn:aws:*:topic"), true},
		"a pattern in StringEquals":             {from("StringEquals", "arn:aws:sns:*"), false},
		"the account":                           {policyOf(`{"StringEquals":{"aws:SourceAccount":"000000000000"}}`), true},
		"another account's topics":              {policyOf(`{"StringEquals":{"aws:SourceAccount":"111122223333"}}`), false},
		"two conditions of which one fails":     {policyOf(`{"ArnEquals":{"aws:SourceArn":"` + topic + `"},"StringEquals":{"aws:SourceAccount":"1"}}`), false},
		"an unknown key":                        {policyOf(`{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`), false},
		"an unknown key, if it exists":          {policyOf(`{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}}`), true},
		"a key that must not exist":             {policyOf(`{"Null":{"aws:PrincipalOrgID":"true"}}`), true},
		"denied without TLS, but it is used":    {deny + `{"Bool":{"aws:SecureTransport":false}}}]}`, true},
		"denied for the topic":                  {deny + `{"ArnLike":{"aws:SourceArn":"` + topic + `"}}}]}`, false},
		"denied for all but another topic":      {deny + `{"ArnNotEquals":{"aws:SourceArn":"` + topic + `2"}}}]}`, false},
		"denied for all but the topic":          {deny + `{"ArnNotEquals":{"aws:SourceArn":"` + topic + `"}}}]}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, stored := service(t, "a")
			body := mustJSON(t, map[string]any{
				"QueueUrl": "http://localhost/000000000000/a", "Attributes": map[string]string{"Policy": c.policy},
			})
			if _, err := s.JSON().Operations["SetQueueAttributes"](t.Context(), []byte(body)); err != nil {
				t.Fatal(err)
			}
			refused, err := s.Deliver(func(time.Time) sqs.Plan { return sqs.Plan{Deliveries: []sqs.Delivery{delivery("a")}} })
			if err != nil {
				t.Fatal(err)
			}
			if got := refused[0] == nil; got != c.want || stored("a") == 1 != c.want {
				t.Errorf("delivered is %v (%v), want %v", got, refused[0], c.want)
			}
			if refused[0] != nil && !errors.Is(refused[0], sqs.ErrDenied) {
				t.Errorf("refused by %v", refused[0])
			}
		})
	}
}

func TestPermissionsAreStatementsOfThePolicy(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.create("q", "Policy", anybody)
	add := func(label string, actions ...string) error {
		_, err := l.AddPermission(context.Background(), &awssqs.AddPermissionInput{
			QueueUrl: &q, Label: &label, AWSAccountIds: []string{"111122223333"}, Actions: actions,
		})
		return err
	}
	remove := func(label string) error {
		_, err := l.RemovePermission(context.Background(), &awssqs.RemovePermissionInput{QueueUrl: &q, Label: &label})
		return err
	}
	if err := add("partner", "SendMessage"); err != nil {
		t.Fatal(err)
	}
	const statement = `{"Action":"SQS:SendMessage","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},` +
		`"Resource":"arn:aws:sqs:us-east-1:000000000000:q","Sid":"partner"}`
	if got := l.attributes(q)["Policy"]; !strings.Contains(got, statement) || !strings.Contains(got, `"Principal":"*"`) {
		t.Errorf("the policy is %s, want it to contain %s", got, statement)
	}
	wantCode(t, add("partner", "SendMessage"), "InvalidParameterValue")
	wantCode(t, add("other", "CreateQueue"), "InvalidParameterValue")
	if err := remove("partner"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, remove("partner"), "InvalidParameterValue")
	if got := l.attributes(q)["Policy"]; strings.Contains(got, "partner") || !strings.Contains(got, `"Principal":"*"`) {
		t.Errorf("the policy is %s, want only the first statement", got)
	}
}
