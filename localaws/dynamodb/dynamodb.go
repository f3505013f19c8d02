// Package dynamodb is a local Amazon DynamoDB: tables, items, the whole expression
// language, and transactions, as strict as AWS's. It refuses secondary indexes, streams,
// and the older parameters without expressions (Expected, KeyConditions, …).
//
// A table's items are in one bucket in key order, partition key first, so a Query walks a
// range of bytes; see keys.go. Every write is an action (action.go).
//
// Rules and texts come from the API Reference and the Developer Guide, otherwise from
// observed responses of AWS.
package dynamodb

import (
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Service implements DynamoDB's operations.
type Service struct {
	env         wire.Env
	expressions *expressionCache
	tables      *tableCache
	sweeping    sweeping
}

// New returns the service.
func New(env wire.Env) *Service {
	return &Service{env: env, expressions: newExpressionCache(), tables: newTableCache()}
}

// JSON returns the service's wire protocol.
func (s *Service) JSON() wire.JSONService {
	return wire.JSONService{
		Target:  "DynamoDB_20120810",
		Shape:   "com.amazonaws.dynamodb.v20120810",
		MaxBody: 16 << 20,
		Operations: map[string]wire.Operation{
			"CreateTable":               wire.Op(s.createTable),
			"DescribeTable":             s.swept(wire.Op(s.describeTable)),
			"UpdateTable":               wire.Op(s.updateTable),
			"DeleteTable":               wire.Op(s.deleteTable),
			"ListTables":                wire.Op(s.listTables),
			"UpdateTimeToLive":          wire.Op(s.updateTimeToLive),
			"DescribeTimeToLive":        wire.Op(s.describeTimeToLive),
			"DescribeContinuousBackups": wire.Op(s.describeContinuousBackups),
			"UpdateContinuousBackups":   wire.Op(s.updateContinuousBackups),
			"TagResource":               wire.Op(s.tagResource),
			"UntagResource":             wire.Op(s.untagResource),
			"ListTagsOfResource":        wire.Op(s.listTagsOfResource),
			"PutItem":                   s.swept(wire.Op(s.putItem)),
			"GetItem":                   s.swept(wire.Op(s.getItem)),
			"UpdateItem":                s.swept(wire.Op(s.updateItem)),
			"DeleteItem":                s.swept(wire.Op(s.deleteItem)),
			"Query":                     s.swept(wire.Op(s.query)),
			"Scan":                      s.swept(wire.Op(s.scan)),
			"BatchGetItem":              s.swept(wire.Op(s.batchGetItem)),
			"BatchWriteItem":            s.swept(wire.Op(s.batchWriteItem)),
			"TransactGetItems":          s.swept(wire.Op(s.transactGetItems)),
			"TransactWriteItems":        s.swept(wire.Op(s.transactWriteItems)),
		},
	}
}
