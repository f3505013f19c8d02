package faults_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/marketplaceagreement"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

func TestALostCallHasTakenEffect(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.createQueue("q", nil)
	l.createTable("items")
	topics, gateway := sns.NewFromConfig(l.cfg), apigateway.NewFromConfig(l.cfg)
	l.suffer("sqs.SendMessage:lost; dynamodb.PutItem:lost; sns.CreateTopic:lost; apigateway.CreateApiKey:lost,times=1")
	key := &apigateway.CreateApiKeyInput{Name: aws.String("key"), Value: aws.String("ValueOfTheOnlyKeyThatThereIs")}
	_, err := gateway.CreateApiKey(t.Context(), key)
	wantUnanswered(t, err)
	_, err = gateway.CreateApiKey(t.Context(), key)
	wantCode(t, err, "ConflictException")
	wantUnanswered(t, l.send(q, "m"))
	wantUnanswered(t, l.put(t.Context(), "items", "k"))
	_, err = topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("topic")})
	wantUnanswered(t, err)
	if got := bodies(l.receive(q)); !cmp.Equal(got, []string{"m"}) {
		t.Errorf("the queue holds %v, want m", got)
	}
	if !l.has("items", "k") {
		t.Error("the table does not hold the item")
	}
	list, err := topics.ListTopics(t.Context(), &sns.ListTopicsInput{})
	if err != nil || len(list.Topics) != 1 {
		t.Errorf("topics are %v (%v), want one", list, err)
	}
}

func TestADroppedCallHasNoEffect(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.createQueue("q", nil)
	l.createTable("items")
	l.suffer("sqs.SendMessage:drop; dynamodb.PutItem:drop")
	wantUnanswered(t, l.send(q, "m"))
	wantUnanswered(t, l.put(t.Context(), "items", "k"))
	if got := l.receive(q); len(got) > 0 {
		t.Errorf("the queue holds %v", bodies(got))
	}
	if l.has("items", "k") {
		t.Error("the table holds the item")
	}
}

func TestTheSDKRetriesALostCallThatTookEffect(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.createTable("items")
	l.suffer("dynamodb.PutItem:lost,times=1")
	l.table = dynamodb.NewFromConfig(l.AWSConfig())
	wantCode(t, l.put(t.Context(), "items", "k"), "ConditionalCheckFailedException")
	if n := l.Counts().Of("dynamodb", "PutItem"); n.Requests != 2 || n.Faults[faults.Lost] != 1 {
		t.Errorf("counted %+v, want 2 requests, 1 lost", n)
	}
}

func TestALateCallTakesEffectAfterTheClientDisconnected(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.createTable("items")
	q := l.createQueue("q", nil)
	topics := sns.NewFromConfig(l.cfg)
	l.suffer("dynamodb.PutItem:late=200ms; sqs.SendMessage:late=50ms; sns.CreateTopic:late=50ms")
	wantUnanswered(t, l.put(t.Context(), "items", "k"))
	_, err := topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("topic")})
	wantUnanswered(t, err)
	wantUnanswered(t, l.send(q, "m"))
	if l.has("items", "k") {
		t.Error("the item was written too early")
	}
	eventually(t, "the item was written", func() bool { return l.has("items", "k") })
	eventually(t, "the message is there", func() bool { return len(l.receive(q)) == 1 })
	eventually(t, "the topic is there", func() bool {
		list, err := topics.ListTopics(t.Context(), &sns.ListTopicsInput{})
		return err == nil && len(list.Topics) == 1
	})
}

func TestALateCallCanExceedTheClientsTimeout(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.createTable("items")
	l.suffer("dynamodb.PutItem:late=100ms,latency=1h")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := l.put(ctx, "items", "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v, want a timeout", err)
	}
	eventually(t, "the item was written", func() bool { return l.has("items", "k") })
}

func TestASlowCallWhoseClientGivesUpHasNoEffect(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.createTable("items")
	l.suffer("dynamodb.PutItem:latency=1h")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := l.put(ctx, "items", "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v, want a timeout", err)
	}
	l.suffer("")
	if l.has("items", "k") {
		t.Error("the item was written")
	}
}

func TestLatencyDelaysTheAnswer(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.createQueue("q", nil)
	l.suffer("sqs:latency=30ms-40ms; *:latency=30ms")
	before := time.Now()
	l.mustSend(q, "m")
	if took := time.Since(before); took < 60*time.Millisecond {
		t.Errorf("it took %s, want 60 ms or more", took)
	}
}

func TestClosingDoesNotWaitForSlowOrLateCalls(t *testing.T) {
	t.Parallel()
	l := start(t)
	l.createTable("items")
	l.suffer("dynamodb.PutItem:late=1h,latency=1h; dynamodb.DescribeTable:latency=1h")
	done := make(chan error, 2)
	go func() { done <- l.put(context.Background(), "items", "k") }()
	go func() {
		_, err := l.table.DescribeTable(context.Background(), &dynamodb.DescribeTableInput{TableName: aws.String("items")})
		done <- err
	}()
	eventually(t, "both calls have arrived", func() bool {
		return l.Counts().Of("dynamodb", "PutItem").Requests == 1 && l.Counts().Of("dynamodb", "DescribeTable").Requests == 1
	})
	// Start closes the server at the end of the test. If that waited, the test would not end.
}

func TestEveryServiceHasItsOwnErrors(t *testing.T) {
	t.Parallel()
	l := start(t)
	ctx := t.Context()
	calls := map[string]func() error{
		"sqs":      func() error { _, err := l.queue.ListQueues(ctx, &sqs.ListQueuesInput{}); return err },
		"sns":      func() error { _, err := sns.NewFromConfig(l.cfg).ListTopics(ctx, &sns.ListTopicsInput{}); return err },
		"dynamodb": func() error { _, err := l.table.ListTables(ctx, &dynamodb.ListTablesInput{}); return err },
		"kms":      func() error { _, err := kms.NewFromConfig(l.cfg).ListKeys(ctx, &kms.ListKeysInput{}); return err },
		"sts": func() error {
			_, err := sts.NewFromConfig(l.cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
			return err
		},
		"cloudformation": func() error {
			_, err := cloudformation.NewFromConfig(l.cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{})
			return err
		},
		"iam": func() error {
			_, err := iam.NewFromConfig(l.cfg).SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{ActionNames: []string{"sqs:SendMessage"}, PolicySourceArn: aws.String("x")})
			return err
		},
		"cognito-idp": func() error {
			_, err := cognitoidentityprovider.NewFromConfig(l.cfg).ListUserPools(ctx, &cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(1)})
			return err
		},
		"apigateway": func() error {
			_, err := apigateway.NewFromConfig(l.cfg).GetApiKeys(ctx, &apigateway.GetApiKeysInput{})
			return err
		},
		"metering": func() error {
			_, err := marketplacemetering.NewFromConfig(l.cfg).ResolveCustomer(ctx, &marketplacemetering.ResolveCustomerInput{RegistrationToken: aws.String("x")})
			return err
		},
		"events": func() error {
			_, err := eventbridge.NewFromConfig(l.cfg).ListRules(ctx, &eventbridge.ListRulesInput{})
			return err
		},
		"agreements": func() error {
			_, err := marketplaceagreement.NewFromConfig(l.cfg).SearchAgreements(ctx, &marketplaceagreement.SearchAgreementsInput{})
			return err
		},
		"s3": func() error {
			_, err := s3.NewFromConfig(l.cfg, func(o *s3.Options) { o.UsePathStyle = true }).ListBuckets(ctx, &s3.ListBucketsInput{})
			return err
		},
	}
	tests := map[string][]string{ // throttling, internal, unavailable
		"sqs":            {"RequestThrottled", "InternalError", "ServiceUnavailable"},
		"sns":            {"Throttling", "InternalError", "ServiceUnavailable"},
		"dynamodb":       {"ProvisionedThroughputExceededException", "InternalServerError", "ServiceUnavailable"},
		"kms":            {"ThrottlingException", "KMSInternalException", "ServiceUnavailable"},
		"sts":            {"Throttling", "InternalFailure", "ServiceUnavailable"},
		"cloudformation": {"Throttling", "InternalFailure", "ServiceUnavailable"},
		"iam":            {"Throttling", "ServiceFailure", "ServiceUnavailable"},
		"cognito-idp":    {"TooManyRequestsException", "InternalErrorException", "ServiceUnavailable"},
		"apigateway":     {"TooManyRequestsException", "InternalFailure", "ServiceUnavailableException"},
		"metering":       {"ThrottlingException", "InternalServiceErrorException", "ServiceUnavailable"},
		"events":         {"ThrottlingException", "InternalException", "ServiceUnavailable"},
		"agreements":     {"ThrottlingException", "InternalServerException", "ServiceUnavailable"},
		"s3":             {"SlowDown", "InternalError", "ServiceUnavailable"},
	}
	for service, codes := range tests {
		for i, name := range []string{faults.Throttling, faults.Internal, faults.Unavailable} {
			l.suffer(service + ":error=" + name)
			err := calls[service]()
			wantCode(t, err, codes[i])
			var answered *awshttp.ResponseError
			if errors.As(err, &answered) && (answered.HTTPStatusCode() >= 500) != (name != faults.Throttling || service == "s3") {
				t.Errorf("%s of %s has status %d", name, service, answered.HTTPStatusCode())
			}
		}
	}
}

func TestARefusedCallHasNoEffectAndTheSDKRetriesIt(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.createQueue("q", nil)
	l.suffer("sqs.SendMessage:error=throttling,times=1; sqs.SendMessage:error=internal,times=1")
	l.queue = sqs.NewFromConfig(l.AWSConfig())
	l.mustSend(q, "m")
	if n := l.Counts().Of("sqs", "SendMessage").Requests; n != 3 {
		t.Errorf("%d requests, want 3", n)
	}
	if got := l.receive(q); len(got) != 1 {
		t.Errorf("the queue holds %v, want one message", bodies(got))
	}
}

func TestAServiceThatIsDownAnswersNoCallAndTheOthersAreUp(t *testing.T) {
	t.Parallel()
	l := start(t)
	q := l.createQueue("q", nil)
	l.suffer("sqs.SendMessage:lost; sqs:down; cognito-idp:down; execute-api:down")
	wantCode(t, l.send(q, "m"), "ServiceUnavailable")
	_, err := l.queue.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q})
	wantCode(t, err, "ServiceUnavailable")
	for _, path := range []string{"/oauth2/token", "/us-east-1_x/.well-known/jwks.json", "/restapis/a/s/_user_request_/p"} {
		res, err := http.Get(l.Endpoint() + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s answers %s, want 503", path, res.Status)
		}
	}
	l.createTable("items")
	l.suffer("")
	if got := l.receive(q); len(got) > 0 {
		t.Errorf("the queue holds %v: a refused call took effect", bodies(got))
	}
}
