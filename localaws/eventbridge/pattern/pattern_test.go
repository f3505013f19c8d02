package pattern_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/gatehouse-portal/gatehouse/localaws/eventbridge/pattern"
)

const event = `{"version":"0","id":"e1","detail-type":"License Updated - Manufacturer","source":"aws.agreement-marketplace",
	"account":"000000000000","region":"us-east-1","resources":["arn:aws:a","arn:aws:b"],
	"detail":{"agreement":{"id":"agmt-1","status":null},"quantity":3,"renewed":false,"items":[{"code":"x"},{"code":"y"}]}}`

func TestPatternsSelectEvents(t *testing.T) {
	t.Parallel()
	var document map[string]any
	if err := json.Unmarshal([]byte(event), &document); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		pattern string
		want    bool
	}{
		"the source":                             {`{"source":["aws.agreement-marketplace"]}`, true},
		"another source":                         {`{"source":["aws.s3"]}`, false},
		"one of two types":                       {`{"detail-type":["Other","License Updated - Manufacturer"]}`, true},
		"equality has no case folding":           {`{"detail-type":["license updated - manufacturer"]}`, false},
		"both fields must match":                 {`{"source":["aws.agreement-marketplace"],"account":["111111111111"]}`, false},
		"one element of a list":                  {`{"resources":["arn:aws:b"]}`, true},
		"no element of a list":                   {`{"resources":["arn:aws:c"]}`, false},
		"a nested field":                         {`{"detail":{"agreement":{"id":["agmt-1"]}}}`, true},
		"an object in a list":                    {`{"detail":{"items":{"code":["y"]}}}`, true},
		"a nested field of something missing":    {`{"detail":{"licence":{"id":["agmt-1"]}}}`, false},
		"a number":                               {`{"detail":{"quantity":[3.0]}}`, true},
		"a number is not its text":               {`{"detail":{"quantity":["3"]}}`, false},
		"false":                                  {`{"detail":{"renewed":[false]}}`, true},
		"null":                                   {`{"detail":{"agreement":{"status":[null]}}}`, true},
		"null is not missing":                    {`{"detail":{"agreement":{"end":[null]}}}`, false},
		"a prefix":                               {`{"detail-type":[{"prefix":"License "}]}`, true},
		"another prefix":                         {`{"detail-type":[{"prefix":"Purchase "}]}`, false},
		"a prefix of a number":                   {`{"detail":{"quantity":[{"prefix":"3"}]}}`, false},
		"a field that exists":                    {`{"detail":{"quantity":[{"exists":true}]}}`, true},
		"an object is no leaf":                   {`{"detail":[{"exists":true}]}`, false},
		"a field that exists but must not":       {`{"detail":{"quantity":[{"exists":false}]}}`, false},
		"a field that is missing and must be":    {`{"detail":{"price":[{"exists":false}]}}`, true},
		"missing, or another value":              {`{"detail":{"price":[{"exists":false},4]}}`, true},
		"anything but another value":             {`{"account":[{"anything-but":"111111111111"}]}`, true},
		"anything but this value":                {`{"account":[{"anything-but":["000000000000","1"]}]}`, false},
		"anything but another prefix":            {`{"source":[{"anything-but":{"prefix":"custom."}}]}`, true},
		"anything but this prefix":               {`{"source":[{"anything-but":{"prefix":"aws."}}]}`, false},
		"anything but does not match a missing":  {`{"detail":{"price":[{"anything-but":4}]}}`, false},
		"fields outside the envelope's own ones": {`{"colour":["red"]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := pattern.Parse(c.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Matches(document); got != c.want {
				t.Errorf("%s matches: %v, want %v", c.pattern, got, c.want)
			}
		})
	}
}

func TestWhatIsNotAPatternIsRefused(t *testing.T) {
	t.Parallel()
	for text, unsupported := range map[string]bool{
		``: false, `{}`: false, `[]`: false, `null`: false, `"source"`: false, `{"source":"aws.s3"}`: false, `{"source":[]}`: false,
		`{"detail":{}}`: false, `{"source":[["a"]]}`: false, `{"source":[{}]}`: false, `{"source":[{"exists":"yes"}]}`: false,
		`{"source":[{"prefix":1}]}`: false, `{"source":[{"prefix":"a","exists":true}]}`: false, `{"source":[{"like":"a"}]}`: false,
		`{"source":[{"anything-but":[]}]}`: false, `{"source":[{"anything-but":true}]}`: false,
		`{"source":["` + strings.Repeat("a", 4096) + `"]}`: false,
		`{"source":[{"suffix":"a"}]}`:                      true, `{"source":[{"wildcard":"a*"}]}`: true, `{"detail":{"n":[{"numeric":["<",3]}]}}`: true,
		`{"source":[{"equals-ignore-case":"a"}]}`: true, `{"source":[{"cidr":"10.0.0.0/8"}]}`: true, `{"$or":[{"source":["a"]}]}`: true,
		`{"source":[{"prefix":{"equals-ignore-case":"a"}}]}`: true, `{"source":[{"anything-but":{"suffix":"a"}}]}`: true,
	} {
		_, err := pattern.Parse(text)
		if err == nil || errors.Is(err, pattern.ErrUnsupported) != unsupported {
			t.Errorf("%s: %v, want an error, unsupported %v", text, err, unsupported)
		}
	}
}
