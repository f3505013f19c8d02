package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

// post sends a body that the SDK might not send.
func post(t *testing.T, srv *localaws.Server, operation, body string) (status int, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.Endpoint(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

// Each of these was observed on AWS.
func TestUndocumentedErrorsOfAWSAreImitated(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t)
	c := client(srv)
	newTable(t, c, "tab", "pk:S", "sk:S")
	const key, arn = `"Key":{"pk":{"S":"a"},"sk":{"S":"b"}}`, "arn:aws:dynamodb:us-east-1:000000000000:table/tab"
	condition := func(text, values string) string {
		return `{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"S":"b"}},"ConditionExpression":"` + text + `","ExpressionAttributeValues":{` + values + `}}`
	}
	for name, call := range map[string]struct{ operation, body, code, text string }{
		"an empty attribute name":                      {"PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"S":"b"},"":{"S":"c"}}}`, "ValidationException", "name must not be empty"},
		"an empty key in a transaction":                {"TransactWriteItems", `{"TransactItems":[{"Put":{"TableName":"tab","Item":{"pk":{"S":""},"sk":{"S":"b"}}}}]}`, "ValidationException", "empty string value. Key: pk"},
		"an empty sort key in a transaction":           {"TransactWriteItems", `{"TransactItems":[{"Delete":{"TableName":"tab","Key":{"pk":{"S":"a"},"sk":{"S":""}}}}]}`, "ValidationException", "empty string value. Key: sk"},
		"the size of a size":                           {"PutItem", condition("size(size(a)) = :n", `":n":{"N":"1"}`), "ValidationException", "function: size, operand type: N"},
		"begins_with of a size":                        {"PutItem", condition("begins_with(size(a), :s)", `":s":{"S":"1"}`), "ValidationException", "function: begins_with, operand type: N"},
		"a condition on a path into a key":             {"PutItem", condition("pk.a = :s", `":s":{"S":"1"}`), "ValidationException", "Key attributes must be scalars"},
		"a projection of a path into a key":            {"GetItem", `{"TableName":"tab",` + key + `,"ProjectionExpression":"sk[0]"}`, "ValidationException", "Key attributes must be scalars"},
		"a scan's projection of a path into a key":     {"Scan", `{"TableName":"tab","ProjectionExpression":"pk.a"}`, "ValidationException", "Key attributes must be scalars"},
		"an update that reads a path into a key":       {"UpdateItem", `{"TableName":"tab",` + key + `,"UpdateExpression":"SET a = pk.b"}`, "ValidationException", "Key attributes must be scalars"},
		"more than 300 operators":                      {"PutItem", condition(strings.Repeat("a=:n or ", 151)+"a=:n", `":n":{"N":"1"}`), "ValidationException", "too many operators; operator count: 303"},
		"a start without its sort key":                 {"Scan", `{"TableName":"tab","ExclusiveStartKey":{"pk":{"S":"a"}}}`, "ValidationException", "starting key is invalid"},
		"a query's start without its sort key":         {"Query", `{"TableName":"tab","ExclusiveStartKey":{"pk":{"S":"a"}},"KeyConditionExpression":"pk = :a","ExpressionAttributeValues":{":a":{"S":"a"}}}`, "ValidationException", "starting key is invalid"},
		"a tag without a value":                        {"TagResource", `{"ResourceArn":"` + arn + `","Tags":[{"Key":"a"}]}`, "ValidationException", "tags.1.member.value"},
		"a body that is null":                          {"ListTables", `null`, "SerializationException", "must be a JSON object"},
		"a NULL that is a string":                      {"PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"},"sk":{"S":"b"},"c":{"NULL":"no"}}}`, "ValidationException", "Null attribute value types must have the value of true"},
		"a batch that reads an item twice":             {"BatchGetItem", `{"RequestItems":{"missing":{"Keys":[{"pk":{"N":"1"}},{"pk":{"N":"1.0"}}]}}}`, "ValidationException", "contains duplicates"},
		"three key conditions":                         {"Query", `{"TableName":"missing","KeyConditionExpression":"a = :a AND b = :a AND c = :a","ExpressionAttributeValues":{":a":{"S":"a"}}}`, "ValidationException", "length 1 or 2 only"},
		"a batch that puts an item without a sort key": {"BatchWriteItem", `{"RequestItems":{"tab":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}}]}}`, "ValidationException", "The provided key element does not match the schema"},
		"backups of a missing table":                   {"DescribeContinuousBackups", `{"TableName":"missing"}`, "TableNotFoundException", "Table not found: missing"},
		"recovery of a missing table":                  {"UpdateContinuousBackups", `{"TableName":"missing","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true}}`, "TableNotFoundException", "Table not found: missing"},
		"recovery over more than 35 days":              {"UpdateContinuousBackups", `{"TableName":"tab","PointInTimeRecoverySpecification":{"PointInTimeRecoveryEnabled":true,"RecoveryPeriodInDays":36}}`, "ValidationException", "recoveryPeriodInDays"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, answer := post(t, srv, call.operation, call.body)
			if status != http.StatusBadRequest || !strings.Contains(answer, "#"+call.code+`"`) || !strings.Contains(answer, call.text) {
				t.Errorf("answered %d %s, want 400 %s: %s", status, answer, call.code, call.text)
			}
		})
	}
	status, _ := post(t, srv, "PutItem", `{"TableName":"`+strings.Repeat("x", 16<<20)+`"}`)
	if status != http.StatusRequestEntityTooLarge {
		t.Errorf("a request of more than 16 MB is answered %d, want 413", status)
	}
}

// Each of these was observed on AWS.
func TestUndocumentedSuccessesOfAWSAreImitated(t *testing.T) {
	t.Parallel()
	srv := localawstest.Start(t)
	c := client(srv)
	newTable(t, c, "tab", "pk:S")
	for i, expression := range []string{"SET b = pk", "SET b = if_not_exists(b, pk)"} {
		key := fmt.Sprint("k", i)
		status, answer := post(t, srv, "UpdateItem", `{"TableName":"tab","Key":{"pk":{"S":"`+key+`"}},"UpdateExpression":"`+expression+`","ReturnValues":"ALL_NEW"}`)
		if status != http.StatusOK || !strings.Contains(answer, `"b":{"S":"`+key+`"}`) {
			t.Errorf("%s of a missing item answers %d %s, want its key as b", expression, status, answer)
		}
	}
	if status, answer := post(t, srv, "PutItem", `{"TableName":"tab","Item":{"pk":{"S":"a"}},"ConditionExpression":"attribute_type(:v, :t)",
		"ExpressionAttributeValues":{":v":{"N":"1"},":t":{"S":"N"}}}`); status != http.StatusOK {
		t.Errorf("the type of a value answers %d %s", status, answer)
	}
	operators := strings.Repeat("pk=:n or ", 149) + "pk=:n" // NOT is one more
	if status, answer := post(t, srv, "PutItem", `{"TableName":"tab","Item":{"pk":{"S":"b"}},"ConditionExpression":"NOT (`+operators+`)",
		"ExpressionAttributeValues":{":n":{"S":"1"}}}`); status != http.StatusOK {
		t.Errorf("300 operators answer %d %s", status, answer)
	}
	tag, err := json.Marshal(strings.Repeat("é", 128))
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := post(t, srv, "TagResource", `{"ResourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/tab","Tags":[{"Key":`+string(tag)+`,"Value":""}]}`); status != http.StatusOK {
		t.Errorf("a tag key of 128 characters answers %d %s", status, answer)
	}
}

func TestPointInTimeRecoveryIsTurnedOnAndOff(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := client(localawstest.Start(t, func(o *localaws.Options) { o.Now = func() time.Time { return now } }))
	newTable(t, c, "tab", "pk:S")
	set := func(on bool) {
		t.Helper()
		if _, err := c.UpdateContinuousBackups(t.Context(), &dynamodb.UpdateContinuousBackupsInput{
			TableName: aws.String("tab"), PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &on},
		}); err != nil {
			t.Fatal(err)
		}
	}
	described := func() *types.PointInTimeRecoveryDescription {
		t.Helper()
		out, err := c.DescribeContinuousBackups(t.Context(), &dynamodb.DescribeContinuousBackupsInput{TableName: aws.String("tab")})
		if err != nil {
			t.Fatal(err)
		}
		if s := out.ContinuousBackupsDescription.ContinuousBackupsStatus; s != types.ContinuousBackupsStatusEnabled {
			t.Errorf("continuous backups are %s", s)
		}
		return out.ContinuousBackupsDescription.PointInTimeRecoveryDescription
	}
	if d := described(); d.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusDisabled || d.EarliestRestorableDateTime != nil {
		t.Errorf("initially it is %+v, want off", d)
	}
	began := now
	set(true)
	now = now.Add(time.Hour)
	set(true) // this changes nothing
	d := described()
	if d.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled || aws.ToInt32(d.RecoveryPeriodInDays) != 35 ||
		!d.EarliestRestorableDateTime.Equal(began) || !d.LatestRestorableDateTime.Equal(now.Add(-5*time.Minute)) {
		t.Errorf("an hour after it was turned on it is %+v", d)
	}
	now = now.AddDate(0, 0, 100)
	if earliest := described().EarliestRestorableDateTime; !earliest.Equal(now.AddDate(0, 0, -35)) {
		t.Errorf("after 100 days the earliest time is %s", earliest)
	}
	set(false)
	if d := described(); d.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusDisabled {
		t.Errorf("after it was turned off it is %+v", d)
	}
}
