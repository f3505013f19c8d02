package conformance

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestADifferenceNeedsAReasonAndAReasonNeedsADifference(t *testing.T) {
	t.Parallel()
	plain := step{does: "x"}
	explained := step{does: "x", moto: "because"}
	for name, c := range map[string]struct {
		differs bool
		step    step
		same    bool
		fine    bool
	}{
		"the local AWS answers as the table says":                    {false, plain, true, true},
		"the local AWS answers otherwise":                            {false, plain, false, false},
		"the local AWS answers otherwise, as moto does":              {false, explained, false, false},
		"the local AWS answers as the table says, but moto does not": {false, explained, true, true},
		"moto answers as the table says":                             {true, plain, true, true},
		"moto answers otherwise, for no known reason":                {true, plain, false, false},
		"moto answers otherwise, for a reason":                       {true, explained, false, true},
		"moto answers as the table says, despite a reason":           {true, explained, true, false},
	} {
		problem := target{name: "a target", differs: c.differs}.problem(c.step, outcome{same: c.same})
		if (problem == "") != c.fine {
			t.Errorf("%s: %q", name, problem)
		}
	}
}

func TestAnswersAreComparedAsTheTableSays(t *testing.T) {
	t.Parallel()
	answer := func() any {
		return structure{
			"Id": "i-1", "Count": 2.0, "None": nil,
			"Map":  mapping{"a": "1", "b": "2"},
			"List": []any{structure{"Key": "x"}, structure{"Key": "y"}},
			"Body": `{"deep": {"er": ["z"]}, "more": 1}`,
		}
	}
	for _, c := range []struct {
		pattern string
		same    bool
	}{
		{`{}`, true},
		{`{"Id": "i-1", "Count": 2, "None": null}`, true},
		{`{"Id": "i-2"}`, false},
		{`{"Id": null}`, false},
		{`{"Id": "<any>"}`, true},
		{`{"None": "<any>"}`, false},
		{`{"Nothing": null}`, false},
		{`{"Id": "$id"}`, true},
		{`{"Id": "$known"}`, false},
		{`{"Id": "i-$one"}`, true},
		{`{"Map": {"a": "1"}}`, false},
		{`{"Map": {"a": "1", "…": "…"}}`, true},
		{`{"Map": {"a": "1", "b": "2"}}`, true},
		{`{"Map": {"a": "1", "b": "2", "c": "3"}}`, false},
		{`{"List": [{"Key": "x"}, {"Key": "y"}]}`, true},
		{`{"List": [{"Key": "y"}, {"Key": "x"}]}`, false},
		{`{"List": ["<in any order>", {"Key": "y"}, {"Key": "x"}]}`, true},
		{`{"List": ["<in any order>", {"Key": "y"}, {"Key": "y"}]}`, false},
		{`{"List": [{"Key": "x"}]}`, false},
		{`{"List": {"<2 times>": {"Key": "<any>"}}}`, true},
		{`{"List": {"<3 times>": {"Key": "<any>"}}}`, false},
		{`{"Body": {"<JSON>": {"deep": {"er": ["z"]}}}}`, true},
		{`{"Body": {"<JSON>": {"deep": {"er": []}}}}`, false},
		{`SomeError 400`, false},
	} {
		w, err := parseWant(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		got, err := names{"known": "k", "one": "1"}.judge(w, answer(), nil)
		if err != nil || got.same != c.same {
			t.Errorf("%s: %+v, %v", c.pattern, got, err)
		}
	}
}

func TestErrorsAreComparedByCodeStatusAndWhatTheTableNames(t *testing.T) {
	t.Parallel()
	message := "no such queue: $name"
	refused := error(&types.QueueDoesNotExist{Message: &message})
	for pattern, same := range map[string]bool{
		"QueueDoesNotExist 0":                         false, // no status has three digits
		"QueueDoesNotExist 000":                       true,
		"QueueDoesNotExist 000: no such queue: $name": true,
		"QueueDoesNotExist 000: no such thing":        false,
		"QueueDoesNotExist 400":                       false,
		"OverLimit 000":                               false,
		`QueueDoesNotExist 000 {"Message": "<any>"}`:  true,
		`QueueDoesNotExist 000 {"Message": "x"}`:      false,
		`{}`:                                          false,
	} {
		w, err := parseWant(pattern)
		if err != nil {
			if same {
				t.Errorf("%s: %v", pattern, err)
			}
			continue
		}
		if got, err := (names{}).judge(w, nil, refused); err != nil || got.same != same {
			t.Errorf("%s: %+v, %v", pattern, got, err)
		}
	}
	if _, err := (names{}).judge(want{code: "x"}, nil, misuse{errors.New("no such operation")}); err == nil {
		t.Error("a mistake in the table passes for an answer")
	}
}

func TestNamesAndRepetitionsAreExpanded(t *testing.T) {
	t.Parallel()
	n := names{"prefix": "p-1", "region": "r"}
	for text, want := range map[string]string{
		"$prefix-q":            "p-1-q",
		"a:$region:$prefix.x":  "a:r:p-1.x",
		"$prefix${3 x}":        "p-1xxx",
		"${2 $prefix/$i;}":     "p-1/1;p-1/2;",
		"a price of 5$":        "a price of 5$",
		"$Prefix is no name":   "$Prefix is no name",
		"{\"a\": \"$prefix\"}": "{\"a\": \"p-1\"}",
	} {
		if got, unknown := n.expand(text); got != want || len(unknown) > 0 {
			t.Errorf("%s: %q, %v", text, got, unknown)
		}
	}
	if _, err := n.fill(map[string]any{"Id": "$id"}); err == nil || !strings.Contains(err.Error(), "$id") {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestAnIncompleteTableIsRejected(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no title":        "A step.\n    ListQueues {}\n    -> {}\n",
		"no answer":       "== T\n\nA step.\n    ListQueues {}\n",
		"no call":         "== T\n\nA step.\n    -> {}\n",
		"two calls":       "== T\n\nA step.\n    ListQueues {}\n    ListQueues {}\n    -> {}\n",
		"no JSON":         "== T\n\nA step.\n    ListQueues {x}\n    -> {}\n",
		"no such answer":  "== T\n\nA step.\n    ListQueues {}\n    -> fine\n",
		"the same twice":  "== T\n\nA step.\n    ListQueues {}\n    -> {}\n\nA step.\n    ListQueues {}\n    -> {}\n",
		"the title twice": "== T\n\n== T\n",
		"an odd remark":   "== T\n    lacks: nothing\n",
	} {
		if _, err := parse("sqs.txt", text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
