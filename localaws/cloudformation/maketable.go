package cloudformation

import (
	"errors"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

const (
	timeToLive = "TimeToLiveSpecification"
	recovery   = "PointInTimeRecoverySpecification"
	protection = "DeletionProtectionEnabled"
)

func (m maker) tables() *dynamodb.Client { return dynamodb.NewFromConfig(m.cfg) }

func (m maker) table(properties map[string]any) (string, map[string]string, error) {
	own := map[string]any{}
	for _, name := range []string{timeToLive, recovery} {
		if value, given := properties[name]; given {
			own[name] = value
			delete(properties, name)
		}
	}
	var in dynamodb.CreateTableInput
	if err := decode(properties, &in); err != nil {
		return "", nil, err
	}
	if in.TableName == nil {
		in.TableName = aws.String(m.generatedName())
	}
	out, err := m.tables().CreateTable(m.ctx, &in)
	if coded(err, "ResourceInUse") {
		return "", nil, m.exists(*in.TableName)
	}
	if err != nil {
		return "", nil, err
	}
	return *in.TableName, map[string]string{"Arn": aws.ToString(out.TableDescription.TableArn)}, m.tableSettings(*in.TableName, own, nil)
}

// tableSettings sets what CreateTable cannot.
func (m maker) tableSettings(name string, want, have map[string]any) error {
	if value, given := want[timeToLive]; given && !reflect.DeepEqual(value, have[timeToLive]) {
		in := dynamodb.UpdateTimeToLiveInput{TableName: &name, TimeToLiveSpecification: &types.TimeToLiveSpecification{}}
		if err := decode(value, in.TimeToLiveSpecification); err != nil {
			return err
		}
		if _, err := m.tables().UpdateTimeToLive(m.ctx, &in); err != nil {
			return err
		}
	}
	if value, given := want[recovery]; given && !reflect.DeepEqual(value, have[recovery]) {
		in := dynamodb.UpdateContinuousBackupsInput{TableName: &name, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{}}
		if err := decode(value, in.PointInTimeRecoverySpecification); err != nil {
			return err
		}
		if _, err := m.tables().UpdateContinuousBackups(m.ctx, &in); err != nil {
			return err
		}
	}
	return nil
}

func (m maker) changeTable(id string, want, have map[string]any) error {
	for name := range want {
		switch {
		case reflect.DeepEqual(want[name], have[name]), name == timeToLive, name == recovery, name == protection:
		default:
			return errors.New("this local AWS cannot change " + name + " of a table")
		}
	}
	if protected, given := want[protection].(bool); given && !reflect.DeepEqual(want[protection], have[protection]) {
		if _, err := m.tables().UpdateTable(m.ctx, &dynamodb.UpdateTableInput{TableName: &id, DeletionProtectionEnabled: &protected}); err != nil {
			return err
		}
	}
	return m.tableSettings(id, want, have)
}

func (m maker) removeTable(id string, _ map[string]any) error {
	_, err := m.tables().DeleteTable(m.ctx, &dynamodb.DeleteTableInput{TableName: &id})
	return unlessMissing(err, "ResourceNotFound")
}
