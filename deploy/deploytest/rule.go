package deploytest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

// rule gives the rule a name of its own, as CloudFormation does.
func (m *maker) rule(properties map[string]any) made {
	client, ctx := eventbridge.NewFromConfig(m.cfg), m.t.Context()
	in := eventbridge.PutRuleInput{Name: aws.String(m.generatedName())}
	pattern := m.json(properties["EventPattern"])
	in.EventPattern = &pattern
	delete(properties, "EventPattern")
	var targets eventbridge.PutTargetsInput
	m.take(properties, "Targets", &targets.Targets)
	m.decode(properties, &in)
	out, err := client.PutRule(ctx, &in)
	m.ok(err)
	targets.Rule = in.Name
	put, err := client.PutTargets(ctx, &targets)
	m.ok(err)
	if put.FailedEntryCount > 0 {
		m.t.Fatalf("targets of the rule are refused: %v", put.FailedEntries)
	}
	return made{*in.Name, map[string]string{"Arn": aws.ToString(out.RuleArn)}}
}
