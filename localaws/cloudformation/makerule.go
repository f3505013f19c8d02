package cloudformation

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

func (m maker) rules() *eventbridge.Client { return eventbridge.NewFromConfig(m.cfg) }

func (m maker) rule(properties map[string]any) (string, map[string]string, error) {
	name := m.generatedName()
	if _, err := take(properties, "Name", &name); err != nil {
		return "", nil, err
	}
	arn, err := m.putRule(name, properties)
	if err != nil {
		return "", nil, err
	}
	return name, map[string]string{"Arn": arn}, nil
}

func (m maker) putRule(name string, properties map[string]any) (arn string, err error) {
	in := eventbridge.PutRuleInput{EventPattern: aws.String(document(properties["EventPattern"]))}
	delete(properties, "EventPattern")
	targets := eventbridge.PutTargetsInput{Rule: &name}
	if _, err := take(properties, "Targets", &targets.Targets); err != nil {
		return "", err
	}
	if err := decode(properties, &in); err != nil {
		return "", err
	}
	in.Name = &name
	out, err := m.rules().PutRule(m.ctx, &in)
	if err != nil {
		return "", err
	}
	put, err := m.rules().PutTargets(m.ctx, &targets)
	if err != nil {
		return "", err
	}
	if put.FailedEntryCount > 0 {
		return "", fmt.Errorf("targets of the rule are refused: %s", aws.ToString(put.FailedEntries[0].ErrorMessage))
	}
	return aws.ToString(out.RuleArn), nil
}

func (m maker) changeRule(id string, want, _ map[string]any) error {
	delete(want, "Name")
	_, err := m.putRule(id, want)
	return err
}

func (m maker) removeRule(id string, _ map[string]any) error {
	list, err := m.rules().ListTargetsByRule(m.ctx, &eventbridge.ListTargetsByRuleInput{Rule: &id})
	if err != nil {
		return unlessMissing(err, "ResourceNotFound")
	}
	remove := eventbridge.RemoveTargetsInput{Rule: &id}
	for _, target := range list.Targets {
		remove.Ids = append(remove.Ids, aws.ToString(target.Id))
	}
	if len(remove.Ids) > 0 {
		if _, err := m.rules().RemoveTargets(m.ctx, &remove); err != nil {
			return err
		}
	}
	_, err = m.rules().DeleteRule(m.ctx, &eventbridge.DeleteRuleInput{Name: &id})
	return err
}
