package dynamodb_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"
)

func update(t testing.TB, c *dynamodb.Client, expression string, names map[string]string, values attributes) error {
	_, err := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String("items"), Key: attributes{"pk": "a"}.wire(), UpdateExpression: &expression,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values.wire(),
	})
	return err
}

func TestUpdatesWorkAsOnAWS(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	for _, test := range []struct {
		name       string
		before     attributes // nil: no item; the key is added
		expression string
		values     attributes
		after      attributes // nil: no item
	}{
		{"SET creates an item", nil, "SET x = :v", attributes{":v": 1}, attributes{"x": num("1")}},
		{"SET replaces a value", attributes{"x": "old", "y": "y"}, "SET x = :v", attributes{":v": list{}}, attributes{"x": list{}, "y": "y"}},
		{"SET copies the old value", attributes{"x": "old"}, "SET y = x, x = :v", attributes{":v": 1}, attributes{"x": num("1"), "y": "old"}},
		{"a removed value can still be read", attributes{"x": "old"}, "REMOVE x SET y = x", nil, attributes{"y": "old"}},
		{"adding and subtracting", attributes{"n": num("0.1")}, "SET n = n + :v, o = :v - n", attributes{":v": num("0.2")}, attributes{"n": num("0.3"), "o": num("0.1")}},
		{"sums have 38 digits", attributes{"n": num("1")}, "SET n = n + :v", attributes{":v": num("10000000000000000000000000000000000000")},
			attributes{"n": num("10000000000000000000000000000000000001")}},
		{"sums can be in parentheses", nil, "SET n = (:v + :v)", attributes{":v": 1}, attributes{"n": num("2")}},
		{"if_not_exists keeps", attributes{"x": "old"}, "SET x = if_not_exists(x, :v)", attributes{":v": 1}, attributes{"x": "old"}},
		{"if_not_exists sets", nil, "SET x = if_not_exists(x, :v)", attributes{":v": 1}, attributes{"x": num("1")}},
		{"if_not_exists nests and counts", attributes{"y": num("5")}, "SET x = if_not_exists(x, if_not_exists(y, :v)) + :v", attributes{":v": 1}, attributes{"x": num("6"), "y": num("5")}},
		{"list_append appends", attributes{"l": list{"a"}}, "SET l = list_append(l, :v), m = list_append(:v, l)", attributes{":v": list{"b"}},
			attributes{"l": list{"a", "b"}, "m": list{"b", "a"}}},
		{"list_append creates a list", nil, "SET l = list_append(if_not_exists(l, :none), :v)", attributes{":none": list{}, ":v": list{"b"}}, attributes{"l": list{"b"}}},
		{"a map's element is set", attributes{"m": attributes{"a": "a"}}, "SET m.b = :v", attributes{":v": 1}, attributes{"m": attributes{"a": "a", "b": num("1")}}},
		{"a list's element is set", attributes{"l": list{"a", "b"}}, "SET l[1] = :v", attributes{":v": 1}, attributes{"l": list{"a", num("1")}}},
		{"elements past the end are appended in order", attributes{"l": list{"a"}}, "SET l[9] = :v9, l[4] = :v4, l[7] = :v7", attributes{":v9": 9, ":v4": 4, ":v7": 7},
			attributes{"l": list{"a", num("4"), num("7"), num("9")}}},
		{"indexes are those of the old list", attributes{"l": list{"0", "1", "2", "3"}}, "REMOVE l[1], l[0] SET l[3] = :v, l[8] = :w", attributes{":v": "new", ":w": "end"},
			attributes{"l": list{"2", "new", "end"}}},
		{"REMOVE past the end keeps what SET appends", attributes{"l": list{"a"}}, "REMOVE l[1] SET l[5] = :v", attributes{":v": "b"}, attributes{"l": list{"a", "b"}}},
		{"a copy does not change with its original", attributes{"m": attributes{"a": "a"}}, "SET n = m, m.a = :v", attributes{":v": "b"},
			attributes{"m": attributes{"a": "b"}, "n": attributes{"a": "a"}}},
		{"deep paths", attributes{"m": attributes{"l": list{attributes{"x": "a", "y": "b"}}}}, "SET m.l[0].x = :v REMOVE m.l[0].y", attributes{":v": 1},
			attributes{"m": attributes{"l": list{attributes{"x": num("1")}}}}},
		{"removing", attributes{"x": "x", "y": "y"}, "REMOVE x, z", nil, attributes{"y": "y"}},
		{"REMOVE of the last element leaves an empty container", attributes{"m": attributes{"a": "a"}, "l": list{"a"}}, "REMOVE m.a, l[0]", nil, attributes{"m": attributes{}, "l": list{}}},
		{"REMOVE does not create an item", nil, "REMOVE x, y.z", nil, nil},
		{"ADD starts from zero", nil, "ADD n :v", attributes{":v": 7}, attributes{"n": num("7")}},
		{"ADD counts on", attributes{"n": num("-1")}, "ADD n :v", attributes{":v": 7}, attributes{"n": num("6")}},
		{"ADD creates a set", nil, "ADD s :v", attributes{":v": words{"a"}}, attributes{"s": words{"a"}}},
		{"ADD unites sets", attributes{"s": nums{"1", "2"}}, "ADD s :v", attributes{":v": nums{"2.0", "3"}}, attributes{"s": nums{"1", "2", "3"}}},
		{"ADD works below", attributes{"m": attributes{"n": num("1")}}, "ADD m.n :v, m.o :v", attributes{":v": 1}, attributes{"m": attributes{"n": num("2"), "o": num("1")}}},
		{"DELETE removes elements of a set", attributes{"s": words{"a", "b"}}, "DELETE s :v", attributes{":v": words{"b", "c"}}, attributes{"s": words{"a"}}},
		{"DELETE of all elements removes the set", attributes{"s": words{"a"}}, "DELETE s :v", attributes{":v": words{"a"}}, attributes{}},
		{"DELETE from nothing", attributes{}, "DELETE s :v", attributes{":v": words{"a"}}, attributes{}},
		{"DELETE does not create an item", nil, "DELETE s :v", attributes{":v": words{"a"}}, nil},
		{"all four sections", attributes{"a": num("1"), "b": "b", "c": words{"x", "y"}}, "delete c :c add a :one remove b set d = :one", attributes{":one": 1, ":c": words{"x"}},
			attributes{"a": num("2"), "c": words{"y"}, "d": num("1")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			key := attributes{"pk": "a"}
			if _, err := c.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("items"), Key: key.wire()}); err != nil {
				t.Fatal(err)
			}
			if test.before != nil {
				test.before["pk"] = "a"
				put(t, c, "items", test.before)
			}
			if test.after != nil {
				test.after["pk"] = "a"
			}
			if err := update(t, c, test.expression, nil, test.values); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, get(t, c, "items", key)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnUpdateWithoutExpressionCreatesTheItem(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	if _, err := c.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: aws.String("items"), Key: attributes{"pk": "a"}.wire()}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(attributes{"pk": "a"}, get(t, c, "items", attributes{"pk": "a"})); diff != "" {
		t.Error(diff)
	}
}

func TestUpdatesThatAWSRefusesAreRefused(t *testing.T) {
	t.Parallel()
	c := start(t)
	newTable(t, c, "items", "pk:S")
	before := attributes{"pk": "a", "s": "s", "n": num("9"), "l": list{"a"}, "m": attributes{}, "ss": words{"a"}, "big": num("9e125"), "long": strings.Repeat("x", 390<<10)}
	put(t, c, "items", before)
	before["big"] = num("9" + strings.Repeat("0", 125))
	for _, test := range []struct {
		expression string
		names      map[string]string
		values     attributes
		text       string
	}{
		{"HELLO x = :v", nil, attributes{":v": 1}, `Invalid UpdateExpression: Syntax error; token: "HELLO", near: "HELLO x"`},
		{"SET", nil, nil, `Syntax error; token: "<EOF>", near: "SET"`},
		{"SET x = :v SET y = :v", nil, attributes{":v": 1}, `The "SET" section can only be used once in an update expression;`},
		{"SET x = :v + :v + :v", nil, attributes{":v": 1}, "Syntax error"},
		{"SET x = if_not_exists(x, :v + :v)", nil, attributes{":v": 1}, "Syntax error"},
		{"SET :v = x", nil, attributes{":v": 1}, "Syntax error"},
		{"ADD x y", nil, nil, "Syntax error"},
		{"SET status = :v", nil, attributes{":v": 1}, "Attribute name is a reserved keyword; reserved keyword: status"},
		{"SET x = f(y)", nil, nil, "Invalid function name; function: f"},
		{"SET x = attribute_exists(y)", nil, nil, "The function is not allowed in an update expression; function: attribute_exists"},
		{"SET x = list_append(list_append(:v, :v), :v)", nil, attributes{":v": list{}}, "not allowed to be used this way in an expression; function: list_append"},
		{"SET x = list_append(:v)", nil, attributes{":v": list{}}, "operator or function: list_append, number of operands: 1"},
		{"SET x = list_append(:v, :v)", nil, attributes{":v": "s"}, "operator or function: list_append, operand type: S"},
		{"SET x = if_not_exists(:v, :v)", nil, attributes{":v": 1}, "Operator or function requires a document path; operator or function: if_not_exists"},
		{"SET x = :v + :w", nil, attributes{":v": 1, ":w": "s"}, "Incorrect operand type for operator or function; operator or function: +, operand type: S"},
		{"ADD x :v", nil, attributes{":v": "s"}, "Incorrect operand type for operator or function; operator: ADD, operand type: STRING"},
		{"ADD x :v", nil, attributes{":v": list{}}, "operator: ADD, operand type: LIST"},
		{"DELETE ss :v", nil, attributes{":v": 1}, "operator: DELETE, operand type: NUMBER"},
		{"SET x = :v, x = :v", nil, attributes{":v": 1}, "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [x], path two: [x]"},
		{"SET m.x = :v REMOVE m", nil, attributes{":v": 1}, "path one: [m, x], path two: [m]"},
		{"SET #a = :v, #b.c[1] = :v", map[string]string{"#a": "x", "#b": "x"}, attributes{":v": 1}, "overlap with each other; must remove or rewrite one of these paths; path one: [x], path two: [x, c, [1]]"},
		{"SET m.x = :v, m[1] = :v", nil, attributes{":v": 1}, "Two document paths conflict with each other"},
		{"SET pk = :v", nil, attributes{":v": 1}, "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key"},
		{"REMOVE pk", nil, nil, "Cannot update attribute pk. This attribute is part of the key"},
		{"SET pk.x = :v", nil, attributes{":v": 1}, "Key attributes must be scalars"},
		{"SET x = absent", nil, nil, "The provided expression refers to an attribute that does not exist in the item"},
		{"SET x = absent + :v", nil, attributes{":v": 1}, "refers to an attribute that does not exist"},
		{"SET x = s + :v", nil, attributes{":v": 1}, "An operand in the update expression has an incorrect data type"},
		{"SET x = list_append(s, :v)", nil, attributes{":v": list{}}, "An operand in the update expression has an incorrect data type"},
		{"ADD s :v", nil, attributes{":v": 1}, "An operand in the update expression has an incorrect data type"},
		{"ADD n :v", nil, attributes{":v": nums{"1"}}, "An operand in the update expression has an incorrect data type"},
		{"DELETE ss :v", nil, attributes{":v": nums{"1"}}, "An operand in the update expression has an incorrect data type"},
		{"SET absent.x = :v", nil, attributes{":v": 1}, "The document path provided in the update expression is invalid for update"},
		{"SET s.x = :v", nil, attributes{":v": 1}, "The document path provided in the update expression is invalid for update"},
		{"SET l.x = :v", nil, attributes{":v": 1}, "The document path provided in the update expression is invalid for update"},
		{"SET m[0] = :v", nil, attributes{":v": 1}, "The document path provided in the update expression is invalid for update"},
		{"SET l[3].x = :v", nil, attributes{":v": 1}, "The document path provided in the update expression is invalid for update"},
		{"REMOVE absent.x", nil, nil, "The document path provided in the update expression is invalid for update"},
		{"ADD big :v", nil, attributes{":v": num("9e125")}, "Number overflow"},
		{"SET x = big + :v", nil, attributes{":v": 1}, "Number overflow"},
		{"SET x = :v", nil, attributes{":v": strings.Repeat("x", 11<<10)}, "Item size to update has exceeded the maximum allowed size"},
	} {
		t.Run(test.expression, func(t *testing.T) {
			wantError(t, update(t, c, test.expression, test.names, test.values), "ValidationException", test.text)
		})
	}
	if diff := cmp.Diff(before, get(t, c, "items", attributes{"pk": "a"})); diff != "" {
		t.Errorf("a refused update changed the item: %s", diff)
	}
}
