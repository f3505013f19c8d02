package traces

// Names of attributes in OpenTelemetry's semantic conventions 1.43.
const (
	ErrorType = "error.type"

	HTTPMethod = "http.request.method"
	HTTPRoute  = "http.route"
	HTTPStatus = "http.response.status_code"

	MessagingSystem        = "messaging.system"
	MessagingOperation     = "messaging.operation.name"
	MessagingOperationType = "messaging.operation.type"
	MessagingDestination   = "messaging.destination.name"
	MessagingCount         = "messaging.batch.message_count"
	MessageID              = "messaging.message.id"

	RPCSystem      = "rpc.system.name"
	RPCMethod      = "rpc.method"
	CloudRegion    = "cloud.region"
	AWSRequestID   = "aws.request_id"
	DynamoDBTables = "aws.dynamodb.table_names"
)

// Names of Gatehouse's own attributes.
const (
	ConsumerName = "gatehouse.consumer"
	// Outcome is the result of handling a message, or of waiting for a token.
	Outcome     = "gatehouse.outcome"
	EventID     = "gatehouse.event.id"
	EventType   = "gatehouse.event.type"
	Subject     = "gatehouse.subject"
	OperationID = "gatehouse.operation_id"
	// Deliveries counts how often SQS has delivered the message.
	Deliveries = "gatehouse.deliveries"
	// Facts counts appended or shown facts, and Rows written rows.
	Facts   = "gatehouse.facts"
	Rows    = "gatehouse.rows"
	Urgency = "gatehouse.urgency"
)
