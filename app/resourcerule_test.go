package app

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/gatehouse-portal/gatehouse/trail"
)

// trailRules are faults of the rule for changes in API Gateway, and of its queue.
func trailRules(one injure, denied forbid, names Names) {
	bus := func(h *testInstallation) *eventbridge.Client { return eventbridge.NewFromConfig(h.AWS) }
	put := func(t *testing.T, h *testInstallation, pattern string) {
		t.Helper()
		_, err := bus(h).PutRule(t.Context(), &eventbridge.PutRuleInput{Name: &names.Trail, EventPattern: &pattern})
		ok(t, err)
	}
	target := func(t *testing.T, h *testInstallation, queue string) {
		t.Helper()
		arn := "arn:aws:sqs:us-east-1:000000000000:" + queue
		_, err := bus(h).PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: &names.Trail, Targets: []types.Target{{Id: aws.String("queue"), Arn: &arn}}})
		ok(t, err)
	}
	one("the rule was deleted", trailRuleName, "It does not exist.", runSetup, func(t *testing.T, h *testInstallation) {
		_, err := bus(h).RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: &names.Trail, Ids: []string{"queue"}})
		ok(t, err)
		_, err = bus(h).DeleteRule(t.Context(), &eventbridge.DeleteRuleInput{Name: &names.Trail})
		ok(t, err)
	})
	one("the rule is disabled", trailRuleName, "It is disabled, so no event arrives.", runSetup, func(t *testing.T, h *testInstallation) {
		_, err := bus(h).DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: &names.Trail})
		ok(t, err)
	})
	one("the rule is for another service", trailRuleName, "Its pattern does not match AWS API Call via CloudTrail of aws.apigateway.", runSetup, func(t *testing.T, h *testInstallation) {
		put(t, h, `{"source":["aws.s3"]}`)
	})
	one("the rule leaves out a call", trailRuleName, "Its pattern does not match: DeleteApiKey.", runSetup, func(t *testing.T, h *testInstallation) {
		put(t, h, strings.Replace(trail.Pattern(""), `"DeleteApiKey",`, "", 1))
	})
	one("the rule has another condition", trailRuleName, "Its pattern has a condition on errorCode.", runSetup, func(t *testing.T, h *testInstallation) {
		put(t, h, strings.Replace(trail.Pattern(""), `"detail":{`, `"detail":{"errorCode":["x"],`, 1))
	})
	one("the rule sends elsewhere", trailRuleName, "It does not send to the queue gatehouse-trail.", runSetup, func(t *testing.T, h *testInstallation) { target(t, h, "elsewhere") })
	one("the rule's target has no dead-letter queue", trailRuleName, "Its target has no dead-letter queue", runSetup, func(t *testing.T, h *testInstallation) { target(t, h, names.Trail) })
	for _, queue := range []string{names.Trail, DeadLetterQueue(names.Trail)} {
		one("the rule may not send to "+queue, "queue "+queue, "does not let the rule gatehouse-trail of the event bus in", runSetup, func(t *testing.T, h *testInstallation) {
			h.setQueue(t, queue, queuePolicy, "")
		})
	}
	denied("DescribeRule", "events:DescribeRule", trailRuleName)
	denied("ListTargetsByRule", "events:ListTargetsByRule", trailRuleName)
}

func TestSetUpLeavesAPatternThatLeavesOutTheWorkersAlone(t *testing.T) {
	t.Parallel()
	h := healthy(t)
	pattern := trail.Pattern("gatehouse-lambda-WorkerRole-")
	bus := eventbridge.NewFromConfig(h.AWS)
	_, err := bus.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: &h.names.Trail, EventPattern: &pattern})
	ok(t, err)
	ok(t, SetupWith(t.Context(), h.AWS, h.Config, SetupOptions{Changed: func(c Change) { t.Errorf("set-up changed %+v", c) }}))
	is, err := bus.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: &h.names.Trail})
	ok(t, err)
	if got := aws.ToString(is.EventPattern); got != pattern {
		t.Errorf("the pattern is %s", got)
	}
}

func TestWithoutTheSettingTheDoctorSaysSo(t *testing.T) {
	t.Parallel()
	p := testProcess(t)
	ok(t, Setup(t.Context(), p.AWS, p.Config))
	for _, check := range Examine(t.Context(), p) {
		if check.What == trailRuleName {
			if check.Problem != "" || !strings.Contains(check.Note, "GATEHOUSE_TRAIL is off") {
				t.Errorf("got %+v", check)
			}
			return
		}
	}
	t.Error("the doctor says nothing of changes by hand")
}

// EventBridge allows patterns of 2,048 characters by default.
func TestThePatternIsShortEnough(t *testing.T) {
	t.Parallel()
	if n := len(trail.Pattern(strings.Repeat("r", 64))); n > 2048 || !json.Valid([]byte(trail.Pattern(""))) {
		t.Errorf("it has %d characters", n)
	}
}
