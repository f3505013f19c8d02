package dynamodb_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
)

// sortKeys lists the sk of an answer's items, in order.
func sortKeys(items []map[string]types.AttributeValue) string {
	var keys []string
	for _, it := range items {
		keys = append(keys, fmt.Sprint(plain(it)["sk"]))
	}
	return strings.Join(keys, " ")
}

func TestAQuerySelectsARangeOfOnePartitionInOrder(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "texts", "pk:S", "sk:S")
	for _, sk := range []string{"a", "ab", "abc", "b", "ba", "é", "z"} {
		put(t, c, "texts", attributes{"pk": "p", "sk": sk}, attributes{"pk": "p2", "sk": sk}, attributes{"pk": "o", "sk": sk})
	}
	newTable(t, c, "numbers", "pk:N", "sk:N")
	for _, sk := range []string{"-100", "-20.5", "-20", "-0.001", "0", "0.5", "3", "20", "100"} {
		put(t, c, "numbers", attributes{"pk": 1, "sk": num(sk)}, attributes{"pk": 10, "sk": num(sk)}, attributes{"pk": -1, "sk": num(sk)})
	}
	for _, test := range []struct {
		table, condition string
		values           attributes
		want             string
	}{
		{"texts", "pk = :p", attributes{":p": "p"}, "a ab abc b ba z é"},
		{"texts", "pk = :p AND sk = :k", attributes{":p": "p", ":k": "ab"}, "ab"},
		{"texts", "sk < :k AND pk = :p", attributes{":p": "p", ":k": "abc"}, "a ab"},
		{"texts", "pk = :p AND sk <= :k", attributes{":p": "p", ":k": "abc"}, "a ab abc"},
		{"texts", "pk = :p AND sk > :k", attributes{":p": "p", ":k": "b"}, "ba z é"},
		{"texts", "pk = :p AND sk >= :k", attributes{":p": "p", ":k": "b"}, "b ba z é"},
		{"texts", "pk = :p AND :k <= sk", attributes{":p": "p", ":k": "b"}, "b ba z é"},
		{"texts", "pk = :p AND sk BETWEEN :k AND :l", attributes{":p": "p", ":k": "ab", ":l": "b"}, "ab abc b"},
		{"texts", "(pk = :p) AND begins_with(sk, :k)", attributes{":p": "p", ":k": "ab"}, "ab abc"},
		{"texts", "pk = :p AND begins_with(sk, :k)", attributes{":p": "p", ":k": "x"}, ""},
		{"texts", "pk = :p", attributes{":p": "nobody"}, ""},
		{"numbers", "pk = :p", attributes{":p": 1}, "-100 -20.5 -20 -0.001 0 0.5 3 20 100"},
		{"numbers", "pk = :p AND sk < :k", attributes{":p": 1, ":k": 0}, "-100 -20.5 -20 -0.001"},
		{"numbers", "pk = :p AND sk BETWEEN :k AND :l", attributes{":p": num("1.0"), ":k": num("-20.0"), ":l": num("2e1")}, "-20 -0.001 0 0.5 3 20"},
		{"numbers", "pk = :p AND sk > :k", attributes{":p": 1, ":k": num("0.5")}, "3 20 100"},
	} {
		in := &dynamodb.QueryInput{TableName: &test.table, KeyConditionExpression: &test.condition, ExpressionAttributeValues: test.values.wire(), ConsistentRead: aws.Bool(true)}
		out, err := c.Query(t.Context(), in)
		if err != nil {
			t.Errorf("%s: %v", test.condition, err)
			continue
		}
		if got := sortKeys(out.Items); got != test.want {
			t.Errorf("%s: %s, want %s", test.condition, got, test.want)
		}
		in.ScanIndexForward = aws.Bool(false)
		reversed, err := c.Query(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		backwards := strings.Fields(test.want)
		for i, j := 0, len(backwards)-1; i < j; i, j = i+1, j-1 {
			backwards[i], backwards[j] = backwards[j], backwards[i]
		}
		if got := sortKeys(reversed.Items); got != strings.Join(backwards, " ") {
			t.Errorf("%s backwards: %s", test.condition, got)
		}
	}
}

func TestPagesAreCompleteInBothDirections(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S", "sk:N")
	for i := range 7 {
		put(t, c, "items", attributes{"pk": "a", "sk": i}, attributes{"pk": "b", "sk": i})
	}
	for forward, want := range map[bool]string{true: "1 2 3|4 5 6|", false: "6 5 4|3 2 1|"} {
		var got strings.Builder
		pages := dynamodb.NewQueryPaginator(c, &dynamodb.QueryInput{
			TableName: aws.String("items"), Limit: aws.Int32(3), ScanIndexForward: &forward,
			KeyConditionExpression: aws.String("pk = :p AND sk > :k"), ExpressionAttributeValues: attributes{":p": "a", ":k": 0}.wire(),
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got.WriteString(sortKeys(page.Items))
			if page.LastEvaluatedKey != nil {
				got.WriteString("|")
			}
		}
		if got.String() != want {
			t.Errorf("forward %t: %s, want %s", forward, got.String(), want)
		}
	}
	var all []string
	pages := dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{TableName: aws.String("items"), Limit: aws.Int32(4)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sortKeys(page.Items))
	}
	if diff := cmp.Diff([]string{"0 1 2 3", "4 5 6 0", "1 2 3 4", "5 6"}, all); diff != "" {
		t.Error(diff)
	}
}

func TestAPageEndsAtOneMegabyte(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S", "sk:N")
	for i := range 5 {
		put(t, c, "items", attributes{"pk": "a", "sk": i, "x": strings.Repeat("x", 300<<10)})
	}
	out, err := c.Query(t.Context(), &dynamodb.QueryInput{
		TableName: aws.String("items"), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: attributes{":p": "a"}.wire(), Select: "COUNT",
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.Count != 4 || out.Items != nil || plain(out.LastEvaluatedKey)["sk"] != num("3") {
		t.Errorf("count %d, %d items, last key %v; want 4, none, 3", out.Count, len(out.Items), plain(out.LastEvaluatedKey))
	}
}

func TestAFilterAppliesAfterTheLimit(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S", "sk:N")
	for i := range 6 {
		put(t, c, "items", attributes{"pk": "a", "sk": i, "even": i%2 == 0, "m": attributes{"x": i, "y": "y"}})
	}
	out, err := c.Query(t.Context(), &dynamodb.QueryInput{
		TableName: aws.String("items"), Limit: aws.Int32(3), KeyConditionExpression: aws.String("pk = :p"), FilterExpression: aws.String("even = :yes"),
		ProjectionExpression: aws.String("sk, m.x"), ExpressionAttributeValues: attributes{":p": "a", ":yes": true}.wire(),
	})
	if err != nil {
		t.Fatal(err)
	}
	var items []attributes
	for _, it := range out.Items {
		items = append(items, plain(it))
	}
	want := []attributes{{"sk": num("0"), "m": attributes{"x": num("0")}}, {"sk": num("2"), "m": attributes{"x": num("2")}}}
	if diff := cmp.Diff(want, items); diff != "" {
		t.Error(diff)
	}
	if out.Count != 2 || out.ScannedCount != 3 || plain(out.LastEvaluatedKey)["sk"] != num("2") {
		t.Errorf("count %d of %d, last key %v; want 2 of 3, 2", out.Count, out.ScannedCount, plain(out.LastEvaluatedKey))
	}
}

func TestProjectionsSelectParts(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S", "sk:N")
	put(t, c, "items", everything())
	for projection, want := range map[string]attributes{
		"s, absent":                     {"s": "text"},
		"m.k":                           {"m": attributes{"k": "v"}},
		"m.nested, m.k":                 {"m": attributes{"nested": attributes{}, "k": "v"}},
		"l[2], l[0]":                    {"l": list{"x", list{}}},
		"l[7], m.absent, s.x, absent.x": {},
	} {
		out, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("items"), Key: attributes{"pk": "a", "sk": 1}.wire(), ProjectionExpression: &projection})
		if err != nil {
			t.Errorf("%s: %v", projection, err)
			continue
		}
		if diff := cmp.Diff(want, plain(out.Item)); diff != "" {
			t.Errorf("%s: %s", projection, diff)
		}
	}
	for projection, text := range map[string]string{
		"m, m.k":    "Invalid ProjectionExpression: Two document paths overlap with each other",
		"m.k, m[0]": "Two document paths conflict with each other",
		"name":      "reserved keyword: name",
		"s,":        `Syntax error; token: "<EOF>", near: ","`,
		":v":        "Syntax error",
	} {
		_, err := c.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("items"), Key: attributes{"pk": "a", "sk": 1}.wire(), ProjectionExpression: &projection})
		wantError(t, err, "ValidationException", text)
	}
}

func TestQueriesThatAWSRefusesAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S", "sk:N")
	newTable(t, c, "hashed", "pk:S")
	for _, test := range []struct {
		condition string
		values    attributes
		adjust    func(*dynamodb.QueryInput)
		text      string
	}{
		{"pk = :p OR sk = :k", attributes{":p": "a", ":k": 1}, nil, "Invalid operator used in KeyConditionExpression: OR"},
		{"pk <> :p", attributes{":p": "a"}, nil, "Invalid operator used in KeyConditionExpression: <>"},
		{"NOT pk = :p", attributes{":p": "a"}, nil, "Invalid operator used in KeyConditionExpression: NOT"},
		{"pk IN (:p)", attributes{":p": "a"}, nil, "Invalid operator used in KeyConditionExpression: IN"},
		{"attribute_exists(pk)", nil, nil, "Invalid operator used in KeyConditionExpression: attribute_exists"},
		{"pk > :p", attributes{":p": "a"}, nil, "Query key condition not supported"},
		{"sk = :k", attributes{":k": 1}, nil, "Query condition missed key schema element: pk"},
		{"pk = :p AND x = :k", attributes{":p": "a", ":k": 1}, nil, "Query condition missed key schema element: sk"},
		{"pk = :p AND sk > :k AND sk < :l", attributes{":p": "a", ":k": 1, ":l": 2}, nil, "Conditions can be of length 1 or 2 only"},
		{"pk = :p AND pk = :q", attributes{":p": "a", ":q": "b"}, nil, "KeyConditionExpressions must only contain one condition per key"},
		{"pk = :p", attributes{":p": 1}, nil, "Condition parameter type does not match schema type"},
		{"pk = :p", attributes{":p": ""}, nil, "cannot contain an empty string value. Key: pk"},
		{"pk = :p AND begins_with(sk, :k)", attributes{":p": "a", ":k": 1}, nil, "operator or function: begins_with, operand type: N"},
		{"pk = :p AND size(sk) = :k", attributes{":p": "a", ":k": 1}, nil, "KeyConditionExpressions cannot contain nested operations"},
		{"pk = sk", nil, nil, "Multiple attribute names used in one condition"},
		{"pk.x = :p", attributes{":p": "a"}, nil, "KeyConditionExpressions cannot have conditions on nested attributes"},
		{":p = :q", attributes{":p": "a", ":q": "b"}, nil, "No key attribute specified"},
		{"pk = :p", attributes{":p": "a"}, func(in *dynamodb.QueryInput) { in.KeyConditionExpression = nil; in.ExpressionAttributeValues = nil },
			"Either the KeyConditions or KeyConditionExpression parameter must be specified in the request."},
		{"pk = :p", attributes{":p": "a"}, func(in *dynamodb.QueryInput) { in.Limit = aws.Int32(0) }, "Member must have value greater than or equal to 1"},
		{"pk = :p", attributes{":p": "a"}, func(in *dynamodb.QueryInput) { in.FilterExpression = aws.String("sk <> :p") },
			"Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"},
		{"pk = :p", attributes{":p": "a"}, func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = attributes{"pk": "a"}.wire() }, "The provided starting key is invalid"},
		{"pk = :p", attributes{":p": "a"}, func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = attributes{"pk": "b", "sk": 1}.wire() }, "outside query boundaries"},
		{"pk = :p AND sk > :k", attributes{":p": "a", ":k": 5}, func(in *dynamodb.QueryInput) { in.ExclusiveStartKey = attributes{"pk": "a", "sk": 1}.wire() },
			"does not match the range key predicate"},
		{"pk = :p AND sk > :k", attributes{":p": "a", ":k": 5}, func(in *dynamodb.QueryInput) { in.TableName = aws.String("hashed") }, "Query key condition not supported"},
		{"pk = :p", attributes{":p": "a"}, func(in *dynamodb.QueryInput) { in.Select = "SPECIFIC_ATTRIBUTES" }, "when choosing to get SPECIFIC_ATTRIBUTES"},
		{"pk = :p", attributes{":p": "a"}, func(in *dynamodb.QueryInput) { in.Select = "COUNT"; in.ProjectionExpression = aws.String("pk") }, "only the Count"},
	} {
		in := &dynamodb.QueryInput{TableName: aws.String("items"), KeyConditionExpression: &test.condition, ExpressionAttributeValues: test.values.wire()}
		if test.adjust != nil {
			test.adjust(in)
		}
		_, err := c.Query(t.Context(), in)
		t.Run(test.condition, func(t *testing.T) { wantError(t, err, "ValidationException", test.text) })
	}
	_, err := c.Query(t.Context(), &dynamodb.QueryInput{
		TableName: aws.String("items"), IndexName: aws.String("by-x"), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: attributes{":p": "a"}.wire(),
	})
	wantError(t, err, "NotImplementedException", "IndexName")
}
