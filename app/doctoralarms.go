package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/alarms"
)

// alarmsOf says which alarms are raised, and which of them workers could not tell operators of. A raised
// alarm is no fault of this check: others examine its cause.
func alarmsOf(e estate, p Process) resource {
	const advice = "Run `gatehouse alarms test`, and read docs/alarms.md."
	return resource{what: "alarms for operators", inspect: func(ctx context.Context) (finding, error) {
		rows, err := alarms.NewStore(e.dynamodb, e.names.Records).All(ctx)
		var noTable *ddbtypes.ResourceNotFoundException
		if errors.As(err, &noTable) {
			return finding{}, blocked("the table " + e.names.Records + " does not exist")
		}
		if err != nil {
			return finding{}, err
		}
		found := finding{note: "told by " + strings.Join(p.Config.operatorsChannelNames(), " and ")}
		if !p.Config.tellsOperators() {
			found.note = "no channel is configured here"
		}
		var raised []string
		for _, row := range rows {
			if row.IsRaised() {
				raised = append(raised, string(row.Alarm))
			}
			for _, channel := range slices.Sorted(maps.Keys(row.Told)) {
				if told := row.Told[channel]; told.Error != "" {
					found.faults = append(found.faults, fault{says: fmt.Sprintf("Workers could not tell the %s of %s, after %d tries: %s.", channel, row.Alarm, told.Tries, strings.TrimSuffix(told.Error, ".")), advice: advice})
				}
			}
		}
		if len(raised) > 0 {
			found.note += "; raised: " + strings.Join(raised, ", ")
		}
		return found, nil
	}}
}

// operatorsChannelNames names the configured channels.
func (c Config) operatorsChannelNames() (all []string) {
	if c.OperatorsTopic != "" {
		all = append(all, alarms.TopicName)
	}
	if c.OperatorsWebhook != "" {
		all = append(all, alarms.WebhookName)
	}
	return all
}
