package policy

import (
	"slices"
	"strings"
	"testing"
)

func parse(t *testing.T, statements ...any) Policy {
	t.Helper()
	p, err := Parse(map[string]any{"Version": "2012-10-17", "Statement": statements})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func allow(action, resource any, more ...map[string]any) map[string]any {
	s := map[string]any{"Effect": "Allow", "Action": action, "Resource": resource}
	for _, m := range more {
		s["Condition"] = m
	}
	return s
}

func TestAPolicyAllows(t *testing.T) {
	t.Parallel()
	identities := map[string]any{"ForAllValues:StringLike": map[string]any{"dynamodb:LeadingKeys": []any{"identity#*"}}}
	sender := map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": []any{"arn:aws:sns:eu-west-1:1:a", "arn:aws:sns:eu-west-1:1:b*"}}}
	p := parse(t,
		allow("sqs:SendMessage", "arn:aws:sqs:eu-west-1:1:q"),
		allow([]any{"apigateway:GET"}, []any{"arn:aws:apigateway:eu-west-1::/apikeys", "arn:aws:apigateway:eu-west-1::/usageplans/*"}),
		allow("dynamodb:PutItem", "journal", identities),
		allow("sns:Publish", "topic", sender),
		allow("kms:*", "?ey"),
		map[string]any{"Effect": "Deny", "Action": "kms:Delete*", "Resource": "*"},
	)
	with := func(key string, values ...string) map[string][]string { return map[string][]string{key: values} }
	for name, c := range map[string]struct {
		Request
		want bool
	}{
		"an action on its resource":                           {Request{Action: "sqs:SendMessage", Resource: "arn:aws:sqs:eu-west-1:1:q"}, true},
		"an action in other letters":                          {Request{Action: "SQS:sendmessage", Resource: "arn:aws:sqs:eu-west-1:1:q"}, true},
		"no longer name":                                      {Request{Action: "sqs:SendMessage", Resource: "arn:aws:sqs:eu-west-1:1:q2"}, false},
		"no other action":                                     {Request{Action: "sqs:SendMessageBatch", Resource: "arn:aws:sqs:eu-west-1:1:q"}, false},
		"a resource without star, not what is below it":       {Request{Action: "apigateway:GET", Resource: "arn:aws:apigateway:eu-west-1::/apikeys/1"}, false},
		"a star matches slashes":                              {Request{Action: "apigateway:GET", Resource: "arn:aws:apigateway:eu-west-1::/usageplans/1/keys"}, true},
		"leading keys that all match":                         {Request{"dynamodb:PutItem", "journal", with("dynamodb:LeadingKeys", "identity#1", "identity#2")}, true},
		"no leading keys of which one does not match":         {Request{"dynamodb:PutItem", "journal", with("dynamodb:LeadingKeys", "identity#1", "account/2")}, false},
		"a request without the key, under ForAllValues":       {Request{Action: "dynamodb:PutItem", Resource: "journal"}, true},
		"one of several sources":                              {Request{"sns:Publish", "topic", with("aws:SourceArn", "arn:aws:sns:eu-west-1:1:b2")}, true},
		"no other source":                                     {Request{"sns:Publish", "topic", with("aws:SourceArn", "arn:aws:sns:eu-west-1:2:a")}, false},
		"no request without the key, under a common operator": {Request{Action: "sns:Publish", Resource: "topic"}, false},
		"a question mark matches one character":               {Request{Action: "kms:GenerateMac", Resource: "key"}, true},
		"a question mark does not match none":                 {Request{Action: "kms:GenerateMac", Resource: "ey"}, false},
		"nothing that another statement denies":               {Request{Action: "kms:DeleteAlias", Resource: "key"}, false},
		"a star at the end of an action matches nothing, too": {Request{Action: "kms:", Resource: "key"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := p.Allows(c.Request); got != c.want {
				t.Errorf("%s: %v", c.Request, got)
			}
		})
	}
}

func TestSpareNamesWhatNoRequestNeeds(t *testing.T) {
	t.Parallel()
	p := parse(t, allow([]any{"a:Get", "a:Put"}, []any{"one", "two/*", "two/three"}))
	got := p.Spare([]Request{{Action: "a:Get", Resource: "one"}, {Action: "a:Get", Resource: "two/2"}, {Action: "a:Get", Resource: "two/three"}, {Action: "a:Put", Resource: "one"}})
	if want := []string{"a:Get on two/three", "a:Put on two/*", "a:Put on two/three"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAPolicyThatCannotBeEvaluatedIsAnError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statement any
		want      string
	}{
		"NotAction":                   {map[string]any{"Effect": "Allow", "NotAction": "a:*", "Resource": "*"}, "NotAction"},
		"an unknown operator":         {allow("a:b", "*", map[string]any{"IpAddress": map[string]any{"aws:SourceIp": "10.0.0.0/8"}}), "IpAddress"},
		"an unknown effect":           {map[string]any{"Effect": "allow", "Action": "a:b", "Resource": "*"}, "effect"},
		"a statement without actions": {map[string]any{"Effect": "Allow", "Resource": "*"}, "no action"},
		"a number as resource":        {allow("a:b", 7.0), "must be a text"},
		"a list as statement":         {[]any{}, "must be a map"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(map[string]any{"Version": "2012-10-17", "Statement": []any{c.statement}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v", err)
			}
		})
	}
	if _, err := Parse(map[string]any{"Version": "2008-10-17"}); err == nil {
		t.Error("an old version is accepted")
	}
}
