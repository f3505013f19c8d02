package cloudformation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// maker creates, changes and deletes one resource.
type maker struct {
	cfg             aws.Config
	env             wire.Env
	ctx             context.Context
	stack, resource string
}

// kind is how resources of a type are handled. A resource's id is what Ref is for it. create also
// returns an id if it failed after the resource was made.
type kind struct {
	create func(m maker, properties map[string]any) (id string, attributes map[string]string, err error)
	// change gets the properties that the resource must have, and those that it has.
	change func(m maker, id string, properties, before map[string]any) error
	// remove succeeds if there is no such resource.
	remove func(m maker, id string, properties map[string]any) error
}

var kinds = map[string]kind{
	"AWS::DynamoDB::Table":   {maker.table, maker.changeTable, maker.removeTable},
	"AWS::SQS::Queue":        {maker.queue, maker.changeQueue, maker.removeQueue},
	"AWS::SQS::QueuePolicy":  {maker.queuePolicy, maker.changeQueuePolicy, maker.removeQueuePolicy},
	"AWS::SNS::Topic":        {maker.topic, maker.changeTopic, maker.removeTopic},
	"AWS::SNS::TopicPolicy":  {maker.topicPolicy, maker.changeTopicPolicy, maker.removeTopicPolicy},
	"AWS::SNS::Subscription": {maker.subscription, maker.changeSubscription, maker.removeSubscription},
	"AWS::KMS::Key":          {maker.key, maker.changeKey, maker.removeKey},
	"AWS::KMS::Alias":        {maker.alias, maker.changeAlias, maker.removeAlias},
	"AWS::Events::Rule":      {maker.rule, maker.changeRule, maker.removeRule},

	"AWS::ApiGateway::RestApi":    {maker.restAPI, maker.changeRestAPI, maker.removeRestAPI},
	"AWS::ApiGateway::Deployment": {maker.deployment, maker.changeNothing, maker.removeDeployment},
	"AWS::ApiGateway::Stage":      {maker.stage, maker.changeStage, maker.removeStage},
	"AWS::ApiGateway::UsagePlan":  {maker.usagePlan, maker.changeUsagePlan, maker.removeUsagePlan},

	"AWS::ApiGatewayV2::DomainName": {maker.hostName, maker.changeNothing, maker.removeHostName},

	"AWS::Cognito::UserPool":       {maker.pool, maker.changePool, maker.removePool},
	"AWS::Cognito::UserPoolClient": {maker.client, maker.changeClient, maker.removeClient},
	"AWS::Cognito::UserPoolDomain": {maker.domain, maker.changeNothing, maker.removeDomain},
	"AWS::Cognito::UserPoolGroup":  {maker.group, maker.changeGroup, maker.removeGroup},
	"AWS::Cognito::UserPoolUser":   {maker.user, maker.changeNothing, maker.removeUser},

	"AWS::Cognito::UserPoolUserToGroupAttachment": {maker.member, maker.changeNothing, maker.removeMember},
}

func knownType(name string) bool {
	_, real := kinds[name]
	return real || recordedType(name)
}

func (m maker) make(r resource) (id string, attributes map[string]string, err error) {
	if k, ok := kinds[r.Type]; ok {
		return k.create(m, maps.Clone(r.Properties))
	}
	id, attributes = m.record(r)
	return id, attributes, nil
}

func (m maker) change(r resource, before map[string]any) error {
	if k, ok := kinds[r.Type]; ok {
		return k.change(m, r.PhysicalID, maps.Clone(r.Properties), before)
	}
	return nil
}

func (m maker) unmake(r resource) error {
	if k, ok := kinds[r.Type]; ok && r.PhysicalID != "" {
		return k.remove(m, r.PhysicalID, r.Properties)
	}
	return nil
}

func (maker) changeNothing(string, map[string]any, map[string]any) error { return nil }

// generatedName is a name for a resource whose properties give none.
func (m maker) generatedName() string {
	return fmt.Sprintf("%s-%s-%s", m.stack, m.resource, strings.ToUpper(wire.NewID(12)))
}

// take removes a property and decodes it into a value.
func take(properties map[string]any, name string, into any) (given bool, err error) {
	value, given := properties[name]
	delete(properties, name)
	if given {
		err = decode(value, into)
	}
	return given, err
}

// decode decodes properties into an input of the SDK, whose members have the names that
// CloudFormation gives them. It refuses others. Numbers and switches may be texts, as in parameters.
func decode(properties, into any) error {
	text, err := json.Marshal(properties)
	if err != nil {
		return fmt.Errorf("encoding properties: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("Properties validation failed: %w", err)
	}
	return nil
}

func document(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}

// reason is an error as CloudFormation shows it in events.
func reason(err error) string {
	var named smithy.APIError
	if !errors.As(err, &named) {
		return err.Error()
	}
	call := (*smithy.OperationError)(nil)
	service := ""
	if errors.As(err, &call) {
		service = call.ServiceID
	}
	return fmt.Sprintf("%s (Service: %s, Status Code: 400)", named.ErrorMessage(), service)
}

// coded reports whether the error has one of the codes.
func coded(err error, codes ...string) bool {
	var named smithy.APIError
	if !errors.As(err, &named) {
		return false
	}
	for _, code := range codes {
		if strings.Contains(named.ErrorCode(), code) {
			return true
		}
	}
	return false
}

func unlessMissing(err error, codes ...string) error {
	if coded(err, codes...) {
		return nil
	}
	return err
}

// exists is the error for a resource that another stack or program has made.
func (m maker) exists(what string) error {
	return fmt.Errorf("%s already exists", what)
}

func texts(properties map[string]any) map[string]string {
	all := map[string]string{}
	for name, value := range properties {
		all[name] = scalar(value)
	}
	return all
}

func scalar(value any) string {
	switch v := value.(type) {
	case map[string]any, []any:
		return document(v)
	case float64:
		return fmt.Sprint(int(v))
	}
	return fmt.Sprint(value)
}
