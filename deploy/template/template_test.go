package template

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const example = `
AWSTemplateFormatVersion: "2010-09-09"
Description: An example
Parameters:
  Name: {Type: String, AllowedPattern: "[a-z]+", ConstraintDescription: must be letters.}
  Count: {Type: Number, Default: 2, MinValue: 1, MaxValue: 3}
  Kind: {Type: String, Default: a, AllowedValues: [a, b]}
  Topics: {Type: CommaDelimitedList, Default: ""}
Rules:
  Both:
    RuleCondition: !Equals [!Ref Kind, b]
    Assertions:
      - Assert: !Not [!Equals [!Ref Count, 1]]
        AssertDescription: Kind b needs more than one.
Conditions:
  IsB: !Equals [!Ref Kind, b]
  IsA: !Not [!Condition IsB]
  Both: !And [!Condition IsA, !Condition IsB]
  Either: !Or [!Condition IsA, !Condition IsB]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    DeletionPolicy: Retain
    Properties:
      QueueName: !Sub "${AWS::StackName}-${Name}.fifo"
      Literal: !Sub "${!Name}"
      Own: !Sub ["${A}/${Count}", {A: !Ref AWS::Region}]
      Arn: !GetAtt Other.Arn
      InText: !Sub "${Other.Arn}:${Other}"
      Long: {"Fn::Join": ["-", [!Ref AWS::AccountId, !Ref AWS::Partition]]}
      Topics: !Ref Topics
      Picked: !Select [1, !Split [",", "x,y,z"]]
      Chosen: !If [IsB, b, !Ref AWS::NoValue]
      List: [1, true, !Ref AWS::NoValue, !If [Either, yes it is, no]]
  Other: {Type: AWS::SQS::Queue}
  OnlyB: {Type: AWS::SNS::Topic, Condition: IsB, DependsOn: Other}
  Never: {Type: AWS::SNS::Topic, Condition: Both}
Outputs:
  Address: {Value: !Ref Queue}
  Topic: {Value: !Ref OnlyB, Condition: IsB}
`

func TestATemplateIsResolved(t *testing.T) {
	t.Parallel()
	read, err := Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	r, err := read.Resolve(Stack{Name: "acme", Account: "111122223333", Region: "eu-west-1", Parameters: map[string]string{"Name": "work", "Topics": "one, two"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Properties("Queue")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"QueueName": "acme-work.fifo", "Literal": "${Name}", "Own": "eu-west-1/2", "Arn": "acme/Other.Arn", "InText": "acme/Other.Arn:acme/Other",
		"Long": "111122223333-aws", "Topics": []any{"one", "two"}, "Picked": "y", "List": []any{1.0, true, "yes it is"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Other", "Queue"}, r.Resources); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	outputs, err := r.Outputs()
	if diff := cmp.Diff(map[string]string{"Address": "acme/Queue"}, outputs); diff != "" || err != nil {
		t.Errorf("outputs (-want +got, %v):\n%s", err, diff)
	}
}

func TestAConditionThatHoldsAddsWhatItIsFor(t *testing.T) {
	t.Parallel()
	read, err := Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	r, err := read.Resolve(Stack{Name: "acme", Parameters: map[string]string{"Name": "work", "Kind": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	queue, err := r.Properties("Queue")
	if err != nil {
		t.Fatal(err)
	}
	outputs, err := r.Outputs()
	if !r.Has("OnlyB") || r.Has("Never") || queue["Chosen"] != "b" || outputs["Topic"] != "acme/OnlyB" || err != nil {
		t.Errorf("resources %v, chosen %v, outputs %v, %v", r.Resources, queue["Chosen"], outputs, err)
	}
}

func TestUnusableParametersAreRefused(t *testing.T) {
	t.Parallel()
	read, err := Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		parameters map[string]string
		want       string
	}{
		"a missing one":                {nil, "parameter Name must have a value"},
		"an unknown one":               {map[string]string{"Name": "a", "Names": "b"}, "no parameter Names"},
		"one against its pattern":      {map[string]string{"Name": "a1"}, `parameter Name: "a1" must be letters`},
		"one that matches only inside": {map[string]string{"Name": "a\nb"}, "must be letters"},
		"one that is not allowed":      {map[string]string{"Name": "a", "Kind": "c"}, "must be one of a, b"},
		"a number out of range":        {map[string]string{"Name": "a", "Count": "4"}, "must be a number from 1 to 3"},
		"a number that is none":        {map[string]string{"Name": "a", "Count": "many"}, "must be a number from 1 to 3"},
		"a rule that does not hold":    {map[string]string{"Name": "a", "Kind": "b", "Count": "1"}, "Kind b needs more than one."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := read.Resolve(Stack{Name: "acme", Parameters: c.parameters})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v, want %q", err, c.want)
			}
		})
	}
}

func TestABrokenTemplateIsRefused(t *testing.T) {
	t.Parallel()
	const head = "Resources:\n  Other: {Type: T}\n  Absent: {Type: T, Condition: Never}\n  Broken:\n    Type: T\n"
	const never = "Conditions:\n  Never: !Equals [a, b]\n"
	for name, c := range map[string]struct{ template, want string }{
		"no YAML":                        {"{", "reading the template"},
		"an unknown section":             {"Resource: {}", "unknown section Resource"},
		"an unknown member":              {"Resources: {Queue: {Type: T, Property: {}}}", "Queue.Property is unknown"},
		"a resource without a type":      {"Resources: {Queue: {}}", "Queue has no Type"},
		"a key given twice":              {"Resources: {Queue: {Type: T, Type: U}}", "given twice"},
		"a null":                         {"Resources: {Queue: {Type: }}", "write a text in quotes"},
		"a date without quotes":          {"Resources: {Queue: {Type: T, Properties: {Version: 2012-10-17}}}", "write a text in quotes"},
		"an alias":                       {"Resources: {A: &a {Type: T}, B: *a}", "no aliases"},
		"an unknown function":            {head + "    Properties: {A: !Cidr [a]}", "Fn::Cidr is not known"},
		"a reference to nothing":         {head + "    Properties: {A: !Ref Nobody}", "neither a parameter nor a resource Nobody"},
		"a reference to what is absent":  {never + head + "    Properties: {A: !Ref Absent}", "neither a parameter nor a resource Absent"},
		"an attribute of nothing":        {head + "    Properties: {A: !Sub '${Nobody.Arn}'}", "no resource Nobody"},
		"an unknown condition":           {head + "    Properties: {A: !If [Nothing, a, b]}", "no condition Nothing"},
		"a dependency on what is absent": {never + head + "    DependsOn: [Other, Absent]", "depends on Absent"},
		"an item that is not there":      {head + "    Properties: {A: !Select [2, [a, b]]}", "no item 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template := c.template
			if strings.HasPrefix(template, head) {
				template = never + template
			}
			read, err := Parse([]byte(template))
			if err == nil {
				var r *Resolved
				if r, err = read.Resolve(Stack{Name: "acme"}); err == nil {
					_, err = r.Properties("Broken")
				}
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v, want %q", err, c.want)
			}
		})
	}
}

func TestAnErrorOfAResourceIsPassedOn(t *testing.T) {
	t.Parallel()
	read, err := Parse([]byte("Resources:\n  A: {Type: T}\n  B: {Type: T, Properties: {Of: !Ref A}}"))
	if err != nil {
		t.Fatal(err)
	}
	failure := errors.New("not made")
	r, err := read.Resolve(Stack{Ref: func(string) (any, error) { return nil, failure }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Properties("B"); !errors.Is(err, failure) {
		t.Errorf("it says %v", err)
	}
}
