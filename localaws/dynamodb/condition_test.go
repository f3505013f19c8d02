package dynamodb_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

func TestConditionsHoldAsOnAWS(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S", "sk:N")
	put(t, c, "items", everything())
	values := attributes{
		":text": "text", ":te": "te", ":x": "x", ":none": "none", ":empty": "", ":12": num("-12.50"), ":13": -13, ":0": 0, ":1": 1, ":2": 2, ":4": 4,
		":b": []byte{0, 0xff}, ":b0": []byte{0}, ":true": true, ":null": nil, ":l": list{"x", 2, list{}}, ":m": attributes{"k": "v", "nested": attributes{}},
		":ss": words{"y", "x"}, ":ns": nums{"2", "1.0"}, ":bs": blobs{{2}, {1}}, ":S": "S", ":N": "N", ":NULL": "NULL", ":b1": []byte{1},
	}
	for _, test := range []struct {
		condition string
		want      bool
	}{
		{"s = :text", true}, {"s = :none", false}, {"s <> :none", true}, {"s <> :text", false},
		{"n = :12", true}, {"n > :13", true}, {"n < :0", true}, {"n >= :12", true}, {"n <= :13", false},
		{"b = :b", true}, {"b > :b0", true}, {"yes = :true", true}, {"#no = :true", false}, {"#null = :null", true},
		{"l = :l", true}, {"m = :m", true}, {"ss = :ss", true}, {"ns = :ns", true}, {"bs = :bs", true},
		{"s = :12", false}, {"s <> :12", true}, {"s < :12", false}, {"s > :12", false},
		{"absent = :text", false}, {"absent <> :text", true}, {"absent < :text", false}, {"absent = alsoabsent", false},
		{":0 > n", true}, {"pk < s", true},
		{"n BETWEEN :13 AND :0", true}, {"n between :0 and :1", false}, {"absent BETWEEN :0 AND :1", false},
		{"s IN (:none, :text)", true}, {"s IN (:none)", false}, {"n in (:13, :12)", true}, {"absent IN (:none)", false},
		{"attribute_exists(s)", true}, {"attribute_exists(m.#k)", true}, {"attribute_exists(m.absent)", false}, {"attribute_exists(l[2])", true},
		{"attribute_exists(l[3])", false}, {"attribute_exists(s.x)", false}, {"attribute_exists(s[0])", false},
		{"attribute_not_exists(absent)", true}, {"attribute_not_exists(s)", false},
		{"attribute_type(s, :S)", true}, {"attribute_type(s, :N)", false}, {"attribute_type(#null, :NULL)", true}, {"attribute_type(absent, :S)", false},
		{"begins_with(s, :te)", true}, {"begins_with(s, :x)", false}, {"begins_with(b, :b0)", true}, {"begins_with(n, :te)", false}, {"begins_with(s, :empty)", true},
		{"contains(s, :x)", true}, {"contains(s, :none)", false}, {"contains(ss, :x)", true}, {"contains(ns, :1)", true}, {"contains(ns, :4)", false},
		{"contains(bs, :b1)", true}, {"contains(l, :2)", true}, {"contains(l, :none)", false}, {"contains(n, :x)", false}, {"contains(b, :b0)", true},
		{"size(s) = :4", true}, {"size(b) = :2", true}, {"size(ss) = :2", true}, {"size(m) = :2", true}, {"size(l) > :2", true}, {"size(#empty) = :0", true},
		{"size(n) = :1", false}, {"size(absent) >= :0", false}, {":4 = size(s)", true}, {"size(s) BETWEEN :1 AND :4", true},
		{"l[1] = :2", true}, {"m.#k = :none", false}, {"l [ 1 ] = :2 AND m . #k <> :none", true},
		{"s = :text AND n = :12", true}, {"s = :text AND n = :0", false}, {"s = :none OR n = :12", true}, {"s = :none or n = :0", false},
		{"NOT s = :none", true}, {"not (s = :text)", false}, {"NOT s = :text OR n = :12", true}, {"NOT (s = :text OR n = :12)", false},
		{"s = :text OR n = :0 AND n = :1", true}, {"(s = :text OR n = :0) AND n = :1", false},
		{"(s) = :text", true}, {"(s = :text) AND (n = :12)", true}, {"s = (:text)", true}, {"NOT NOT s = :text", true},
		{"n BETWEEN :13 AND :0 AND s = :none", false},
	} {
		names := map[string]string{"#k": "k", "#no": "no", "#null": "null", "#empty": "empty"}
		in := &dynamodb.ScanInput{TableName: aws.String("items"), FilterExpression: &test.condition, ExpressionAttributeNames: map[string]string{}}
		used := attributes{}
		for _, word := range strings.FieldsFunc(test.condition, func(r rune) bool { return strings.ContainsRune(" .,()[]", r) }) {
			if name, ok := names[word]; ok {
				in.ExpressionAttributeNames[word] = name
			}
			if value, ok := values[word]; ok {
				used[word] = value
			}
		}
		if len(in.ExpressionAttributeNames) == 0 {
			in.ExpressionAttributeNames = nil
		}
		if len(used) > 0 {
			in.ExpressionAttributeValues = used.wire()
		}
		out, err := c.Scan(t.Context(), in)
		if err != nil {
			t.Errorf("%s: %v", test.condition, err)
			continue
		}
		if got := out.Count == 1; got != test.want {
			t.Errorf("%s: %t, want %t", test.condition, got, test.want)
		}
	}
}

func TestConditionsThatAWSRefusesAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	for _, test := range []struct {
		condition string
		names     map[string]string
		values    attributes
		text      string
	}{
		{"", nil, nil, "Invalid ConditionExpression: The expression can not be empty;"},
		{"a", nil, nil, `Syntax error; token: "<EOF>", near: "a"`},
		{"a = ", nil, nil, `Syntax error; token: "<EOF>", near: "="`},
		{"a == :v", nil, attributes{":v": 1}, `Syntax error; token: "=", near: "== :v"`},
		{"a ! :v", nil, attributes{":v": 1}, `Syntax error; token: "!", near: "a ! :v"`},
		{"a = :v b", nil, attributes{":v": 1}, `Syntax error; token: "b", near: ":v b"`},
		{"_a = :v", nil, attributes{":v": 1}, "Syntax error"},
		{"a[:v] = :v", nil, attributes{":v": 1}, "Syntax error"},
		{"a = :v AND", nil, attributes{":v": 1}, "Syntax error"},
		{"a = :v AND b", nil, attributes{":v": 1}, "Syntax error"},
		{"(a = :v", nil, attributes{":v": 1}, "Syntax error"},
		{"((a = :v))", nil, attributes{":v": 1}, "The expression has redundant parentheses;"},
		{"name = :v", nil, attributes{":v": 1}, "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: name"},
		{"a.Status = :v", nil, attributes{":v": 1}, "reserved keyword: Status"},
		{"nope(a)", nil, nil, "Invalid function name; function: nope"},
		{"SIZE(a) = :v", nil, attributes{":v": 1}, "Invalid function name; function: SIZE"},
		{"list_append(a, :v) = :v", nil, attributes{":v": 1}, "The function is not allowed in a condition expression; function: list_append"},
		{"size(a)", nil, nil, "The function is not allowed to be used this way in an expression; function: size"},
		{"attribute_exists(a) = :v", nil, attributes{":v": true}, "not allowed to be used this way in an expression; function: attribute_exists"},
		{"attribute_exists(a, b)", nil, nil, "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2"},
		{"begins_with(a)", nil, nil, "operator or function: begins_with, number of operands: 1"},
		{"attribute_exists(:v)", nil, attributes{":v": 1}, "Operator or function requires a document path; operator or function: attribute_exists"},
		{"begins_with(a, :v)", nil, attributes{":v": 1}, "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"},
		{"a < :v", nil, attributes{":v": true}, "operator or function: <, operand type: BOOL"},
		{"a BETWEEN :v AND :w", nil, attributes{":v": list{}, ":w": list{}}, "operator or function: BETWEEN, operand type: L"},
		{"a BETWEEN :v AND :w", nil, attributes{":v": 2, ":w": 1}, "requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"},
		{"a BETWEEN :v AND :w", nil, attributes{":v": 2, ":w": "x"}, "requires same data type for lower and upper bounds"},
		{"size(:v) = :v", nil, attributes{":v": 1}, "operator or function: size, operand type: N"},
		{"attribute_type(a, :v)", nil, attributes{":v": "X"}, "Invalid attribute type name found; type: X"},
		{"attribute_type(a, :v)", nil, attributes{":v": 1}, "operator or function: attribute_type, operand type: N"},
		{"a = a", nil, nil, "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]"},
		{"#x = a", map[string]string{"#x": "a"}, nil, "must be distinct"},
		{"a = :v", nil, nil, "An expression attribute value used in expression is not defined; attribute value: :v"},
		{"#a = :v", nil, attributes{":v": 1}, "An expression attribute name used in the document path is not defined; attribute name: #a"},
		{"a = :v", map[string]string{"#b": "b"}, attributes{":v": 1}, "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}"},
		{"a = :v", nil, attributes{":v": 1, ":w": 2, ":u": 3}, "Value provided in ExpressionAttributeValues unused in expressions: keys: {:u, :w}"},
		{"a = :v", map[string]string{}, attributes{":v": 1}, "ExpressionAttributeNames must not be empty"},
		{"attribute_exists(a)", nil, attributes{}, "ExpressionAttributeValues must not be empty"},
		{"a = :v", nil, attributes{":v": 1, "w": 2}, `ExpressionAttributeValues contains invalid key: Syntax error; key: "w"`},
		{"a = :v", nil, attributes{":v": words{}}, "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: An string set  may not be empty for key :v"},
		{"a IN (:v" + strings.Repeat(", :v", 100) + ")", nil, attributes{":v": 1}, "The IN operator is provided with too many operands"},
		{"a[99999999999] = :v", nil, attributes{":v": 1}, "List index is not within the allowable range; index: [99999999999]"},
		{"a = :v" + strings.Repeat(" ", 4096), nil, attributes{":v": 1}, "Expression size has exceeded the maximum allowed size; expression size: 4102"},
	} {
		_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: aws.String("items"), Item: attributes{"pk": "a"}.wire(), ConditionExpression: &test.condition,
			ExpressionAttributeNames: test.names, ExpressionAttributeValues: test.values.wire(),
		})
		t.Run(test.condition[:min(40, len(test.condition))], func(t *testing.T) {
			wantError(t, err, "ValidationException", test.text)
		})
	}
	_, err := c.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("items"), Item: attributes{"pk": "a"}.wire(), ExpressionAttributeValues: attributes{":v": 1}.wire(),
	})
	wantError(t, err, "ValidationException", "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null")
	_, err = c.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("items"), Item: attributes{"pk": "a"}.wire(), ExpressionAttributeNames: map[string]string{"#a": "a"},
	})
	wantError(t, err, "ValidationException", "ExpressionAttributeNames can only be specified when using expressions")
}
